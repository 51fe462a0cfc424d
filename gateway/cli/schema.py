"""``passerelle schema``: what a release of schemas and rules breaks for another, and for the live offers."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import orjson
import typer
from rich.text import Text

from gateway.cli.beside import gateway_here
from gateway.cli.console import FAILED, OUT, AsJson, CommandError, Lang, asynchronous, print_json, print_rows
from gateway.cli.desk import acting
from gateway.cli.document import read_submissions
from gateway.federation import Federation
from gateway.federation.impact import Affected, Impact, find_impact, senders_of
from gateway.federation.platform import platform_names
from gateway.operate.activation import activate as activate_release
from gateway.operate.activation import announced_day, take_back
from gateway.operate.desk import Desk
from gateway.operate.releases import ReleaseBook
from gateway.protocol.release import read_day
from gateway.protocol.topic import OFFERS, STATISTICS
from schemas.evolution.compare import Finding, ReleaseComparison
from schemas.evolution.process import PRESENT, Release, ReleaseError, names
from schemas.evolution.subset import SubsetError
from schemas.rulebook import Language
from schemas.texts import load_words

app = typer.Typer(help="The releases of the protocol's schemas and rules.", no_args_is_help=True)
_WORDS = load_words(SimpleNamespace, "gateway", "schema")
_FILLED_SECONDS = 10.0
_ORIGIN = "A release's name, a folder with one, a source tree, or . for this version."


@app.callback()
def schema() -> None:
    """The releases of the protocol's schemas and rules."""


@app.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=_ORIGIN)],
    new: Annotated[str, typer.Argument(metavar="NEW", help=_ORIGIN)] = PRESENT,
    *,
    documents: Annotated[
        Path | None, typer.Option(help="Offers of yours to try besides: NDJSON, or a JSON array.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="Random offers that try the rules.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed tries the same offers.")] = 1,
    lang: Lang = "fr",
    as_json: AsJson = False,
) -> None:
    """Say whether NEW accepts all that OLD accepted, and whether OLD's readers can read all that NEW writes.

    Ends with 0 if no difference was found, 1 if one was, 2 if the releases cannot be compared.
    """
    words = _WORDS[lang]
    own = [] if documents is None else [_decoded(one.raw) for one in read_submissions(documents, lang)]
    try:
        with Release(old) as first, Release(new) as second:
            compared = ReleaseComparison(first, second, count=count, seed=seed, documents=own)
            found = [*compared.findings()]
            old_name, new_name = first.facts["release"], second.facts["release"]
    except ReleaseError as error:
        raise _unknown(error, lang) from error
    except SubsetError as error:
        raise CommandError(words.foreign.format(error), step=words.subset, language=lang) from error
    if as_json:
        print_json({"old": old_name, "new": new_name, "seed": seed, "findings": [one.to_json() for one in found]})
    else:
        _print(found, seed, lang)
    if any(one.word == "witness" for one in found):
        raise typer.Exit(FAILED)


@app.command()
@asynchronous
async def impact(
    new: Annotated[str, typer.Argument(metavar="NEW", help=_ORIGIN)] = PRESENT,
    *,
    platform: Annotated[str, typer.Option(metavar="SLUG", help="Only the offers of this platform.")] = "",
    lang: Lang = "fr",
    as_json: AsJson = False,
) -> None:
    """Say which live offers NEW will refuse at their next change; run it where the gateway runs, with its settings.

    Ends with 0 if it will refuse none, 1 otherwise, 2 if the release or the gateway cannot be read.
    """
    words = _WORDS[lang].impact
    async with gateway_here(lang) as federation:
        if not federation.caught_up:
            raise CommandError(words["filling"], step=words["later"], language=lang)
        platforms = list(platform_names(federation))
        if platform and platform not in platforms:
            known = words["known"].format(", ".join(platforms))
            raise CommandError(words["platform"].format(platform), step=known, language=lang)
        try:
            found = await find_impact(federation, [platform] if platform else platforms, new, most=None)
        except ReleaseError as error:
            raise _unknown(error, lang) from error
    if as_json:
        print_json(found.to_json())
    else:
        _print_impact(found, lang)
    if any(one.offers for one in (*found.warned, *found.judged.rules)):
        raise typer.Exit(FAILED)


@app.command()
@acting(alone=False)
async def activate(
    desk: Desk,
    release: Annotated[
        str, typer.Argument(metavar="RELEASE", help="A release of the schema, such as 1.1, or the code of an end.")
    ],
    *,
    day: Annotated[
        str,
        typer.Option(
            "--from", metavar="DAY", help="The first day (Paris) on which its fields are accepted, or the end holds."
        ),
    ] = "",
    cancel: Annotated[bool, typer.Option("--cancel", help="Take the day back.")] = False,
    force: Annotated[bool, typer.Option("--force", help="End what platforms still send; needs --reason.")] = False,
) -> None:
    """Set the day from which the fields of a release are accepted, two days ahead at least, or take it back.

    Refused while a replica seen within the hour does not know the release. The day of an end is set in the same way, by
    its code (field-deprecated:PATH); refused while a platform has sent what ends within 30 days, or has it live.
    Run it where the gateway runs.
    """
    found = read_day(day)
    if (found is None) != cancel:
        raise CommandError(
            f"{day or 'Nothing'} is no day.", step="name the day as --from 2027-09-01, or --cancel to take it back"
        )
    async with AsyncExitStack() as stack:
        book = await stack.enter_async_context(ReleaseBook(desk.log, clock=desk.clock).caught_up_once())
        if found is None:
            changed = await take_back(desk, book, release)
        else:
            beside = await stack.enter_async_context(gateway_here()) if announced_day(release) else None
            senders = None if beside is None else partial(senders_of, await _filled(beside))
            changed = await activate_release(desk, book, release, found, senders=senders, force=force)
        held = book.activations.get(release)
    outcome = "has no day" if held is None else f"holds from {held} on"
    OUT.print(Text(f"Release {release} {outcome}{'' if changed else ': nothing was changed'}."))


async def _filled(federation: Federation) -> Federation:
    """The gateway, once its views have what is on the log now. Raises CommandError."""
    for topic in (STATISTICS, OFFERS):
        view = federation.views[topic]
        if not view.caught_up or not await view.reached(await federation.log.ends(topic), _FILLED_SECONDS):
            words = _WORDS["en"].impact
            raise CommandError(words["filling"], step=words["later"])
    return federation


def _print_impact(found: Impact, language: Language) -> None:
    words = _WORDS[language].impact
    OUT.print(Text(words["of"].format(release=found.release, on=found.on)))
    rows = []
    for rules, begun in ((found.warned, words["at_once"]), (found.judged.rules, words["judged"])):
        for one in rules:
            when = words["from"].format(one.error_from) if one.error_from else begun
            for of in one.platforms or (Affected(platform="", offers=0, examples=()),):
                number = f"{of.offers:,}" if of.offers else words["nothing"]
                rows.append([Text(part) for part in (one.rule, when, of.platform, " ".join(of.examples), number)])
    if rows:
        print_rows(OUT, words["heads"], rows, left=4, label=_WORDS[language].label)
    judged = found.judged
    OUT.print(Text(words["bound"].format(examined=judged.examined, live=judged.live, cleaned=judged.cleaned)))


def _unknown(error: ReleaseError, language: Language) -> CommandError:
    words = _WORDS[language]
    known = words.release.format(", ".join(names()))
    return CommandError(words.reasons[error.reason].format(error.origin), step=known, language=language)


def _decoded(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except ValueError:
        return None  # no release accepts it


def _print(found: Sequence[Finding], seed: int, language: Language) -> None:
    words = _WORDS[language]
    rows = []
    for one in found:
        result = words.none.format(one.tried, seed) if one.word == "none-found" else words.words[one.word]
        broken = " ".join(part for part in (one.pointer, one.broken) if part)
        rows.append([Text(part) for part in (words.sides[one.side], words.subjects[one.subject], result, broken)])
    print_rows(OUT, words.heads, rows, left=4, label=words.label)
    for one in found:
        if one.word == "witness":
            OUT.print()
            on = words.received.format(one.on) if one.on else ""
            OUT.print(Text(f"{words.witness.format(words.subjects[one.subject], one.pointer or one.broken)}{on}"))
            OUT.print(Text(orjson.dumps(one.document).decode()), soft_wrap=True)
