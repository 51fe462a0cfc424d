"""``passerelle snapshot``: send a publisher's complete set of offers; what it lacks is withdrawn."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import Progress

from gateway.cli.console import ERR, FAILED, OUT
from gateway.cli.document import Document, is_count, read_documents
from gateway.cli.mark import take_mark
from gateway.cli.partnership import as_partner, refused
from gateway.cli.problems import Finding, table_of
from gateway.cli.progress import progress_bar
from gateway.client import NDJSON, Answer, Client
from gateway.loop import run
from schemas.rulebook import Language

_PIECE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What a snapshot comes to, in one language."""

    marked: str
    sending: str
    snapshot: str
    confirm: str
    told: str


_WORDS: Mapping[Language, _Words] = {
    "fr": _Words(
        marked="La marque vient d’être prise : c’est juste si rien n’a été publié autrement depuis l’export. "
        "Pour renvoyer le même : --mark {mark}",
        sending="Envoi",
        snapshot="l’instantané",
        confirm="vérifiez que l’export est complet ; si ces {number} offres n’ont vraiment plus cours : "
        "--mark {mark} --confirm {number}",
        told="{read} offre(s) : {refused} refusée(s) ; {withdrawn} absente(s) retirée(s)",
    ),
    "en": _Words(
        marked="The mark was taken just now: right if nothing was published otherwise since the export. "
        "To send the same again: --mark {mark}",
        sending="Sending",
        snapshot="the snapshot",
        confirm="check that the export is complete; if these {number} offers are really gone: "
        "--mark {mark} --confirm {number}",
        told="{read} offers: {refused} refused; {withdrawn} absent ones withdrawn",
    ),
}


def snapshot(
    file: Annotated[Path, typer.Argument(help="All offers of the platform: NDJSON or a JSON array; .gz too.")],
    mark: Annotated[str, typer.Option(help="The mark taken by `passerelle mark` before the export.")] = "",
    confirm: Annotated[
        int | None, typer.Option(metavar="N", help="Withdraw N offers, though the guard finds that many.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language of the explanations.")] = "fr",
) -> None:
    """Replace everything that the platform publishes by the content of a file.

    Offers that are not in it are withdrawn as absent; a guard stops a file that lacks more than a fifth of them. Ends
    with 0 when all were accepted, 1 when some were refused (they count as present), 2 when the gateway did not take it.
    """
    run(_snapshot(file, mark, confirm, lang))


async def _snapshot(file: Path, mark: str, confirm: int | None, language: Language) -> None:
    words = _WORDS[language]
    documents = [document for document in read_documents(file, language) if not is_count(document)]
    async with as_partner(language) as client:
        if not mark:
            mark, _ = await take_mark(client)
            ERR.print(words.marked.format(mark=mark))
        with progress_bar() as progress:
            answer = await _send(client, documents, mark, confirm, progress)
    if isinstance(answer.body, dict) and "would_withdraw" in answer.body:
        step = words.confirm.format(mark=mark, number=answer.body["would_withdraw"])
        raise refused(answer, words.snapshot, step=step)
    if not answer.ok or not isinstance(answer.body, dict):
        raise refused(answer, words.snapshot)
    _tell(answer.body, documents, language)


async def _send(
    client: Client, documents: Sequence[Document], mark: str, confirm: int | None, progress: Progress
) -> Answer:
    task = progress.add_task(_WORDS[client.language].sending, total=len(documents))

    async def body() -> AsyncIterator[bytes]:
        progress.reset(task)
        for start in range(0, len(documents), _PIECE):
            piece = documents[start : start + _PIECE]
            yield b"".join(document.line + b"\n" for document in piece)
            progress.advance(task, len(piece))
        yield orjson.dumps({"count": len(documents)}) + b"\n"

    params = {"mark": mark} | ({} if confirm is None else {"confirm": str(confirm)})
    return await client.call("POST", "/v1/snapshots", params=params, body=body, media_type=NDJSON)


def _tell(body: dict[str, Any], documents: Sequence[Document], language: Language) -> None:
    """What became of the items, and how many absent offers go."""
    results: list[dict[str, Any]] = body["results"]
    findings = [
        Finding(documents[result["index"]].number, result.get("id"), problem)
        for result in results
        for problem in result.get("problems") or ()
    ]
    if findings:
        OUT.print(table_of(findings, language))
    refused_ones = sum(result["status"] == "refused" for result in results)
    withdrawn = body.get("withdrawn", 0)
    OUT.print(_WORDS[language].told.format(read=len(results), refused=refused_ones, withdrawn=withdrawn))
    if refused_ones:
        raise typer.Exit(FAILED)
