"""Targets: what a machine is like, as data.

A target is one TOML file (`avx512.toml`, `avx2.toml`, `scalar.toml`, `ve.toml`, or a file of the user's own).
Passes read the fields of a `Target`; none asks for its name.
"""

from dlp.targets.machine import check_runs_here, emulated, host, missing_features
from dlp.targets.target import CSpelling, RegisterTile, Target, load, names

__all__ = [
    "CSpelling",
    "RegisterTile",
    "Target",
    "check_runs_here",
    "emulated",
    "host",
    "load",
    "missing_features",
    "names",
]
