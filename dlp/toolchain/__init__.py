"""The C compiler, found and checked once, and what is built with it."""

from dlp.toolchain.build import Build, SharedBuild, build_program, build_shared
from dlp.toolchain.compiler import Toolchain, find

__all__ = ["Build", "SharedBuild", "Toolchain", "build_program", "build_shared", "find"]
