"""``passerelle mark`` and ``snapshot``: send a publisher's complete set of offers; absent offers are withdrawn."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import orjson
import typer
from rich.progress import Progress

from gateway.cli.console import ERR, CommandError, Lang, asynchronous
from gateway.cli.document import FileDocument, read_documents
from gateway.cli.partner_context import as_partner, refused
from gateway.cli.publish import progress_bar
from gateway.cli.tally import DocumentTally
from gateway.client import NDJSON, Client, ClientAnswer
from gateway.ingest.upload.splitting import declared_count
from schemas.rulebook import Language
from schemas.texts import load_words

_PIECE = 200
_WAITING = {"Prefer": "wait=30"}
"""The response has the decisions of the first 30 s; later ones are read from the receipts."""
_WORDS = load_words(SimpleNamespace, "gateway", "snapshot")


@asynchronous
async def mark(lang: Lang = "fr") -> None:
    """Take a mark, to be given to `passerelle snapshot --mark` within 24 hours.

    Take it before the export: an offer published since then never counts as absent.
    """
    async with as_partner(lang) as client:
        taken, expires_at = await take_mark(client)
    typer.echo(taken)
    ERR.print(_WORDS[lang].mark_taken.format(expires_at))


async def take_mark(client: Client) -> tuple[str, str]:
    """Request a new mark; returns it with its expiry. Raises CommandError."""
    answer = await client.call("POST", "/v1/snapshots/marks")
    if not answer.ok:
        raise refused(answer, _WORDS[client.language].a_mark)
    return answer.body["mark"], answer.body["expires_at"]


@asynchronous
async def snapshot(
    file: Annotated[Path, typer.Argument(help="All offers of the platform: NDJSON or a JSON array; .gz too.")],
    mark: Annotated[str, typer.Option(help="The mark taken by `passerelle mark` before the export.")] = "",
    confirm: Annotated[
        int | None, typer.Option(metavar="N", help="Withdraw N offers although the guard stops that many.")
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Replace everything that the platform publishes by the content of a file.

    Offers that are not in it are withdrawn as absent; a guard stops a file if more than a fifth of them and at
    least ten are missing, or if none would be left. A file whose last line is {"count": N} is sent if it has N offers.
    Ends with 0 when none was refused, 1 when some were refused or stale (they count as present) or are not decided
    after a minute, 2 when the gateway or the file could not be used.
    """
    words = _WORDS[lang]
    documents = _complete(file, lang)
    async with as_partner(lang) as client:
        if not mark:
            mark, _ = await take_mark(client)
            ERR.print(words.marked.format(mark=mark))
        with progress_bar() as progress:
            answer = await _send(client, documents, mark, confirm, progress)
        if isinstance(answer.body, dict) and "would_withdraw" in answer.body:
            step = words.confirm.format(mark=mark, number=answer.body["would_withdraw"])
            raise refused(answer, words.snapshot, step=step)
        tally = DocumentTally()
        if not tally.take(documents, answer):
            raise refused(answer, words.snapshot)
        await tally.follow(client)
    tally.conclude(lang, more=words.withdrawn.format(answer.body["withdrawn"]))


def _complete(file: Path, lang: Language) -> list[FileDocument]:
    """The offers of a file, as many as its closing count says if it has one. Raises CommandError."""
    read = [(document, declared_count(document.raw)) for document in read_documents(file, lang)]
    documents = [document for document, count in read if count is None]
    for _, count in read:
        if count is not None and count != len(documents):
            words = _WORDS[lang]
            message = words.incomplete.format(path=file, count=count, found=len(documents))
            raise CommandError(message, step=words.export_again, language=lang)
    return documents


async def _send(
    client: Client, documents: Sequence[FileDocument], mark: str, confirm: int | None, progress: Progress
) -> ClientAnswer:
    task = progress.add_task(_WORDS[client.language].sending, total=len(documents))

    async def body() -> AsyncIterator[bytes]:
        progress.reset(task)
        for start in range(0, len(documents), _PIECE):
            piece = documents[start : start + _PIECE]
            yield b"".join(document.line + b"\n" for document in piece)
            progress.advance(task, len(piece))
        yield orjson.dumps({"count": len(documents)}) + b"\n"

    params = {"mark": mark} | ({} if confirm is None else {"confirm": str(confirm)})
    return await client.call("POST", "/v1/snapshots", params=params, body=body, media_type=NDJSON, headers=_WAITING)
