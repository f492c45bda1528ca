"""`dlp profile MODEL`"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlp.errors import InputError

if TYPE_CHECKING:
    import torch

_EXAMPLES = """\
examples:
  dlp profile network.pt2
  dlp profile torchvision.models:resnet18 --input 1x3x224x224
  dlp profile mine.networks:make_bert --input i64:1x128 --threads 1 --memory-map arena.svg
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to the command line."""
    parser = commands.add_parser(
        "profile",
        help="where the time of a network goes, kernel by kernel",
        description="Compiles a network with a clock around every kernel, runs it, and prints for each kernel its "
        "time, its share, GFLOP/s and GB/s beside what the machine can do, and the lines of the model that it serves.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="what torch.export.save wrote (FILE.pt2), or PACKAGE.MODULE:NAME of a torch.nn.Module or of a function "
        "without arguments that makes one",
    )
    parser.add_argument(
        "--input",
        dest="inputs",
        metavar="[DTYPE:]SHAPE",
        action="append",
        default=[],
        help="random input: 1x3x224x224, f32 unless it says i64:, i32: or bool:; once for each argument of the model; "
        "a .pt2 file brings its own",
    )
    parser.add_argument("--threads", type=int, help="default: as many as PyTorch uses")
    parser.add_argument("--target", help="a target description; default: this machine")
    parser.add_argument("--seconds", type=float, default=1.0, help="to measure for; default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--memory-map", type=Path, metavar="FILE.svg", help="draw the arena over time")
    parser.add_argument(
        "--trust", action="store_true", help="load a .pt2 file even if that could run code which is in it"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Profile a network.

    Raises:
        DlpError: there is no such network, its inputs are not what it takes, or nothing of it is compiled.
    """
    for path in (options.json, options.memory_map):
        if path is not None and not path.parent.is_dir():
            raise InputError(f"{path.parent}: no such folder")
    import torch

    from dlp.frontends.torch.profile import profile
    from dlp.frontends.torch.seam import Options

    if options.model.endswith(".pt2"):
        model, args, kwargs = _exported(Path(options.model), options.trust)
    else:
        model, args, kwargs = imported(options.model).eval(), (), {}
    if options.inputs:
        args, kwargs = tuple(random_input(text) for text in options.inputs), {}
    threads = options.threads or torch.get_num_threads()
    chosen = Options(target=options.target, threads=threads)
    try:
        with torch.no_grad():
            model(*args, **kwargs)
    except Exception as error:
        raise InputError(
            f"the model cannot be called with {len(args)} inputs: {type(error).__name__}: {error}\n"
            "  give its inputs with --input [DTYPE:]SHAPE, once for each argument"
        ) from error
    result = profile(model, args, kwargs, options=chosen, seconds=options.seconds)
    print(result)
    if options.json is not None:
        options.json.write_text(json.dumps(result.to_json(), indent=1))
    if options.memory_map is not None:
        for path in result.write_memory_map(options.memory_map):
            print(f"memory map: {path}", file=sys.stderr)


def _exported(path: Path, trust: bool) -> tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]:
    from dlp.frontends.torch.archive import load_program

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of torch about itself
        program = load_program(path, trust=trust)
    args, kwargs = program.example_inputs or ((), {})
    return program.module(), tuple(args), dict(kwargs)


def imported(name: str) -> torch.nn.Module:
    """The module of `PACKAGE.MODULE:NAME`, or what the function of that name makes.

    Raises:
        InputError: there is none, or it cannot be made.
    """
    import torch

    module_name, colon, attribute = name.partition(":")
    if not colon:
        raise InputError(f"{name}: neither a .pt2 file nor PACKAGE.MODULE:NAME")
    sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
        if not isinstance(found, torch.nn.Module):
            found = found()
    except Exception as error:  # code of the user's: whatever it says, no traceback of ours helps
        raise InputError(f"{name}: {type(error).__name__}: {error}") from None
    if not isinstance(found, torch.nn.Module):
        raise InputError(f"{name} gives {type(found).__name__}, not a torch.nn.Module")
    return found


def random_input(text: str) -> torch.Tensor:
    """Normal numbers for f32; 0 and 1 for the other types, which no index can be too large for."""
    import torch

    kind, colon, sizes = text.rpartition(":")
    kinds = {"f32": torch.float32, "i64": torch.int64, "i32": torch.int32, "bool": torch.bool}
    if colon and kind not in kinds:
        raise InputError(f"--input {text}: the type is one of {', '.join(kinds)}")
    try:
        shape = [int(size) for size in sizes.split("x")] if sizes else []
    except ValueError:
        raise InputError(f"--input {text}: a shape is written 1x3x224x224") from None
    dtype = kinds[kind or "f32"]
    return torch.randn(shape) if dtype == torch.float32 else torch.randint(0, 2, shape).to(dtype)
