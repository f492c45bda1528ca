"""C from IR over upstream dialects: `print_c` for one file, `print_c_units` for files that compile in parallel."""

from dlp.codegen.module import print_c, print_c_units

__all__ = ["print_c", "print_c_units"]
