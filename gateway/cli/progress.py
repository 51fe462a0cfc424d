"""How far an upload is: a bar on a terminal, and the note beside the file that lets it go on later."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.console import ERR


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar on standard error, gone when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        yield progress


@dataclass(frozen=True, slots=True)
class Note:
    """Where an upload stands: the next document to send, of which file as it was, to which gateway by whom."""

    next: int
    size: int
    changed: int
    url: str
    client: str

    @classmethod
    def about(cls, file: Path, *, url: str, client: str, next_document: int = 1) -> "Note":
        """The note on a file as it is now."""
        stat = file.stat()
        return cls(next_document, stat.st_size, stat.st_mtime_ns, url, client)


def note_path(file: Path) -> Path:
    """The note's own file, beside the one that is sent."""
    return file.with_name(f".{file.name}.progress")


def read_note(file: Path, fresh: Note) -> int:
    """The document to go on with: 1 unless a note on this very file, gateway and client says otherwise."""
    try:
        kept = Note(**orjson.loads(note_path(file).read_bytes()))
    except (OSError, ValueError, TypeError):
        return 1
    same = (kept.size, kept.changed, kept.url, kept.client) == (fresh.size, fresh.changed, fresh.url, fresh.client)
    return kept.next if same else 1


def write_note(file: Path, note: Note) -> None:
    """Keep the note; a folder that cannot be written only costs the resuming."""
    path = note_path(file)
    try:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(asdict(note)))
        fresh.replace(path)
    except OSError:
        return


def drop_note(file: Path) -> None:
    """The upload is complete."""
    note_path(file).unlink(missing_ok=True)
