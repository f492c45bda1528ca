"""The cache on disk: whole entries or none, whatever happens to the process, the disk or the directory."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import dlp.cache
from dlp.cache import Cache, default_cache, key_of
from dlp.cli import main

KEY = key_of("a key")
FILES = {"unit.o": b"code" * 1000, "facts": b"text"}


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def fresh_warnings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Warnings that come once a process come again."""
    monkeypatch.setattr("dlp.cache._warned", set())
    dlp.cache._cache_at.cache_clear()
    yield
    dlp.cache._cache_at.cache_clear()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _whole(cache: Cache, key: str = KEY) -> bool:
    return all(cache.read(key, name) == data for name, data in FILES.items())


def test_put_and_get(cache: Cache) -> None:
    assert cache.get(KEY) is None
    entry = cache.put(KEY, FILES)
    assert entry is not None
    assert set(entry.names) == set(FILES)
    assert _whole(cache)
    assert Cache(cache.directory).get(KEY) == cache.get(KEY)
    stats = cache.stats()
    assert (stats.entries, stats.misses) == (1, 1)
    assert stats.hits > 0
    assert stats.bytes >= sum(map(len, FILES.values()))


def test_clear(cache: Cache) -> None:
    cache.put(KEY, FILES)
    cache.put(key_of("other"), FILES)
    assert cache.clear() == 2
    assert cache.get(KEY) is None
    assert _files(cache.directory) == []
    assert cache.put(KEY, FILES) is not None


def test_key_of_keeps_parts_apart() -> None:
    assert key_of("ab", "c") != key_of("a", "bc")
    assert key_of("a", "") != key_of("a")
    assert key_of("a", b"b") == key_of(b"a", "b")


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "a bit flipped": lambda entry: _flip(entry.path("unit.o")),
    "truncated": lambda entry: entry.path("unit.o").write_bytes(b"code"),
    "empty": lambda entry: entry.path("unit.o").write_bytes(b""),
    "a file missing": lambda entry: entry.path("facts").unlink(),
    "no manifest": lambda entry: entry.path("manifest.json").unlink(),
    "manifest empty": lambda entry: entry.path("manifest.json").write_bytes(b""),
    "manifest not text": lambda entry: entry.path("manifest.json").write_bytes(b"\xff\xfe{"),
    "manifest of another kind": lambda entry: entry.path("manifest.json").write_text('["sha256"]'),
    "manifest of another form": lambda entry: entry.path("manifest.json").write_text('{"sha256": 3}'),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_entry_is_removed_and_can_be_put_again(cache: Cache, damage) -> None:
    entry = cache.put(KEY, FILES)
    damage(entry)
    assert cache.get(KEY) is None
    assert _files(cache.directory) == []
    assert cache.put(KEY, FILES) is not None
    assert _whole(cache)


def test_a_put_repairs_a_damaged_entry(cache: Cache) -> None:
    entry = cache.put(KEY, FILES)
    assert entry is not None
    _flip(entry.path("unit.o"))
    cache.put(KEY, FILES)
    assert _whole(cache)


def test_a_process_that_dies_in_a_put_leaves_no_entry(cache: Cache) -> None:
    program = (
        "import os, sys; from pathlib import Path; from dlp.cache import Cache\n"
        "os.rename = lambda *paths: os._exit(7)\n"
        "Cache(Path(sys.argv[1])).put(sys.argv[2], {'unit.o': b'half'})\n"
    )
    died = subprocess.run([sys.executable, "-c", program, str(cache.directory), KEY], check=False)
    assert died.returncode == 7
    left = _files(cache.directory)
    assert left != []
    assert cache.get(KEY) is None
    assert cache.put(KEY, FILES) is not None
    assert _whole(cache)
    # What the dead process left is swept, once it is so old that no live one can be at work on it.
    assert all(path.exists() for path in left)
    hours_ago = time.time() - 3 * 3600
    os.utime(left[0].parent, (hours_ago, hours_ago))
    Cache(cache.directory).put(key_of("next"), FILES)
    assert not any(path.exists() for path in left)


def test_processes_that_put_get_and_remove_the_same_keys(cache: Cache) -> None:
    program = (
        "import random, sys; from pathlib import Path; from dlp.cache import Cache, key_of\n"
        "cache = Cache(Path(sys.argv[1]), limit=400_000); pick = random.Random(sys.argv[2])\n"
        "for step in range(150):\n"
        "    number = pick.randrange(5); key = key_of(str(number)); data = bytes([number]) * 100_000\n"
        "    if pick.random() < 0.5: cache.put(key, {'a': data, 'b': data})\n"
        "    if pick.random() < 0.1: cache._remove(cache._folder(key))\n"
        "    for name in 'ab':\n"
        "        assert cache.read(key, name) in (None, data), step\n"
    )
    command = [sys.executable, "-W", "error", "-c", program, str(cache.directory)]
    processes = [subprocess.Popen([*command, seed]) for seed in ("1", "2", "3")]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    leftovers = [path for path in (cache.directory / "v1").iterdir() if path.name.startswith("tmp-")]
    assert leftovers == []


def test_the_least_recently_used_make_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit=3500)
    keys = [key_of(str(number)) for number in range(4)]
    for age, key in enumerate(keys[:3]):
        entry = cache.put(key, {"data": b"x" * 1000})
        assert entry is not None
        os.utime(entry.folder, (1000 + age, 1000 + age))
    assert cache.get(keys[0]) is not None  # used now: keys[1] is the oldest
    cache.put(keys[3], {"data": b"x" * 1000})
    found = [cache.get(key) is not None for key in keys]
    assert found == [True, False, True, True]
    assert cache.stats().bytes <= cache.limit


def test_what_is_larger_than_the_cache_is_not_stored(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", limit=100)
    assert cache.put(KEY, {"data": b"x" * 101}) is None
    assert cache.stats().entries == 0


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_full_disk_is_one_warning(
    cache: Cache, monkeypatch: pytest.MonkeyPatch, fresh_warnings: None, code: int
) -> None:
    def full(path: Path, data: bytes) -> int:
        path.open("wb").close()
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.warns(RuntimeWarning, match=os.strerror(code)) as caught:
        assert cache.put(KEY, FILES) is None
        assert cache.put(KEY, FILES) is None
    assert len(caught) == 1
    monkeypatch.undo()
    assert _files(cache.directory) == []
    assert cache.get(KEY) is None


def test_the_directory_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_warnings: None
) -> None:
    monkeypatch.delenv("DLP_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    before = os.umask(0)
    try:
        cache = default_cache()
        cache.put(KEY, FILES)
    finally:
        os.umask(before)
    assert cache.directory == tmp_path / "dlp"
    for folder in (cache.directory, *(path for path in cache.directory.rglob("*") if path.is_dir())):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_a_cache_that_others_can_read_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_warnings: None
) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert default_cache().directory == tmp_path


def _refused(directory: Path, monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    monkeypatch.setenv("DLP_CACHE_DIR", str(directory))
    with pytest.warns(RuntimeWarning, match=reason) as caught:
        cache = default_cache()
        assert default_cache() is cache
    assert len(caught) == 1
    assert cache.directory != directory
    assert cache.directory.stat().st_mode & 0o777 == 0o700
    assert cache.put(KEY, FILES) is not None
    assert cache.get(KEY) is not None


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_directory_that_others_can_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_warnings: None, mode: int
) -> None:
    tmp_path.chmod(mode)
    _refused(tmp_path, monkeypatch, "others can write to it")


def test_entries_that_others_can_write_to_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_warnings: None
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1").chmod(0o777)
    _refused(tmp_path, monkeypatch, "others can write to it")


def test_a_directory_of_another_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_warnings: None
) -> None:
    directory = tmp_path / "cache"
    directory.mkdir(mode=0o700)
    user = os.geteuid()
    monkeypatch.setattr("dlp.cache.os.geteuid", lambda: user + 1)
    monkeypatch.setenv("DLP_CACHE_DIR", str(directory))
    with pytest.warns(RuntimeWarning, match=f"belongs to user {user}"):
        assert default_cache().directory != directory


def test_a_file_in_the_place_of_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_warnings: None
) -> None:
    path = tmp_path / "cache"
    path.write_text("")
    _refused(path, monkeypatch, "not a directory")


def test_size_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_warnings: None
) -> None:
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "cache"))
    for text, limit in {"500M": 500 << 20, "3GiB": 3 << 30, "12345": 12345, "": 2 << 30}.items():
        monkeypatch.setenv("DLP_CACHE_SIZE", text)
        assert default_cache().limit == limit
    monkeypatch.setenv("DLP_CACHE_SIZE", "lots")
    with pytest.warns(RuntimeWarning, match="DLP_CACHE_SIZE=lots"):
        assert default_cache().limit == 2 << 30


def test_command_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fresh_warnings: None,
) -> None:
    monkeypatch.setenv("DLP_CACHE_DIR", str(tmp_path / "cache"))
    cache = default_cache()
    cache.put(KEY, FILES)
    assert main(["cache", "path"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'cache'}\n"
    assert main(["cache", "show"]) == 0
    shown = capsys.readouterr().out
    assert "entries    1\n" in shown
    assert "of 2 GiB" in shown
    assert main(["cache", "clear"]) == 0
    assert "removed 1 entries" in capsys.readouterr().out
    assert cache.get(KEY) is None
    with pytest.raises(SystemExit):
        main(["cache", "erase"])
    assert "invalid choice: 'erase'" in capsys.readouterr().err
