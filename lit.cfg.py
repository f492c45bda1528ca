"""How lit runs the `.mlir` tests in `test/`: `lit test`, or one file: `lit -v test/transforms/cse.mlir`.

Commands of RUN lines come from the environment that lit itself runs in: `dlp-opt`, `filecheck`, `python`.
A test that needs more says so, `// REQUIRES: mlir-opt-22`, and is reported as unsupported where it is missing; with
`DLP_REQUIRE_TOOLS=1`, as in CI, a missing tool is an error.
"""

import os
import shutil
import sys
from pathlib import Path

import lit.formats

TOOLS = ("clang-22", "mlir-opt-22", "gcc")

# lit hands these in.
config = globals()["config"]
lit_config = globals()["lit_config"]

root = Path(__file__).parent
config.name = "dlp"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = str(root)
config.test_exec_root = str(root / "build" / "lit")
config.excludes = ["Inputs", ".venv", "build", "docs", "examples"]

config.environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# Tests must not see each other's work, nor the user's.
config.environment["DLP_CACHE_DIR"] = str(root / "build" / "lit" / "cache")
config.environment["OMP_NUM_THREADS"] = "2"

for tool in TOOLS:
    if shutil.which(tool):
        config.available_features.add(tool)
    elif os.environ.get("DLP_REQUIRE_TOOLS") == "1":
        lit_config.fatal(
            f"{tool} is not installed, and DLP_REQUIRE_TOOLS=1 forbids skipping the tests that need it"
        )
    else:
        lit_config.note(f"{tool} is not installed: tests that need it are skipped")

cpu_flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
for feature, flag in (("avx512", " avx512f "), ("avx2", " avx2 ")):
    if flag in cpu_flags:
        config.available_features.add(feature)
