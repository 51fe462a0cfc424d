"""Progress of an upload: a progress bar, and a note file from which an interrupted upload resumes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.console import ERR


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A transient progress bar on stderr; disabled if stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        yield progress


@dataclass(frozen=True, slots=True)
class Note:
    """Progress of an upload: the next document, the file's size and modification time, gateway URL and client id."""

    next: int
    size: int
    changed: int
    url: str
    client: str

    @classmethod
    def about(cls, file: Path, *, url: str, client: str, next_document: int = 1) -> "Note":
        """A note for the current state of a file. Raises OSError."""
        stat = file.stat()
        return cls(next_document, stat.st_size, stat.st_mtime_ns, url, client)


def note_path(file: Path) -> Path:
    """The path of the note, in the folder of the uploaded file."""
    return file.with_name(f".{file.name}.progress")


def read_note(file: Path, fresh: Note) -> int:
    """The document to resume at; 1 unless a note matches the file, gateway and client of ``fresh``."""
    try:
        kept = Note(**orjson.loads(note_path(file).read_bytes()))
    except (OSError, ValueError, TypeError):
        return 1
    same = (kept.size, kept.changed, kept.url, kept.client) == (fresh.size, fresh.changed, fresh.url, fresh.client)
    return kept.next if same else 1


def write_note(file: Path, note: Note) -> None:
    """Write the note atomically. Errors are ignored: without a note, an upload starts from the first document."""
    path = note_path(file)
    try:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(asdict(note)))
        fresh.replace(path)
    except OSError:
        return


def drop_note(file: Path) -> None:
    """Delete the note of a completed upload."""
    note_path(file).unlink(missing_ok=True)
