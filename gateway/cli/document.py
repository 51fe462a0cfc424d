"""Files of offers: NDJSON, a JSON array or one JSON object, gzipped or not, read document by document as raw bytes."""

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import cast

from gateway.cli.console import CommandError
from schemas import MAX_OFFER_BYTES
from schemas.rulebook import Language
from schemas.spoken import spoken, system_reason
from schemas.texts import load_words

_GZIP = b"\x1f\x8b"
_BLANK = b" \t\r\n"
_ENOUGH = MAX_OFFER_BYTES + 1
"""A document cut to this is still too large, and is refused as that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What can be wrong with a file, and what to do then, in one language."""

    absent: str
    check_name: str
    unreadable: str
    damaged: str
    check_file: str
    broken: str
    deep: str
    not_utf8: str
    mend_array: str
    empty: str


_WORDS = load_words(_Words, "gateway", "document")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file. ``number`` counts from 1: the line in NDJSON, the place in an array."""

    number: int
    raw: bytes

    @property
    def line(self) -> bytes:
        """The document on one line: line breaks between its tokens mean nothing, and within strings JSON has none."""
        return self.raw.replace(b"\r", b" ").replace(b"\n", b" ")


def read_documents(path: Path, language: Language) -> Iterator[Document]:
    """The documents of a file (``-``: of standard input); blank lines are left out. Raises CommandError."""
    try:
        with _opened(path) as stream:
            first = _first_sign(stream)
            if first == b"[":
                yield from _read_array(stream.read(), path, language)
            elif first == b"{" and path.name.removesuffix(".gz").endswith(".json"):
                yield from _read_object(stream)
            else:
                yield from _read_lines(stream)
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error, language) from error


def read_submissions(path: Path, language: Language) -> Iterator[Document]:
    """The offers and withdrawals of a file, without the count that closes a snapshot. Raises CommandError, for a file
    that holds none as well: it is most likely an export that failed.
    """
    found = False
    for document in read_documents(path, language):
        if not is_count(document):
            found = True
            yield document
    if not found:
        words = _WORDS[language]
        raise CommandError(words.empty, step=words.check_file, language=language)


def unreadable(
    path: Path, error: OSError | EOFError | zlib.error, language: Language, *, step: str = ""
) -> CommandError:
    """The error of a file that is not there, or cannot be read (told in the words of the system) or inflated."""
    words = _WORDS[language]
    match error:
        case FileNotFoundError():
            said, usual = words.absent.format(path=path), words.check_name
        case OSError():
            reason = spoken(system_reason(error), language)
            said, usual = words.unreadable.format(path=path, reason=reason), words.check_file
        case _:
            said, usual = words.damaged.format(path=path), words.check_file
    return CommandError(said, step=step or usual, language=language)


def is_count(document: Document) -> bool:
    """Whether this is the closing line of a snapshot, ``{"count": N}``."""
    if len(document.raw) > 40 or b'"count"' not in document.raw:
        return False
    try:
        return list(json.loads(document.raw)) == ["count"]
    except ValueError:
        return False


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    """The file's content, inflated where it is gzipped, whatever it is called."""
    if str(path) == "-":
        yield cast("BufferedReader", sys.stdin.buffer)
        return
    with path.open("rb") as stream:
        if stream.peek(2)[:2] != _GZIP:
            yield stream
            return
        with gzip.open(stream) as inflated:
            yield BufferedReader(inflated)


def _first_sign(stream: BufferedReader) -> bytes:
    """The first byte that is not blank, as far as can be seen without reading on."""
    return stream.peek(4096).lstrip(_BLANK)[:1]


def _read_lines(stream: BufferedReader) -> Iterator[Document]:
    number = 0
    while line := stream.readline(_ENOUGH + 2):
        number += 1
        while len(line) > _ENOUGH and not line.endswith(b"\n"):
            rest = stream.readline(_ENOUGH)
            line = line[:_ENOUGH] + rest[-1:]
            if not rest:
                break
        raw = line.strip(_BLANK)
        if raw:
            yield Document(number, raw)


def _read_object(stream: BufferedReader) -> Iterator[Document]:
    """A ``.json`` file: one object over several lines; NDJSON under that name is taken as well."""
    content = stream.read()
    lines = content.splitlines()
    if len(lines) > 1 and _stands_alone(lines[0]):
        yield from (Document(number, line.strip(_BLANK)) for number, line in enumerate(lines, 1) if line.strip(_BLANK))
    else:
        yield Document(1, content.strip(_BLANK))


def _stands_alone(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _read_array(content: bytes, path: Path, language: Language) -> Iterator[Document]:
    """The items of an array as they are written, so that each gets the verdict that it would get alone."""
    words = _WORDS[language]
    try:
        yield from _split_array(content.decode())
    except (ValueError, RecursionError) as error:
        match error:
            case json.JSONDecodeError():
                said = words.broken.format(path=path, line=error.lineno, column=error.colno)
            case UnicodeDecodeError():
                said = words.not_utf8.format(path=path, line=content.count(b"\n", 0, error.start) + 1)
            case _:
                said = words.deep.format(path=path)
        raise CommandError(said, step=words.mend_array, language=language) from error


def _split_array(text: str) -> Iterator[Document]:
    """Raises JSONDecodeError and RecursionError."""
    scan = json.JSONDecoder().raw_decode
    place = _skip_blank(text, text.index("[") + 1)
    number = 0
    while not text.startswith("]", place):
        number += 1
        _, end = scan(text, place)
        yield Document(number, text[place:end].encode())
        place = _skip_blank(text, end)
        if text.startswith(",", place):
            place = _skip_blank(text, place + 1)
        elif not text.startswith("]", place):
            raise json.JSONDecodeError("neither a comma nor the end", text, place)


def _skip_blank(text: str, place: int) -> int:
    while text.startswith((" ", "\t", "\r", "\n"), place):
        place += 1
    return place
