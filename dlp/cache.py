"""A content-addressed cache on disk: compiled kernels, linked libraries, what is known of compilers.

An entry is a set of files put and got as one unit, under a key that hashes everything they were made of. So
nothing ever needs to be invalidated, and two processes that put the same key put the same bytes:

    <directory>/v1/<2 hex digits>/<64 hex digits>/{manifest.json, the files}

- An entry is written beside its place and renamed to it: readers see all of it or nothing, and a process that
  dies in the middle leaves only a temporary directory, which a later one sweeps away.
- The checksums in the manifest are verified at every `get`; a damaged entry is removed and counts as none.
- Code that will be executed lies here, so the directory must be the user's, and nobody else may write to it.
- Nothing here is needed to be right: a full or read-only disk costs time and one warning, never an error.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_FORMAT = "v1"  # a change of the layout on disk takes a new name and leaves the old one alone
_MANIFEST = "manifest.json"
_DEFAULT_LIMIT = 2 << 30
_STALE_SECONDS = 3600  # a temporary directory of this age has lost its process: no put takes so long
_BUSY_SECONDS = 60  # the same for the user who clears the cache


@dataclass(frozen=True)
class Entry:
    """The files of one key, verified when the entry was got."""

    key: str
    folder: Path
    names: tuple[str, ...]

    def path(self, name: str) -> Path:
        """Path of a file, to be opened soon: another process may evict the entry."""
        return self.folder / name


@dataclass(frozen=True)
class CacheStats:
    """What lies in a cache, and how often this process found there what it looked for."""

    directory: Path
    entries: int
    bytes: int
    limit: int
    hits: int
    misses: int


class Cache:
    """A cache in one directory, for any number of threads and processes."""

    def __init__(self, directory: Path, limit: int = _DEFAULT_LIMIT) -> None:
        """Args:
        directory: made when missing; see `default_cache` for the check of its owner.
        limit: bytes; the least recently used entries make room.
        """
        self.directory = directory
        self.limit = limit
        self.hits = 0
        self.misses = 0
        self._known_bytes: int | None = None  # an estimate, so that not every put walks the directory
        self._lock = threading.Lock()

    def get(self, key: str) -> Entry | None:
        """The entry of a key, or None when there is none that is whole."""
        entry = self._read(key)
        if entry is None:
            self.misses += 1
            return None
        self.hits += 1
        with contextlib.suppress(OSError):  # a read-only disk can still be read
            os.utime(entry.folder)  # the time of last use, for eviction
        return entry

    def read(self, key: str, name: str) -> bytes | None:
        """One file of the entry of a key, or None when there is none that is whole."""
        entry = self.get(key)
        if entry is None:
            return None
        try:
            return entry.path(name).read_bytes()
        except OSError:
            return None  # evicted by another process at this moment

    def put(self, key: str, files: Mapping[str, bytes]) -> Entry | None:
        """Store the files of a key as one unit; what is already there wins.

        Returns:
            The entry, or None when it cannot be stored (full disk, larger than the limit ...): the caller
            goes on without. The first failure is a warning.
        """
        size = sum(len(data) for data in files.values())
        if size > self.limit:
            return None
        try:
            entry = self._write(key, files)
        except OSError as error:
            warn_once(
                f"dlp cannot write to its cache {self.directory} ({error.strerror}); it goes on without"
            )
            return None
        self._make_room(size, keep=self._folder(key))
        return entry

    def clear(self) -> int:
        """Remove all entries. Returns how many."""
        entries = list(self._entries())
        for folder in entries:
            self._remove(folder)
        self._sweep(older_than=_BUSY_SECONDS)
        self._known_bytes = 0
        return len(entries)

    def stats(self) -> CacheStats:
        sizes = [size for size, _ in map(_size_and_time, self._entries())]
        return CacheStats(self.directory, len(sizes), sum(sizes), self.limit, self.hits, self.misses)

    @property
    def _base(self) -> Path:
        return self.directory / _FORMAT

    def _folder(self, key: str) -> Path:
        return self._base / key[:2] / key

    def _read(self, key: str) -> Entry | None:
        folder = self._folder(key)
        try:
            manifest = (folder / _MANIFEST).read_bytes()
        except FileNotFoundError:
            if folder.exists():
                self._remove(folder)
            return None
        except OSError:
            return None
        try:
            sums: dict[str, str] = json.loads(manifest)["sha256"]
            whole = all(_sha256((folder / name).read_bytes()) == value for name, value in sums.items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            whole, sums = False, {}
        if not whole:
            self._remove(folder)
            return None
        return Entry(key, folder, tuple(sums))

    def _write(self, key: str, files: Mapping[str, bytes]) -> Entry | None:
        folder = self._folder(key)
        _make_private(self._base)
        _make_private(folder.parent)
        temporary = Path(tempfile.mkdtemp(prefix="tmp-", dir=self._base))
        try:
            for name, data in files.items():
                (temporary / name).write_bytes(data)
            manifest = {"sha256": {name: _sha256(data) for name, data in files.items()}}
            (temporary / _MANIFEST).write_text(json.dumps(manifest))
            # Not synced to disk: after a crash of the machine, the checksums tell what was torn.
            for _ in range(3):
                try:
                    os.rename(temporary, folder)
                    return Entry(key, folder, tuple(files))
                except OSError as error:
                    if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
                if (there := self._read(key)) is not None:
                    return there  # another process was first
            return None  # others put and remove the key all the time
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _make_room(self, added: int, keep: Path) -> None:
        with self._lock:
            if self._known_bytes is not None:
                self._known_bytes += added
                if self._known_bytes <= self.limit:
                    return
            self._sweep(older_than=_STALE_SECONDS)
            entries = [(*_size_and_time(folder), folder) for folder in self._entries()]
            total = sum(size for size, _, _ in entries)
            for size, _, folder in sorted(entries, key=lambda entry: entry[1]):
                if total <= self.limit:
                    break
                if folder != keep:
                    self._remove(folder)
                    total -= size
            self._known_bytes = total

    def _entries(self) -> Iterator[Path]:
        for shard in _folders(self._base):
            if not shard.name.startswith("tmp-"):
                yield from _folders(shard)

    def _sweep(self, older_than: float) -> None:
        now = time.time()
        for folder in _folders(self._base):
            if folder.name.startswith("tmp-") and now - _size_and_time(folder)[1] >= older_than:
                shutil.rmtree(folder, ignore_errors=True)

    def _remove(self, folder: Path) -> None:
        """Out of the readers' sight at once, then file by file."""
        with contextlib.suppress(OSError):  # another process was first, or the disk is read-only
            grave = tempfile.mkdtemp(prefix="tmp-", dir=self._base)
            try:
                os.rename(folder, grave)
            finally:
                shutil.rmtree(grave, ignore_errors=True)


def key_of(*parts: str | bytes) -> str:
    """SHA-256 of the parts, each with its length, so that ("ab", "c") and ("a", "bc") differ."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def default_cache() -> Cache:
    """The user's cache: `DLP_CACHE_SIZE` bytes (2G) in `DLP_CACHE_DIR`, else where XDG puts caches.

    A directory that others own or can write to is not used: a warning, and a private one for this process.
    """
    size = os.environ.get("DLP_CACHE_SIZE", "")
    return _cache_at(default_directory(), size)


def default_directory() -> Path:
    """Where the user's cache lies, whether or not it exists and can be used."""
    if chosen := os.environ.get("DLP_CACHE_DIR"):
        return Path(chosen).absolute()
    if chosen := os.environ.get("XDG_CACHE_HOME"):
        return Path(chosen).absolute() / "dlp"
    return Path(os.path.expanduser("~/.cache/dlp"))


@functools.lru_cache(maxsize=8)
def _cache_at(directory: Path, size: str) -> Cache:
    limit = _limit(size)
    try:
        _make_private(directory)
        _make_private(directory / _FORMAT)
    except OSError as error:
        reason = error.strerror or str(error)
        warn_once(
            f"dlp does not use the cache {directory} ({reason}); compiled code lasts for this process only"
        )
        directory = private_directory()
    return Cache(directory, limit)


def _make_private(directory: Path) -> None:
    """Make a directory of mode 0700 where it is missing, else check that it is only the user's to write.

    Raises:
        OSError: it cannot be made, is not a directory, is another user's, or others can write to it.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.mkdir(mode=0o700)
        return
    except FileExistsError:
        found = directory.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(0, "not a directory")
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        raise OSError(0, f"it belongs to user {found.st_uid}, not to the user of this process")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise OSError(0, f"others can write to it; chmod go-w {directory}")


@functools.cache
def private_directory() -> Path:
    """A directory of this process alone, removed at its end: for what no cache would take."""
    directory = Path(tempfile.mkdtemp(prefix="dlp-"))
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # a forked child inherits the handler
            shutil.rmtree(directory, ignore_errors=True)

    atexit.register(remove)
    return directory


def _limit(text: str) -> int:
    if not text:
        return _DEFAULT_LIMIT
    match = re.fullmatch(r"(\d+)\s*([KMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if match is None:
        warn_once(f"DLP_CACHE_SIZE={text} is no size such as 500M or 2G; dlp uses 2G")
        return _DEFAULT_LIMIT
    return int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[match[2].upper()]


_warned: set[str] = set()


def warn_once(message: str) -> None:
    """Warn, the first time that the process has this to say."""
    if message not in _warned:
        _warned.add(message)
        warnings.warn(message, RuntimeWarning, stacklevel=3)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _folders(parent: Path) -> list[Path]:
    try:
        with os.scandir(parent) as found:
            return [Path(item.path) for item in found if item.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _size_and_time(folder: Path) -> tuple[int, float]:
    """Bytes of the files of an entry, and the time of its last use; (0, 0) when it has just gone."""
    try:
        with os.scandir(folder) as found:
            return sum(item.stat().st_size for item in found), folder.stat().st_mtime
    except OSError:
        return 0, 0.0
