"""`dlp bench NETWORK...`, in a checkout: what it runs lies beside the package."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import dlp
from dlp.errors import InputError

_CHECKOUT = Path(dlp.__file__).resolve().parents[1]


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    parser = commands.add_parser("bench", help="time networks beside other tools, all in turns")
    parse = parser.parse_known_args

    def fill_and_parse(*args: Any, **named: Any) -> Any:
        # Only now: the benchmark is no part of the package, and its name is anybody's.
        _fill(parser)
        return parse(*args, **named)

    parser.parse_known_args = fill_and_parse  # type: ignore[method-assign]


def _fill(parser: argparse.ArgumentParser) -> None:
    if not (_CHECKOUT / "bench" / "command.py").is_file():
        raise InputError(
            "dlp bench needs a checkout of dlp: its networks and peers are not part of the package"
        )
    sys.path.insert(0, str(_CHECKOUT))
    from bench.command import add_arguments, run

    add_arguments(parser)
    parser.set_defaults(run=lambda options: sys.exit(run(parser, options)))
