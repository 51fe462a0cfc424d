"""``passerelle publish``: send a file of offers and withdrawals to a gateway, and report their outcomes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from gateway.cli.console import ERR
from gateway.cli.document import Document, read_submissions
from gateway.cli.partnership import as_partner, client_id, gateway_url, refused
from gateway.cli.progress import Note, drop_note, progress_bar, read_note, write_note
from gateway.cli.tally import Tally
from gateway.client import NDJSON, Client
from gateway.runtime.loop import run
from schemas.rulebook import Language
from schemas.texts import load_words

BATCH_DOCUMENTS = 500
BATCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Progress texts, in one language."""

    going_on: str
    publishing: str
    documents: str


_WORDS = load_words(_Words, "gateway", "publish")


def publish(
    file: Annotated[Path, typer.Argument(help="NDJSON, a JSON array or one offer; .gz too.")],
    lang: Annotated[Language, typer.Option(help="Language of the explanations.")] = "fr",
    start: Annotated[
        int | None,
        typer.Option("--from", metavar="N", min=1, show_default=False, help="Start at this document, counted from 1."),
    ] = None,
) -> None:
    """Publish the offers of a file, 500 at a time; lines {"id", "revision", "withdrawn"} take offers back.

    PASSERELLE_URL, PASSERELLE_CLIENT_ID and PASSERELLE_CLIENT_SECRET name gateway and credentials. After an interrupt,
    the same command resumes where it stopped; sending twice is safe. Ends with 0 when none was refused, 1 when some
    were refused or stale, or are not decided after a minute, 2 when the gateway or the file could not be used.
    """
    run(_publish(file, lang, start))


async def _publish(file: Path, language: Language, start: int | None) -> None:
    words = _WORDS[language]
    documents = list(read_submissions(file, language))
    note = Note.about(file, url=gateway_url(), client=client_id())
    first = start or read_note(file, note)
    if first > 1:
        ERR.print(words.going_on.format(first))
    left = [document for document in documents if document.number >= first]
    async with as_partner(language) as client:
        with progress_bar() as progress:
            tally = await _send(client, left, progress, file, note)
        drop_note(file)
        await tally.follow(client)
    tally.conclude(language)


async def _send(client: Client, documents: Sequence[Document], progress: Progress, file: Path, note: Note) -> Tally:
    tally, words = Tally(), _WORDS[client.language]
    task = progress.add_task(words.publishing, total=len(documents))
    for batch in _batches(documents):
        body = b"\n".join(document.line for document in batch) + b"\n"
        answer = await client.call("POST", "/v1/offers/batch", params={"partial": "true"}, body=body, media_type=NDJSON)
        # 422 alone is no failure of the call: a batch with every document refused queues nothing and gets it too.
        if not tally.take(batch, answer):
            raise refused(answer, words.documents.format(first=batch[0].number, last=batch[-1].number))
        write_note(file, replace(note, next=batch[-1].number + 1))
        progress.advance(task, len(batch))
    return tally


def _batches(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """Split into batches of 1 to 500 documents and at most 4 MiB, or of one larger document."""
    batch: list[Document] = []
    size = 0
    for document in documents:
        if batch and (len(batch) == BATCH_DOCUMENTS or size + len(document.raw) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(document)
        size += len(document.raw)
    if batch:
        yield batch
