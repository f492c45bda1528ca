"""What an installation holds, and which names it claims."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINKED = ("dialects", "transforms", "lowering")


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel built from this tree."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    folder = tmp_path_factory.mktemp("wheel")
    # setuptools leaves a build/ folder and an .egg-info behind: build from a copy.
    tree = folder / "tree"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", f"file://{ROOT}", str(tree)], check=True, capture_output=True
    )
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            folder,
            tree,
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.mark.parametrize("folder", LINKED)
def test_wheel_has_linked_folder_inside_dlp_only(wheel_names: list[str], folder: str) -> None:
    assert f"dlp/{folder}/__init__.py" in wheel_names
    assert not [name for name in wheel_names if name.startswith(f"{folder}/")]


def test_wheel_has_nothing_at_top_level_but_dlp(wheel_names: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel_names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"dlp"}


def test_wheel_has_all_modules_and_data(wheel_names: list[str]) -> None:
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD", "dlp", *LINKED],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    wanted = [name for name in listed if name.endswith((".py", ".toml", "py.typed"))]
    expected = {name if name.startswith("dlp/") else f"dlp/{name}" for name in wanted}
    assert expected <= set(wheel_names)


@pytest.mark.parametrize("folder", LINKED)
def test_folder_is_a_relative_link(folder: str) -> None:
    link = ROOT / "dlp" / folder
    assert link.is_symlink()
    assert str(link.readlink()) == f"../{folder}"


def test_generic_names_are_never_imported() -> None:
    """Everything of ours is imported as dlp.something: `import dialects` would claim a name of the user's."""
    program = (
        "import sys, dlp.pass_registry as registry\n"
        "from dlp.context import make_context\n"
        "context = make_context()\n"
        "[context.get_dialect(name) for name in ('dlp', 'func')]\n"
        "[entry.load() for entry in registry.own_passes().values()]\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('dialects', 'transforms', 'lowering')])\n"
    )
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


def test_import_dlp_is_light() -> None:
    program = "import dlp, sys; print([name for name in ('torch', 'xdsl', 'numpy') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr


def test_unknown_attribute_of_dlp() -> None:
    import dlp

    with pytest.raises(AttributeError, match="optimise"):
        dlp.optimise  # pyright: ignore[reportAttributeAccessIssue] # noqa: B018
