"""``passerelle publish``: send a file of offers and withdrawals to a gateway, and report their outcomes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.console import ERR, Lang
from gateway.cli.document import read_submissions
from gateway.cli.partner_context import as_partner, client_id
from gateway.cli.tally import conclude
from passerelle_client import Outcome, Publisher
from schemas.texts import load_words

_BATCH_DOCUMENTS = 500
_LAST = _BATCH_DOCUMENTS - 1
_WORDS = load_words(SimpleNamespace, "gateway", "publish")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A transient progress bar on stderr; disabled if stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        yield progress


@dataclass(frozen=True, slots=True)
class UploadProgress:
    """Progress of an upload: the next document, the file's size and modification time, gateway URL and client id."""

    next: int
    size: int
    changed: int
    url: str
    client: str

    @classmethod
    def about(cls, file: Path, *, url: str, client: str, next_document: int = 1) -> "UploadProgress":
        """A note for the current state of a file. Raises OSError."""
        stat = file.stat()
        return cls(next_document, stat.st_size, stat.st_mtime_ns, url, client)


def note_path(file: Path) -> Path:
    """The path of the note, in the folder of the uploaded file."""
    return file.with_name(f".{file.name}.progress")


def read_note(file: Path, fresh: UploadProgress) -> int:
    """The document to resume at; 1 unless a note matches the file, gateway and client of ``fresh``."""
    try:
        kept = UploadProgress(**orjson.loads(note_path(file).read_bytes()))
    except (OSError, ValueError, TypeError):
        return 1
    same = (kept.size, kept.changed, kept.url, kept.client) == (fresh.size, fresh.changed, fresh.url, fresh.client)
    return kept.next if same else 1


def write_note(file: Path, note: UploadProgress) -> None:
    """Write the note atomically. Errors are ignored: without a note, an upload starts from the first document."""
    path = note_path(file)
    try:
        fresh = path.with_suffix(".new")
        fresh.write_bytes(orjson.dumps(asdict(note)))
        fresh.replace(path)
    except OSError:
        return


def publish(
    file: Annotated[Path, typer.Argument(help="NDJSON, a JSON array or one offer; .gz too; - reads standard input.")],
    lang: Lang = "fr",
    start: Annotated[
        int | None,
        typer.Option("--from", metavar="N", min=1, show_default=False, help="Start at this document, counted from 1."),
    ] = None,
) -> None:
    """Publish the offers of a file, 500 at a time; lines {"id", "revision", "withdrawn"} take offers back.

    PASSERELLE_URL, PASSERELLE_CLIENT_ID and PASSERELLE_CLIENT_SECRET name gateway and credentials. After an interrupt,
    the same command resumes a file where it stopped; sending twice is safe. Ends with 0 when none was refused, 1 when
    some were refused or stale, or are not decided after a minute, 2 when the gateway or the file could not be used.
    """
    words = _WORDS[lang]
    documents = list(read_submissions(file, lang))
    with as_partner(lang) as connection:
        noted = None if str(file) == "-" else UploadProgress.about(file, url=connection.url, client=client_id())
        first = start or (1 if noted is None else read_note(file, noted))
        if first > 1:
            ERR.print(words.resuming.format(first))
        left = [document for document in documents if document.number >= first]
        with progress_bar() as progress:
            task = progress.add_task(words.publishing, total=len(left))

            def sent(outcome: Outcome) -> None:
                progress.advance(task)
                if noted is not None and outcome.index is not None and outcome.index % _BATCH_DOCUMENTS == _LAST:
                    write_note(file, replace(noted, next=left[outcome.index].number + 1))

            summary = Publisher(connection).batch((document.line for document in left), sent)
        note_path(file).unlink(missing_ok=True)
    conclude(summary, left, lang)
