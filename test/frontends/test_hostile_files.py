"""`.pt2` files that are damaged or made to harm: one clear error, nothing run, nothing written, nothing allocated."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from dlp.errors import InputError
from dlp.frontends.torch.archive import load_program


class Small(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(5, 7)
        self.constant = torch.ones(2)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"y": self.linear(x) * self.constant.sum()}


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The parts of a good file."""
    path = tmp_path_factory.mktemp("good") / "net.pt2"
    torch.export.save(torch.export.export(Small().eval(), (torch.randn(2, 5),)), path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def written(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def part(members: dict[str, bytes], end: str) -> str:
    (name,) = (n for n in members if n.endswith(end))
    return name


def edited(members: dict[str, bytes], end: str, change: Callable[[Any], None]) -> dict[str, bytes]:
    """With one of the JSON parts changed."""
    name = part(members, end)
    content = json.loads(members[name])
    change(content)
    return {**members, name: json.dumps(content).encode()}


def error_of(path: Path) -> str:
    before = set(path.parent.iterdir())
    with pytest.raises(InputError) as caught:
        load_program(path)
    assert set(path.parent.iterdir()) == before
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_the_good_file_is_good(members: dict[str, bytes], tmp_path: Path) -> None:
    program = load_program(written(tmp_path / "net.pt2", members))
    x = torch.randn(2, 5)
    assert program.module()(x)["y"].shape == (2, 7)


@pytest.mark.parametrize(
    "name",
    [
        "net/../../evil",
        "/etc/evil",
        "net//evil",
        "net/data/weights/..",
        "net\\..\\evil",
        "C:/evil",
        "net/./x",
    ],
)
def test_members_outside_of_the_archive(members: dict[str, bytes], tmp_path: Path, name: str) -> None:
    assert "strange member" in error_of(written(tmp_path / "net.pt2", {**members, name: b"evil"}))


def test_a_link(members: dict[str, bytes], tmp_path: Path) -> None:
    path = written(tmp_path / "net.pt2", members)
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo("net/extra/link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    assert "strange member" in error_of(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("change", [str, str.upper])
def test_two_members_of_one_name(
    members: dict[str, bytes], tmp_path: Path, change: Callable[[str], str]
) -> None:
    """Readers differ in which of them they find."""
    path = written(tmp_path / "net.pt2", members)
    with zipfile.ZipFile(path, "a") as archive:
        name = part(members, "models/model.json")
        archive.writestr(change(name), members[name])
    assert "strange member" in error_of(path)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("data/aotinductor/model/model.so", "it holds"),
        ("data/weights/model.pt", "pickled"),
        ("data/constants/model.pt", "pickled"),
        ("data/constants/opaque_obj_0", "pickled"),
        ("data/constants/custom_obj_0", "pickled"),
        ("something/else", "it holds"),
    ],
)
def test_parts_that_could_run_code(members: dict[str, bytes], tmp_path: Path, name: str, reason: str) -> None:
    root = next(iter(members)).partition("/")[0]
    text = error_of(written(tmp_path / "net.pt2", {**members, f"{root}/{name}": b"x"}))
    assert reason in text and "trust=True" in text


def test_a_constant_that_is_an_object_under_another_name(members: dict[str, bytes], tmp_path: Path) -> None:
    def change(config: Any) -> None:
        config["config"]["constant"]["path_name"] = "opaque_obj_0"

    changed = edited(members, "model_constants_config.json", change)
    assert "pickled" in error_of(written(tmp_path / "net.pt2", changed))


def _formula(model: Any) -> None:
    model["graph_module"]["graph"]["tensor_values"]["x"]["sizes"][0] = {"as_expr": {"expr_str": "evil()"}}


def _name(model: Any) -> None:
    model["graph_module"]["graph"]["inputs"][0]["as_tensor"]["name"] = "x\nevil()"


def _function(model: Any) -> None:
    model["graph_module"]["graph"]["nodes"][0]["target"] = "torch.hub.load"


def _library(model: Any) -> None:
    model["graph_module"]["graph"]["nodes"][0]["target"] = "torch.ops.load_library"


def _guard(model: Any) -> None:
    model["guards_code"] = ["evil()"]


def _enumeration(model: Any) -> None:
    call = model["graph_module"]["module_call_graph"][0]["signature"]
    call["in_spec"] = call["in_spec"].replace('"null"', r'"{\"\\u005f_enum__\": 1, \"fqn\": \"evil:e\"}"', 1)


@pytest.mark.parametrize("change", [_formula, _name, _function, _library, _guard, _enumeration])
def test_graphs_that_hold_code(
    members: dict[str, bytes], tmp_path: Path, change: Callable[[Any], None]
) -> None:
    changed = edited(members, "models/model.json", change)
    assert "trust=True" in error_of(written(tmp_path / "net.pt2", changed))


def test_keys_in_disguise(members: dict[str, bytes], tmp_path: Path) -> None:
    changed = edited(members, "models/model.json", _formula)
    name = part(members, "models/model.json")
    changed[name] = changed[name].replace(b'"as_expr"', rb'"\u0061s_expr"')
    assert "formulas" in error_of(written(tmp_path / "net.pt2", changed))


def _huge(meta: Any) -> None:
    meta["sizes"][0] = {"as_int": 1 << 40}


def _negative(meta: Any) -> None:
    meta["sizes"][0] = {"as_int": -1}


def _beyond(meta: Any) -> None:
    meta["storage_offset"] = {"as_int": 1}


def _repeated(meta: Any) -> None:
    meta["sizes"], meta["strides"] = [{"as_int": 1 << 40}], [{"as_int": 0}]


@pytest.mark.parametrize("change", [_huge, _negative, _beyond, _repeated])
def test_tables_that_lie(members: dict[str, bytes], tmp_path: Path, change: Callable[[Any], None]) -> None:
    changed = edited(
        members, "model_weights_config.json", lambda c: change(c["config"]["linear.weight"]["tensor_meta"])
    )
    assert "damaged" in error_of(written(tmp_path / "net.pt2", changed))


def test_no_bytes_for_a_huge_tensor(members: dict[str, bytes], tmp_path: Path) -> None:
    changed = edited(
        members, "model_weights_config.json", lambda c: _huge(c["config"]["linear.weight"]["tensor_meta"])
    )
    changed[part(members, "data/weights/weight_0")] = b""
    assert "damaged" in error_of(written(tmp_path / "net.pt2", changed))


def test_a_compressed_bomb(members: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "net.pt2"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, bytes(1 << 24) if name.endswith("weight_0") else data)
    assert "compressed" in error_of(path)


def mutations(data: bytes, count: int) -> Iterator[bytes]:
    """The file cut, with bytes changed, with a piece missing, or twice in it."""
    rng = random.Random(0)
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 1, 4, 30])):
            place = rng.randrange(len(changed))
            match rng.randrange(5):
                case 0:
                    del changed[place:]
                case 1:
                    del changed[place : place + rng.randrange(1, 50)]
                case 2:
                    changed[place:place] = changed[place : place + rng.randrange(1, 500)]
                case _:
                    changed[place] = rng.randrange(256)
            if not changed:
                break
        yield bytes(changed)


_LOADER = """
import io, resource, sys, zipfile, warnings
from pathlib import Path
warnings.simplefilter("ignore")
from dlp.errors import DlpError
from dlp.frontends.torch.archive import load_program
from dlp.frontends.torch.capture import import_program
held = int(next(l for l in open("/proc/self/status") if l.startswith("VmSize")).split()[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (held + (1 << 30), held + (1 << 30)))
for path in sorted(Path(sys.argv[1]).glob("*.pt2")):
    try:
        import_program(load_program(path))
        print(path.name, "read")
    except DlpError as error:
        assert path.name in str(error) or "does not compile" in str(error), error
        print(path.name, "refused")
"""


def test_random_damage(members: dict[str, bytes], tmp_path: Path) -> None:
    """In a process of its own, that may have a gigabyte more: neither an end of it nor another error."""
    data = written(tmp_path / "good.zip", members).read_bytes()
    for i, changed in enumerate(mutations(data, 60)):
        (tmp_path / f"{i:03}.pt2").write_bytes(changed)
    rng = random.Random(1)
    for i in range(60, 120):  # sound archives of unsound parts
        name = rng.choice([n for n in members if n.endswith(".json")])
        (changed,) = mutations(members[name], 1) if rng.random() < 0.1 else [_shuffled(members[name], rng)]
        written(tmp_path / f"{i:03}.pt2", {**members, name: changed})
    done = subprocess.run(
        [sys.executable, "-c", _LOADER, tmp_path], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") == 120
    assert done.stdout.count("refused") > 60


def _shuffled(data: bytes, rng: random.Random) -> bytes:
    """JSON in which values have been exchanged, lost, or made extreme."""
    content = json.loads(data)
    for _ in range(rng.choice([1, 2, 5])):
        places: list[tuple[Any, Any]] = []
        waiting = [content]
        while waiting:
            value = waiting.pop()
            keys = list(value) if isinstance(value, dict) else range(len(value))
            places += [(value, key) for key in keys]
            waiting += [value[key] for key in keys if isinstance(value[key], dict | list)]
        holder, key = rng.choice(places)
        other, other_key = rng.choice(places)
        holder[key] = rng.choice(
            [None, -1, 1 << 62, "", "x", [], {}, json.loads(json.dumps(other[other_key]))]
        )
    return json.dumps(content).encode()
