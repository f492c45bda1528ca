"""`dlp-opt`: runs passes on IR, with the conventions of mlir-opt. See `docs/dlp-opt.md`."""

from dlp.opt.driver import main

__all__ = ["main"]
