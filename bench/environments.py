"""Environments of other tools: `python -m bench.environments [NAME ...]` sets them up, once, in build/bench."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from bench import runtimes  # noqa: F401  (they enter the table of candidates)
from bench.candidates import CANDIDATES, ROOT

_COMMON = ("torch==2.13.0", "numpy", "transformers", "scikit-learn", "safetensors", "packaging", "pillow")
"""What building the networks needs."""

PACKAGES = {
    "runtimes": ("onnxruntime==1.32.0", "openvino==2026.4.1", "onnx", "onnxscript"),
    "executorch": ("executorch==1.5.1",),
    "ncnn": ("ncnn==1.0.20261020", "pnnx==20261020"),
}
"""Environment -> what is installed there beside what the networks need. torch comes first: it stays the CPU's."""


def folder(name: str) -> Path:
    """Where an environment is."""
    return ROOT / "build" / "bench" / f"env-{name}"


def set_up(name: str) -> None:
    """Make an environment, or finish it.

    Raises:
        subprocess.CalledProcessError: pip failed; it has said why.
    """
    place = folder(name)
    if not (place / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    pip = [str(place / "bin" / "pip"), "install", "--quiet"]
    subprocess.run([*pip, _COMMON[0]], check=True)
    subprocess.run([*pip, *_COMMON, *PACKAGES[name]], check=True)
    subprocess.run([*pip, "--no-deps", "torchvision==0.28.0"], check=True)


def main() -> int:
    users = {name: [c.name for c in CANDIDATES.values() if c.environment == name] for name in PACKAGES}
    parser = argparse.ArgumentParser(
        prog="python -m bench.environments",
        description="Set up the tools that `python -m bench` compares with, each in a virtual environment below "
        "build/bench; a gigabyte each, most of it PyTorch.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="; ".join(f"{name}: {', '.join(tools)}" for name, tools in users.items() if tools)
        + "; default all",
    )
    names = parser.parse_args().names or [name for name, tools in users.items() if tools]
    for name in names:
        if name not in PACKAGES:
            parser.error(f"no environment is called {name}; there are {', '.join(PACKAGES)}")
    failed: list[str] = []
    for name in names:
        print(f"{name} ...", flush=True)
        try:
            set_up(name)
        except subprocess.CalledProcessError:
            failed.append(name)
    if failed:
        print(f"not set up: {', '.join(failed)}; the benchmark leaves them out", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
