"""C from IR over upstream dialects: `print_c` for one file, `UnitPrinter` for files that compile in parallel."""

from dlp.codegen.module import print_c
from dlp.codegen.units import UnitPrinter

__all__ = ["UnitPrinter", "print_c"]
