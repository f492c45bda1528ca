"""The C compiler, found and checked once, and what is built with it."""

from dlp.toolchain.build import Build, build_program, build_shared
from dlp.toolchain.compiler import Toolchain, find

__all__ = ["Build", "Toolchain", "build_program", "build_shared", "find"]
