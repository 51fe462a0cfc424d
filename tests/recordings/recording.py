"""A recording: every record of every topic of a log, and the documents sent to it, as compressed JSON lines."""

import base64
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from gateway.log.port import EventLog
from gateway.log.reading import read_all
from gateway.protocol.record import StoredRecord
from gateway.protocol.topic import COMMON

DATA = Path(__file__).parent / "data"
TOPICS = tuple(topic.name for topic in COMMON)
_PAGE = 1_000

Topics = Mapping[str, Sequence[Sequence[StoredRecord]]]
"""By topic and partition, the records in offset order."""


@dataclass(frozen=True)
class Recording:
    """``about`` names the commit that made it, the partitions, the receipts' secret and the day; ``sent`` are the
    documents that each platform published, by slug.
    """

    about: Mapping[str, Any]
    topics: Topics
    sent: Mapping[str, Sequence[Any]]

    def write(self, folder: Path) -> None:
        lines = [
            orjson.dumps(
                [topic, partition, one.offset, one.appended_at, *map(_text, (one.key, one.value)), _headers(one)]
            )
            for topic, partitions in self.topics.items()
            for partition, records in enumerate(partitions)
            for one in records
        ]
        folder.mkdir(parents=True, exist_ok=True)
        _zip(folder / "topics.ndjson.gz", [orjson.dumps(self.about), *lines])
        _zip(folder / "sent.ndjson.gz", [orjson.dumps([slug, one]) for slug, many in self.sent.items() for one in many])

    @classmethod
    def read(cls, folder: Path = DATA) -> "Recording":
        first, *lines = gzip.decompress((folder / "topics.ndjson.gz").read_bytes()).splitlines()
        about = orjson.loads(first)
        topics: dict[str, list[list[StoredRecord]]] = {}
        for line in lines:
            topic, partition, offset, at, key, value, headers = orjson.loads(line)
            partitions = topics.setdefault(topic, [[] for _ in range(about["partitions"])])
            named = tuple((name, base64.b64decode(text)) for name, text in headers)
            partitions[partition].append(StoredRecord(offset, at, _bytes(key), _bytes(value), named))
        sent: dict[str, list[Any]] = {}
        for line in gzip.decompress((folder / "sent.ndjson.gz").read_bytes()).splitlines():
            slug, document = orjson.loads(line)
            sent.setdefault(slug, []).append(document)
        return cls(about, topics, sent)


async def read_topics(log: EventLog, names: Sequence[str]) -> Topics:
    """Everything that these topics hold now."""
    topics: dict[str, list[list[StoredRecord]]] = {}
    for name in names:
        partitions: list[list[StoredRecord]] = [[] for _ in range(log.partitions)]
        async with read_all(log, name, limit=_PAGE) as chunks:
            async for chunk in chunks:
                partitions[chunk.partition].extend(chunk.records)
        topics[name] = partitions
    return topics


def _zip(path: Path, lines: Sequence[bytes]) -> None:
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n", mtime=0))


def _text(value: bytes | None) -> str | None:
    """Bytes as text: UTF-8 unchanged, other bytes as base64 after a NUL."""
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        return "\0" + base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    if text is None:
        return None
    return base64.b64decode(text[1:]) if text.startswith("\0") else text.encode()


def _headers(record: StoredRecord) -> list[tuple[str, str]]:
    return [(name, base64.b64encode(value).decode()) for name, value in record.headers]
