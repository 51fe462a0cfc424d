"""Bodies in pieces: one and the same content, cut anywhere, must come out the same."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Protocol, TypeAlias

from gateway.errors import UploadRefusedError
from tests.fuzz.target import Scramble

_HEAD = 3
"""Bytes of an input that give the cuts of its body; the rest is the body."""


class Reader(Protocol):
    """A splitter or an inflater."""

    def feed(self, block: bytes) -> Iterable[bytes]:
        """What this block completes."""

    def finish(self) -> Iterable[bytes]:
        """Items completed by the end."""


@dataclass(frozen=True, slots=True)
class Read:
    """The result, if everything was accepted."""

    items: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """The code of the refusal."""

    code: str


Outcome: TypeAlias = Read | Refused


def read(reader: Reader, blocks: Iterable[bytes], *, most: int | None = None) -> Outcome:
    """Everything out of the reader. ``most`` is what an upload allows an item to have: ``receive`` looks at it too."""
    items: list[bytes] = []
    try:
        for step in (*(lambda block=block: reader.feed(block) for block in blocks), reader.finish):
            for item in step():
                if most is not None and len(item) > most:
                    return Refused("line-too-long")
                items.append(item)
    except UploadRefusedError as error:
        return Refused(error.code)
    return Read(tuple(items))


def cut(raw: bytes) -> tuple[list[bytes], bytes]:
    """The blocks and the body that an input encodes. The head gives the sizes of three blocks, over and over."""
    head, body = raw[:_HEAD], raw[_HEAD:]
    return list(_blocks(body, [1 + size for size in head] or [1])), body


def _blocks(body: bytes, sizes: list[int]) -> Iterator[bytes]:
    at = number = 0
    while at < len(body):
        size = sizes[number % len(sizes)]
        yield body[at : at + size]
        at, number = at + size, number + 1


def headed(body: bytes, sizes: bytes = b"\x00\x04\x1f") -> bytes:
    """An input that encodes a body."""
    return sizes[:_HEAD].ljust(_HEAD, b"\x00") + body


def mutate_body(change: Callable[[bytes, Random], bytes]) -> Callable[[bytes, Random, Scramble], bytes]:
    """Changes the body by its own mutator one time in three, and its cuts one time in four."""

    def mutate(raw: bytes, random: Random, scramble: Scramble) -> bytes:
        head, body = raw[:_HEAD], raw[_HEAD:]
        if random.random() < 0.25:
            head = bytes(random.choice((0, 1, 2, 6, 30, 255)) for _ in range(_HEAD))
        return headed(change(body, random) if random.random() < 0.33 else scramble(body), head)

    return mutate
