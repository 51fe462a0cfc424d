"""Read offer files (NDJSON, a JSON array or one JSON object, optionally gzipped) as raw documents."""

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from gateway.cli.console import CommandError
from gateway.ingest.upload.splitting import declared_count
from schemas import MAX_OFFER_BYTES
from schemas.bilingual import spoken, system_reason
from schemas.rulebook import Language
from schemas.texts import load_words

_GZIP = b"\x1f\x8b"
_BLANK = b" \t\r\n"
_MAX_RAW_BYTES = MAX_OFFER_BYTES + 1
"""A longer document is truncated to this: it is still too large and is refused as such."""

_WORDS = load_words(SimpleNamespace, "gateway", "document")


@dataclass(frozen=True, slots=True)
class FileDocument:
    """One document of a file. ``number`` counts from 1: the line in NDJSON, the index in an array."""

    number: int
    raw: bytes

    @property
    def line(self) -> bytes:
        """The document on one line: JSON has line breaks between tokens only, where they mean nothing."""
        return self.raw.replace(b"\r", b" ").replace(b"\n", b" ")


def read_documents(path: Path, language: Language) -> Iterator[FileDocument]:
    """The documents of a file (``-``: standard input), without blank lines. Raises CommandError."""
    try:
        with open_inflated(path) as stream:
            first = _first_byte(stream)
            if first == b"[":
                yield from _read_array(stream.read(), path, language)
            elif first == b"{" and path.name.removesuffix(".gz").endswith(".json"):
                yield from _read_object(stream)
            else:
                yield from _read_lines(stream)
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error, language) from error


def read_submissions(path: Path, language: Language) -> Iterator[FileDocument]:
    """The offers and withdrawals of a file, without the count that closes a snapshot.

    Raises CommandError, also for a file without any: most likely a failed export.
    """
    found = False
    for document in read_documents(path, language):
        if declared_count(document.raw) is None:
            found = True
            yield document
    if not found:
        words = _WORDS[language]
        raise CommandError(words.empty, step=words.check_file, language=language)


def unreadable(
    path: Path, error: OSError | EOFError | zlib.error, language: Language, *, step: str = ""
) -> CommandError:
    """The error of a file that is missing, unreadable (with the system's reason) or cannot be inflated."""
    words = _WORDS[language]
    match error:
        case FileNotFoundError():
            message, usual = words.absent.format(path=path), words.check_name
        case OSError():
            reason = spoken(system_reason(error), language)
            message, usual = words.unreadable.format(path=path, reason=reason), words.check_file
        case _:
            message, usual = words.damaged.format(path=path), words.check_file
    return CommandError(message, step=step or usual, language=language)


@contextmanager
def open_inflated(path: Path) -> Iterator[BufferedReader]:
    """The content of a file, inflated if it is gzipped, regardless of its name."""
    if str(path) == "-":
        yield cast("BufferedReader", sys.stdin.buffer)
        return
    with path.open("rb") as stream:
        if stream.peek(2)[:2] != _GZIP:
            yield stream
            return
        with gzip.open(stream) as inflated:
            yield BufferedReader(inflated)


def _first_byte(stream: BufferedReader) -> bytes:
    """The first non-blank byte within the buffer; empty if there is none. Consumes nothing."""
    return stream.peek(4096).lstrip(_BLANK)[:1]


def _read_lines(stream: BufferedReader) -> Iterator[FileDocument]:
    number = 0
    while line := stream.readline(_MAX_RAW_BYTES + 2):
        number += 1
        while len(line) > _MAX_RAW_BYTES and not line.endswith(b"\n"):
            rest = stream.readline(_MAX_RAW_BYTES)
            line = line[:_MAX_RAW_BYTES] + rest[-1:]
            if not rest:
                break
        raw = line.strip(_BLANK)
        if raw:
            yield FileDocument(number, raw)


def _read_object(stream: BufferedReader) -> Iterator[FileDocument]:
    """Read a ``.json`` file: one object over several lines, or NDJSON despite the name."""
    content = stream.read()
    lines = content.splitlines()
    if len(lines) > 1 and _is_json(lines[0]):
        yield from (
            FileDocument(number, line.strip(_BLANK)) for number, line in enumerate(lines, 1) if line.strip(_BLANK)
        )
    else:
        yield FileDocument(1, content.strip(_BLANK))


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _read_array(content: bytes, path: Path, language: Language) -> Iterator[FileDocument]:
    """Read the items of an array as written, so that each gets the same verdict as by itself."""
    words = _WORDS[language]
    try:
        yield from _split_array(content.decode())
    except (ValueError, RecursionError) as error:
        match error:
            case json.JSONDecodeError():
                message = words.broken.format(path=path, line=error.lineno, column=error.colno)
            case UnicodeDecodeError():
                message = words.not_utf8.format(path=path, line=content.count(b"\n", 0, error.start) + 1)
            case _:
                message = words.deep.format(path=path)
        raise CommandError(message, step=words.correct_array, language=language) from error


def _split_array(text: str) -> Iterator[FileDocument]:
    """Split the text of an array into its items. Raises JSONDecodeError and RecursionError."""
    scan = json.JSONDecoder().raw_decode
    at = _skip_blank(text, text.index("[") + 1)
    number = 0
    while not text.startswith("]", at):
        number += 1
        _, end = scan(text, at)
        yield FileDocument(number, text[at:end].encode())
        at = _skip_blank(text, end)
        if text.startswith(",", at):
            at = _skip_blank(text, at + 1)
        elif not text.startswith("]", at):
            raise json.JSONDecodeError("neither a comma nor the end", text, at)


def _skip_blank(text: str, at: int) -> int:
    while text.startswith((" ", "\t", "\r", "\n"), at):
        at += 1
    return at
