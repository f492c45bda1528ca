"""`dlp import FILE.pt2 -o net.mlir`"""

from __future__ import annotations

import argparse
import importlib
import sys
import warnings
from pathlib import Path

from dlp.errors import InputError


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    parser = commands.add_parser(
        "import",
        help="a network that torch.export has saved, as IR",
        description="Writes the network as IR in the dlp dialect, and its weights beside it as .safetensors.",
    )
    parser.add_argument("file", metavar="FILE.pt2", type=Path, help="what torch.export.save wrote")
    parser.add_argument("-o", dest="output", metavar="FILE.mlir", type=Path, help="by default FILE.mlir")
    parser.add_argument(
        "--import",
        dest="modules",
        metavar="MODULE",
        action="append",
        default=[],
        help="a Python module to import first: one that defines the custom operations of the network",
    )
    parser.add_argument(
        "--trust", action="store_true", help="load the file even if that could run code which is in it"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Import a file.

    Raises:
        DlpError: the file is damaged or must not be loaded, or holds operations that dlp does not compile.
    """
    output: Path = options.output or options.file.with_suffix(".mlir")
    if output.suffix == ".safetensors":
        raise InputError(f"{output}: the weights go beside the IR under this name; name it .mlir")
    if not output.parent.is_dir():
        raise InputError(f"{output.parent}: no such folder")
    if not options.file.is_file():
        raise InputError(f"{options.file}: no such file")
    sys.path.insert(0, "")
    for module in options.modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise InputError(f"--import {module}: {error}") from None

    from dlp.frontends.torch.archive import load_program
    from dlp.frontends.torch.capture import import_program
    from dlp.frontends.torch.program_files import write_program

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch about itself
        captured = import_program(load_program(options.file, trust=options.trust))
    weights = write_program(captured, output)
    size = sum(t.nbytes for t in captured.weights.values()) / 2**20
    print(f"{output}: {len(captured.imported.weights)} weights ({size:.1f} MiB) in {weights}")
