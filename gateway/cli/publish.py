"""``passerelle publish``: send a file of offers and withdrawals to a gateway, and report their outcomes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.console import ERR, Lang, asynchronous
from gateway.cli.document import FileDocument, read_submissions
from gateway.cli.partner_context import as_partner, client_id, gateway_url, refused
from gateway.cli.tally import DocumentTally
from gateway.client import NDJSON, Client
from schemas.texts import load_words

_BATCH_DOCUMENTS = 500
_BATCH_BYTES = 4 * 1024 * 1024
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


@asynchronous
async def publish(
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
    note = None if str(file) == "-" else UploadProgress.about(file, url=gateway_url(), client=client_id())
    first = start or (1 if note is None else read_note(file, note))
    if first > 1:
        ERR.print(words.resuming.format(first))
    left = [document for document in documents if document.number >= first]
    async with as_partner(lang) as client:
        with progress_bar() as progress:
            tally = await _send(client, left, progress, file, note)
        if note is not None:
            note_path(file).unlink(missing_ok=True)
        await tally.follow(client)
    tally.conclude(lang)


async def _send(
    client: Client, documents: Sequence[FileDocument], progress: Progress, file: Path, note: UploadProgress | None
) -> DocumentTally:
    tally, words = DocumentTally(), _WORDS[client.language]
    task = progress.add_task(words.publishing, total=len(documents))
    for batch in _batches(documents):
        body = b"\n".join(document.line for document in batch) + b"\n"
        answer = await client.call("POST", "/v1/offers/batch", params={"partial": "true"}, body=body, media_type=NDJSON)
        # 422 alone is no failure of the call: a batch with every document refused queues nothing and gets it too.
        if not tally.take(batch, answer):
            raise refused(answer, words.documents.format(first=batch[0].number, last=batch[-1].number))
        if note is not None:
            write_note(file, replace(note, next=batch[-1].number + 1))
        progress.advance(task, len(batch))
    return tally


def _batches(documents: Sequence[FileDocument]) -> Iterator[list[FileDocument]]:
    """Split into batches of 1 to 500 documents and at most 4 MiB, or of one larger document."""
    batch: list[FileDocument] = []
    size = 0
    for document in documents:
        if batch and (len(batch) == _BATCH_DOCUMENTS or size + len(document.raw) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document.raw)
    if batch:
        yield batch
