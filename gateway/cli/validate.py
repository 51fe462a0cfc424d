"""``passerelle validate``: judge a file of offers offline, with the gateway's own rules."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import orjson
import typer

import schemas
from gateway.cli.console import FAILED, OUT, CommandError, Lang
from gateway.cli.document import FileDocument, read_submissions
from gateway.cli.problems import DocumentProblem, table_of
from gateway.clock import now
from gateway.operate.releases import KNOWN, is_known
from gateway.protocol.paris_time import paris_date
from gateway.protocol.release import read_day
from schemas.rulebook import Language
from schemas.texts import load_words

Activated = Annotated[
    list[str] | None,
    typer.Option(metavar="RELEASE=DAY", help="The day from which a release holds, from /.well-known/passerelle."),
]
_WORDS = load_words(SimpleNamespace, "gateway", "validate")


def validate(
    file: Annotated[Path, typer.Argument(help="NDJSON, a JSON array or one offer; .gz too; - reads standard input.")],
    lang: Lang = "fr",
    on: Annotated[str, typer.Option(metavar="DATE", help="Judge as on this day (ISO date); by default today.")] = "",
    activated: Activated = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line per document, for other programs.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Check offers without sending them anywhere.

    Ends with 0 when all are accepted, 1 when some are refused, 2 when the file cannot be read or holds no offer.
    """
    day, activations = day_of(on, lang), activations_of(activated, lang)
    totals: Counter[str] = Counter()
    findings: list[DocumentProblem] = []
    for document in read_submissions(file, lang):
        judged = _judge(document, day, activations, lang)
        totals[judged["verdict"]] += 1
        if as_json:
            typer.echo(orjson.dumps(judged))
        findings.extend(DocumentProblem(document.number, judged["id"], problem) for problem in judged["problems"])
    if not as_json:
        if findings:
            OUT.print(table_of(findings, lang), soft_wrap=False)
        OUT.print(
            _WORDS[lang].summary.format(
                read=totals.total(), good=totals["accepted"], warned=totals["warned"], refused=totals["refused"]
            )
        )
    if totals["refused"]:
        raise typer.Exit(FAILED)


def _judge(document: FileDocument, day: date, activations: schemas.Activations, language: Language) -> dict[str, Any]:
    verdict = schemas.check_submission(document.raw, on=day, activations=activations)
    problems = [schemas.localized(problem.to_json(), language) for problem in verdict.problems]
    word = "refused" if not verdict.accepted else "warned" if problems else "accepted"
    return {"line": document.number, "id": verdict.id, "verdict": word, "problems": problems}


def activations_of(texts: Sequence[str] | None, language: Language) -> schemas.Activations:
    """The days of releases and ends, each as ``1.1=2027-09-01``. Raises CommandError, also for one that this version
    does not know: it would judge otherwise.
    """
    found = {}
    for text in texts or ():
        release, _, day = text.partition("=")
        if (read := read_day(day)) is None:
            words = _WORDS[language]
            raise CommandError(words.no_activation.format(text), step=words.give_activation, language=language)
        if not is_known(release):
            known = _WORDS[language].known_activation.format(", ".join(KNOWN))
            raise CommandError(_WORDS[language].unknown_activation.format(release), step=known, language=language)
        found[release] = read
    return found


def day_of(text: str, language: Language) -> date:
    """Parse an ISO date; an empty text means today in Paris. Raises CommandError."""
    try:
        return date.fromisoformat(text or paris_date(now()))
    except ValueError as error:
        words = _WORDS[language]
        raise CommandError(words.no_date.format(text), step=words.give_date, language=language) from error
