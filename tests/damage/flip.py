"""Flips bytes of a file, and names the structures that they belong to."""

import random
import struct
from dataclasses import dataclass
from pathlib import Path

_WAL_HEADER, _WAL_FRAME = 32, 24


@dataclass(frozen=True)
class Flip:
    """Bytes of one file that were changed; ``kind`` is what they are counted under."""

    file: Path
    offsets: tuple[int, ...]
    kind: str


def flip(folder: Path, rng: random.Random) -> Flip:
    """Change one to three bytes of a file drawn at random; every file that holds anything is as likely as another."""
    file = rng.choice([one for one in sorted(folder.rglob("*")) if one.is_file() and one.stat().st_size])
    content = bytearray(file.read_bytes())
    start = rng.randrange(len(content))
    near = min(len(content), start + 4_096)
    offsets = tuple(sorted({start, *(rng.randrange(start, near) for _ in range(rng.randrange(3)))}))
    kind = _kind(folder, file, bytes(content), offsets)
    for offset in offsets:
        content[offset] ^= rng.randrange(1, 256)
    with file.open("r+b") as out:  # in place: processes that have it open see it
        for offset in offsets:
            out.seek(offset)
            out.write(content[offset : offset + 1])
    return Flip(file.relative_to(folder), offsets, kind)


def _kind(folder: Path, file: Path, content: bytes, offsets: tuple[int, ...]) -> str:
    name = file.name
    if name == "secret":
        return "secret"
    if name.endswith("-shm"):
        return "shared memory"
    if name.endswith("-wal"):
        return "WAL tail" if offsets[0] >= _last_frames(content) else "WAL"
    if name.endswith(".sqlite") and _page(content, offsets[0]) in _free_pages(content):
        return "free page"
    return "log" if name == "log.sqlite" else str(file.relative_to(folder).parts[0])


def _last_frames(content: bytes) -> int:
    """Start of the last transaction, which a crash may leave half written."""
    page = struct.unpack(">I", content[8:12])[0]
    salts, size = content[16:24], _WAL_FRAME + page
    begins = end = _WAL_HEADER
    for start in range(_WAL_HEADER, len(content) - size + 1, size):
        if content[start + 8 : start + 16] != salts:
            break
        if struct.unpack(">I", content[start + 4 : start + 8])[0]:
            begins, end = end, start + size
    return begins


def _page(content: bytes, offset: int) -> int:
    return offset // _page_size(content) + 1


def _page_size(content: bytes) -> int:
    size = struct.unpack(">H", content[16:18])[0]
    return 65_536 if size == 1 else int(size)


def _free_pages(content: bytes) -> set[int]:
    free: set[int] = set()
    (trunk,) = struct.unpack(">I", content[32:36])
    while trunk and trunk not in free:
        free.add(trunk)
        start = (trunk - 1) * _page_size(content)
        trunk, count = struct.unpack(">2I", content[start : start + 8])
        free.update(struct.unpack(f">{count}I", content[start + 8 : start + 8 + 4 * count]))
    return free
