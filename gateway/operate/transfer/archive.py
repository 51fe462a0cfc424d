"""The file of an export: a ZIP archive of NDJSON members and a manifest with the digest of each.

It is written and read in a stream: neither ever holds more than a line. A file is read twice, first to check all of it
(``Archive.check``), then to use it.
"""

import errno
import hashlib
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, Self

import orjson

from gateway.protocol.record import Headers, Record, utc
from gateway.protocol.value import from_members
from gateway.runtime.private_files import check_private, sync_folder

FORMAT = "passerelle-export"
VERSION = 1
MANIFEST = "manifest.json"
LINE_BYTES = 2 * 1024 * 1024
"""Longest line: a record of the log has 1 MiB at most."""
_MANIFEST_BYTES = 1024 * 1024
_BUFFER = 1024 * 1024
MALFORMED = (ValueError, LookupError, TypeError, AttributeError)
"""The errors of code that reads a record of another form."""


class ArchiveError(Exception):
    """A file is no complete, undamaged export. The message names the member and the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member: the topic that it holds, its lines, and size and SHA-256 of its bytes before compression."""

    topic: str
    lines: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of a file. ``log`` and ``partitions`` are those of the exported log.

    ``undecided``: submissions and messages of inboxes that the file leaves out. ``mark``: the highest number of a
    snapshot mark that was issued. ``journal``: the numbers of the first entry that the log is to hold and of the last
    one that was written. ``secrets``: whether the partners' hashed secrets are included. ``versions``: of the gateway,
    the protocol and the code lists.
    """

    exported_at: str
    log: str
    partitions: int
    undecided: int
    mark: int
    journal: tuple[int, int]
    secrets: bool
    versions: Mapping[str, str]
    members: Mapping[str, Member]


def to_line(key: bytes, value: bytes, headers: Headers) -> bytes:
    """A record as a line of NDJSON; its value stays as it is on the log."""
    line: dict[str, Any] = {"key": key.decode(), "value": orjson.Fragment(value)}
    if headers:
        line["headers"] = {name: text.decode() for name, text in headers}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def read_line(line: bytes) -> Record:
    """The inverse of ``to_line``. Raises an error of ``MALFORMED`` on anything else."""
    body = orjson.loads(line)
    headers = tuple((name, text.encode()) for name, text in body.get("headers", {}).items())
    return Record(body["key"].encode(), orjson.dumps(body["value"]), headers)


class ArchiveWriter:
    """Writes the members of a file one after the other; ``finish`` adds the manifest. A context manager."""

    def __init__(self, file: IO[bytes], *, at: int) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._at = utc(at)
        self.members: dict[str, Member] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @contextmanager
    def member(self, name: str, topic: str) -> Iterator[Callable[[bytes], None]]:
        """A member; the block writes its lines."""
        digest, lines, size = hashlib.sha256(), 0, 0
        with self._zip.open(self._info(name), "w", force_zip64=True) as file:

            def write(line: bytes) -> None:
                nonlocal lines, size
                file.write(line)
                digest.update(line)
                lines, size = lines + 1, size + len(line)

            yield write
        self.members[name] = Member(topic=topic, lines=lines, bytes=size, sha256=digest.hexdigest())

    def finish(self, manifest: Manifest) -> bytes:
        """Write the manifest and the directory; returns the manifest's bytes."""
        body = {"format": FORMAT, "version": VERSION, **asdict(manifest)}
        text = orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        self._zip.writestr(self._info(MANIFEST), text)
        self._zip.close()
        return text

    def _info(self, name: str) -> zipfile.ZipInfo:
        day, time = self._at[:10], self._at[11:19]
        info = zipfile.ZipInfo(name, (*map(int, day.split("-")), *map(int, time.split(":"))))  # type: ignore[arg-type]  # six
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        return info


@contextmanager
def created(path: Path) -> Iterator[IO[bytes]]:
    """A new private file that gets its name only when the block has ended without an error. Raises OSError, also where
    the name is taken.
    """
    if path.exists():
        raise FileExistsError(errno.EEXIST, "exists already", str(path))
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    draft.unlink(missing_ok=True)  # left by a killed process with the same id
    handle = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    with suppress(OSError):
        sync_folder(path.parent)


class Archive:
    """A file that was opened for reading. Raises ArchiveError wherever it is no whole export."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._zip = file
        text = self._manifest()
        self.digest = hashlib.sha256(text).hexdigest()
        """SHA-256 of the manifest, which holds the digests of all members."""
        self.manifest = _read_manifest(text)
        names = self._zip.namelist()
        if sorted(names) != sorted([MANIFEST, *self.manifest.members]):
            raise ArchiveError("its members are not those of its manifest")

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> "Iterator[Archive]":
        """Open a private file. Raises ArchiveError, ExposedError, OSError."""
        check_private(path)
        try:
            file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise ArchiveError(f"it is no ZIP archive, or is cut ({error})") from error
        with file:
            yield cls(file)

    def require(self, digest: str) -> None:
        """Raise ArchiveError where the file is another one than the digest says."""
        if digest != self.digest:
            raise ArchiveError(f"the digest of its manifest is {self.digest}, not {digest}")

    def records(self, name: str) -> Iterator[Record]:
        """The records of a member, line by line."""
        for number, line in enumerate(self._lines(name), 1):
            try:
                yield read_line(line)
            except MALFORMED as error:
                raise ArchiveError(f"{name}, line {number}: no record ({error})") from error

    def check(self, name: str, each: Callable[[Record], None]) -> None:
        """Compare a member with its entry in the manifest; ``each`` gets every record and raises an
        error of ``MALFORMED`` on a wrong one.
        """
        entry = self.manifest.members[name]
        if self._zip.getinfo(name).file_size != entry.bytes:
            raise ArchiveError(f"{name} has another size than its manifest says")
        digest, number = hashlib.sha256(), 0
        for number, line in enumerate(self._lines(name), 1):
            digest.update(line)
            try:
                each(read_line(line))
            except MALFORMED as error:
                raise ArchiveError(f"{name}, line {number}: {error}") from error
        if (number, digest.hexdigest()) != (entry.lines, entry.sha256):
            raise ArchiveError(f"{name} is not what its manifest says: the file was altered, or damaged")

    def _lines(self, name: str) -> Iterator[bytes]:
        with self._reading(name) as file:
            while line := file.readline(LINE_BYTES + 1):
                if not line.endswith(b"\n"):
                    raise ArchiveError(f"{name} has a line without an end, or longer than {LINE_BYTES} bytes")
                yield line

    def _manifest(self) -> bytes:
        if MANIFEST not in self._zip.namelist():
            raise ArchiveError(f"it has no {MANIFEST}")
        with self._reading(MANIFEST) as file:
            text = file.read(_MANIFEST_BYTES + 1)
        if len(text) > _MANIFEST_BYTES:
            raise ArchiveError(f"{MANIFEST} is longer than {_MANIFEST_BYTES} bytes")
        return text

    @contextmanager
    def _reading(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._zip.open(name) as member, BufferedReader(member, _BUFFER) as file:  # type: ignore[type-var]  # has readinto
                yield file
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise ArchiveError(f"{name} cannot be read ({error})") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # a place before the file's beginning
                raise
            raise ArchiveError(f"{name} cannot be read: its place in the file is damaged") from error


def _read_manifest(text: bytes) -> Manifest:
    try:
        body = orjson.loads(text)
        if body["format"] != FORMAT:
            raise ArchiveError("it is no export of a gateway")
        if body["version"] != VERSION:
            raise ArchiveError(f"its form has version {body['version']}, this version of the gateway reads {VERSION}")
        body["members"] = {name: from_members(Member, one) for name, one in body["members"].items()}
        first, last = map(int, body["journal"])
        body["journal"] = (first, last)
        return from_members(Manifest, body)
    except MALFORMED as error:
        raise ArchiveError(f"{MANIFEST} is no manifest ({error})") from error
