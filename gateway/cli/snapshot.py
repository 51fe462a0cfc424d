"""``passerelle mark`` and ``snapshot``: send a publisher's complete set of offers; absent offers are withdrawn."""

from pathlib import Path
from types import SimpleNamespace
from typing import Annotated

import typer

from gateway.cli.console import ERR, CommandError, Lang
from gateway.cli.document import FileDocument, read_documents
from gateway.cli.partner_context import as_partner
from gateway.cli.publish import progress_bar
from gateway.cli.tally import conclude
from gateway.ingest.upload.splitting import declared_count
from passerelle_client import ConfirmError, Publisher, take_mark
from passerelle_client import snapshot as send_snapshot
from schemas.rulebook import Language
from schemas.texts import load_words

_WORDS = load_words(SimpleNamespace, "gateway", "snapshot")


def mark(lang: Lang = "fr") -> None:
    """Take a mark, to be given to `passerelle snapshot --mark` within 24 hours.

    Take it before the export: an offer published since then never counts as absent.
    """
    with as_partner(lang) as connection:
        taken, expires_at = take_mark(connection)
    typer.echo(taken)
    ERR.print(_WORDS[lang].mark_taken.format(expires_at))


def snapshot(
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
    with as_partner(lang) as connection, progress_bar() as progress:
        if not mark:
            mark, _ = take_mark(connection)
            ERR.print(words.marked.format(mark=mark))
        lines = (document.line for document in progress.track(documents, description=words.sending))
        try:
            summary = send_snapshot(Publisher(connection), lambda: lines, mark=mark, confirm=confirm)
        except ConfirmError as error:
            step = words.confirm.format(mark=mark, number=error.would_withdraw)
            raise CommandError(error.message, step=step, language=lang) from error
    conclude(summary, documents, lang, more=words.withdrawn.format(summary.withdrawn))


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
