"""The `dlp` command."""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence

import dlp
from dlp.cache import default_cache, default_directory
from dlp.commands import bench, import_program, profile
from dlp.errors import DlpError
from dlp.size_text import size_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand. Returns the exit status: 0, or 1 with one message on stderr."""
    parser = argparse.ArgumentParser(
        prog="dlp",
        description="Deep-learning compiler: PyTorch networks through readable passes to C that runs.",
    )
    parser.add_argument("--version", action="version", version=f"dlp {dlp.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_cache(commands)
    import_program.add(commands)
    profile.add(commands)
    bench.add(commands)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        try:
            options = parser.parse_args(arguments)
            run: Callable[[argparse.Namespace], None] = options.run
            run(options)
        except DlpError as error:
            print(f"dlp: {error}", file=sys.stderr)
            return 1
    return 0


def _add_cache(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "cache",
        help="show or clear the cache of compiled code",
        description="The cache of compiled code on disk. Everything in it can be made again.",
        epilog="environment: DLP_CACHE_DIR is its directory (else $XDG_CACHE_HOME/dlp or ~/.cache/dlp), "
        "DLP_CACHE_SIZE the size that it is kept below (500M, 2G ...; 0 stores nothing; by default 2G).",
    )
    parser.set_defaults(run=_cache_show)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    show = actions.add_parser("show", help="where it is and how full (the default)")
    show.set_defaults(run=_cache_show)
    clear = actions.add_parser("clear", help="remove everything in it")
    clear.set_defaults(run=_cache_clear)
    path = actions.add_parser("path", help="print its directory")
    path.set_defaults(run=_cache_path)


def _cache_show(options: argparse.Namespace) -> None:
    stats = default_cache().stats()
    print(f"directory  {stats.directory}")
    print(f"entries    {stats.entries}")
    print(f"size       {size_text(stats.bytes)} of {size_text(stats.limit)}")


def _cache_clear(options: argparse.Namespace) -> None:
    cache = default_cache()
    freed = cache.stats().bytes
    print(f"removed {cache.clear()} entries ({size_text(freed)}) from {cache.directory}")


def _cache_path(options: argparse.Namespace) -> None:
    print(default_directory())


def _show_warning(message: Warning | str, *_: object) -> None:
    print(f"dlp: {message}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
