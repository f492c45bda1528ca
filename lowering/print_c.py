"""The module as C: what `dlp-opt -t c` prints."""

from dlp.codegen import print_c

__all__ = ["print_c"]
