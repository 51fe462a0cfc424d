"""``passerelle platform``: draft, check, add and list platforms with profiles, and run a pull now."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import typer

from adapters.profile.draft import draft_profile
from adapters.profile.joining import Joined, join
from adapters.profile.profile import Profile, profiles, read_profile
from adapters.pull.pulls import OrderReplacedError, last_runs, wait_for_run
from adapters.pull.sample import SampleEvaluation, evaluate_sample
from gateway.cli.console import FAILED, UNUSABLE, AsJson, CommandError, Lang, asynchronous, print_json
from gateway.cli.desk import By, Slug, Why, acting, desk_here
from gateway.cli.document import unreadable
from gateway.cli.draft import draft_sample, print_draft, print_placeholders, render_draft, replayed, write_profile
from gateway.cli.feed_settings import require_feed_settings, require_replaced
from gateway.cli.operator_context import log_here
from gateway.cli.render_partner import secret_document
from gateway.cli.render_platform import platform_error, print_joined, print_outlook, print_platforms, print_run
from gateway.cli.sample import blocks_of
from gateway.cli.validate import day_of
from gateway.clock import now
from gateway.operate.desk import MAX_CONFIRMED, Desk, RefusedActError
from gateway.operate.feeds import read_pauses, run_feed
from gateway.operate.status import is_platform
from gateway.partners import Partners
from gateway.partners.credential import MintedSecret, mint_secret
from gateway.protocol.partner import Partner
from gateway.protocol.record import utc
from gateway.protocol.source_run import SUCCESSES, Pause, SourceRun
from gateway.runtime.loop import run
from gateway.settings import loopback_feeds
from schemas import localized
from schemas.rulebook import Language
from schemas.texts import load_words

app = typer.Typer(help="How platforms take part: draft, check, add, list, and run a feed now.", no_args_is_help=True)

ProfileName = Annotated[
    str, typer.Argument(metavar="PROFILE", help="A profile's file, or the slug of one that comes with the gateway.")
]
_MAX_BYTES = 1024 * 1024
_WORDS = load_words(SimpleNamespace, "gateway", "profile")


@app.command()
def check(
    profile: ProfileName,
    sample: Annotated[Path, typer.Argument(help="A feed as the platform exports it; gzipped or not.")],
    *,
    lang: Lang = "fr",
    on: Annotated[str, typer.Option(metavar="DATE", help="Judge as on this day (ISO date); by default today.")] = "",
    as_json: AsJson = False,
) -> None:
    """Evaluate a feed offline: all problems in groups, three offers as published, and the counts.

    Ends with 0 when something would be published and nothing is refused; 1 when something is refused, nothing would be
    published, or the mapping does not fit the feed; 2 when the feed itself cannot be read.
    """
    outlook = _outlook(_load_profile(profile, language=lang), blocks_of(sample, lang), lang, on=on)
    _print_outlook(outlook, lang, as_json=as_json)
    _end(outlook)


@app.command()
def draft(
    sample: Annotated[Path, typer.Argument(help="A feed as the platform exports it; gzipped or not.")],
    *,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PROFILE", help="Write the profile to this new file.")
    ] = None,
    lang: Lang = "fr",
    on: Annotated[str, typer.Option(metavar="DATE", help="Judge as on this day (ISO date); by default today.")] = "",
    as_json: AsJson = False,
) -> None:
    """Guess a profile from a feed, offline: format, items, and a path for each field that the feed can give.

    Prints each path with confidence, evidence and values, what stayed empty and why, then the same as check. A field
    that two paths fit equally well stays empty. Ends as check does: 0, 1 or 2. An existing PROFILE is never replaced.
    """
    read = replayed(sample, lang)
    made = draft_sample(read(), lang, day_of(on, lang))
    profile = draft_profile(made, lang)
    if output is not None:
        write_profile(output, profile.document, lang)
    outlook = _outlook(profile, read(), lang, on=on)
    if as_json:
        print_json({**render_draft(made, lang), "profile": profile.document, "check": _outlook_document(outlook, lang)})
    else:
        print_draft(made, lang)
        print_placeholders(output, lang)
        print_outlook(outlook, lang)
    _end(outlook)


@app.command()
def add(
    profile: ProfileName,
    *,
    sample: Annotated[
        Path | None,
        typer.Option(help="A feed as the platform exports it; no change if nothing of it can be published."),
    ] = None,
    by: By = None,
    why: Why = None,
    as_json: AsJson = False,
) -> None:
    """Let a platform take part with its profile, or change the profile of one that does.

    A new platform gets a secret, printed only once. One that takes part keeps its credentials, its way of delivery to
    the national site, and its territory unless the profile names one; members that are not taken are listed.
    With --sample, a profile by which nothing of the feed would be published changes nothing and ends with 1. Without
    it, the first run of the feed fails in that case.
    """
    loaded = _load_profile(profile, language="en")
    require_replaced(loaded)
    require_feed_settings(loaded)
    if sample is not None:
        outlook = _outlook(loaded, blocks_of(sample, "en"), "en")
        if not outlook.counts.published:
            _print_outlook(outlook, "en", as_json=as_json)
            raise typer.Exit(FAILED)
    joined, minted = run(_add(loaded, by, why))
    if as_json:
        document: dict[str, Any] = {"platform": joined.partner.platform, "created": joined.created, "kept": joined.kept}
        print_json(document | secret_document(joined.partner, minted))
        return
    print_joined(joined, loaded, minted)


@app.command(name="list")
@asynchronous
async def list_all(*, lang: Lang = "fr", as_json: AsJson = False) -> None:
    """List all platforms with transport and last run, and the Regions whose profile is not added yet."""
    async with log_here() as log, Partners(log).caught_up_once() as known:
        partners, runs, pauses = known.all(), dict(await last_runs(log)), await read_pauses(log)
    rows = [
        _row(partner, runs.get(partner.platform), pauses.get(partner.platform))
        for partner in partners
        if not partner.revoked and is_platform(partner)
    ]
    missing = sorted(set(profiles()) - {row["platform"] for row in rows})
    if as_json:
        print_json({"platforms": rows, "waiting": missing})
        return
    print_platforms(rows, runs, missing, lang)


@app.command(name="run")
@acting(alone=False)
async def run_now(
    desk: Desk,
    platform: Slug,
    *,
    confirm: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=MAX_CONFIRMED, help="Withdraw N offers although the guard stops that many."
        ),
    ] = None,
    wait: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for the run.")] = 120.0,
    lang: Lang = "fr",
    as_json: AsJson = False,
) -> None:
    """Have a running gateway pull a platform's feed now, and show the result.

    Ends with 0 when all was published, 1 when something was refused or the run failed, 2 when no gateway ran it.
    """
    try:
        order, start = await run_feed(desk, platform, confirm=confirm, known=await read_pauses(desk.log))
        ran = await wait_for_run(desk.log, order, start=start, seconds=wait)
    except RefusedActError as error:
        if error.refusal == "feed-paused":
            raise platform_error("paused", lang, platform=platform) from error
        raise platform_error("no_feed", lang, platform=platform) from error
    except OrderReplacedError as error:
        raise platform_error("replaced", lang, platform=platform) from error
    if ran is None:
        raise platform_error("not_run", lang, platform=platform, seconds=wait)
    if as_json:
        print_json(asdict(ran))
    else:
        print_run(ran, lang)
    if ran.outcome not in SUCCESSES or ran.counts.refused:
        raise typer.Exit(FAILED)


async def _add(profile: Profile, by: str | None, why: str | None) -> tuple[Joined, MintedSecret | None]:
    minted = mint_secret(now=now(), entropy=os.urandom)
    made: list[Joined] = []
    async with desk_here(by, why, profile.platform, make=True) as desk:

        def edit(present: Partner | None) -> Partner:
            others = (one for one in desk.partners.all() if one.platform != profile.platform)
            joined = join(profile, [*others, *filter(None, (present,))])
            if not isinstance(joined, Joined):
                raise CommandError(" ".join(joined), step="correct the profile, then run the same command again")
            made[:] = [joined]
            return joined.with_secret(minted.kept) if joined.created else joined.partner

        present = desk.partners.get(profile.platform)
        if edit(present) == present:
            return made[0], None
        about = {"created": made[0].created, "profile": profile.digest}
        partner = await desk.change("platform.add", profile.platform, edit, **about)
    joined = replace(made[0], partner=partner)
    return joined, minted if joined.created else None


def _row(partner: Partner, ran: SourceRun | None, pause: Pause | None) -> dict[str, Any]:
    profile = partner.profile or {}
    transport = profile.get("transport")
    return {
        "platform": partner.platform,
        "transport": transport.get("kind") if isinstance(transport, dict) else "native",
        "format": profile.get("format"),
        "ended_at": None if ran is None else utc(ran.ended_at),
        "run": None if ran is None else asdict(ran),
        "paused_since": None if pause is None else utc(pause.at),
    }


def _outlook(profile: Profile, blocks: Iterable[bytes], language: Language, *, on: str = "") -> SampleEvaluation:
    """Evaluate a sample with a profile. Raises CommandError for a profile without a feed."""
    if profile.mapping is None:
        raise platform_error("native", language, platform=profile.platform)
    day = day_of(on, language)
    return evaluate_sample(blocks, profile.mapping, platform=profile.platform, revision=now(), on=day)


def _print_outlook(outlook: SampleEvaluation, language: Language, *, as_json: bool) -> None:
    if not as_json:
        print_outlook(outlook, language)
        return
    print_json(_outlook_document(outlook, language))


def _outlook_document(outlook: SampleEvaluation, language: Language) -> dict[str, Any]:
    return {
        "usable": not outlook.unusable,
        "counts": asdict(outlook.counts),
        "severities": outlook.severities,
        "problems": [localized(one, language) for one in outlook.problems],
        "offers": outlook.offers,
    }


def _end(outlook: SampleEvaluation) -> None:
    """Exit with UNUSABLE for an unreadable feed, with FAILED if something is refused or nothing would be published."""
    if outlook.unreadable:
        raise typer.Exit(UNUSABLE)
    if outlook.counts.refused or not outlook.counts.published:
        raise typer.Exit(FAILED)


def _load_profile(text: str, *, language: Language) -> Profile:
    """Load and validate a profile. Raises CommandError with all its violations."""
    if text in profiles():
        return profiles()[text]
    words = _WORDS[language]
    read = read_profile(_document(Path(text), language), loopback=loopback_feeds(os.environ))
    if isinstance(read, Profile):
        return read
    bodies = [localized(found.to_json(), language) for found in read]
    listed = "\n".join(f"  {body['pointer'] or '/'}  {body['message']} {body['fix']}" for body in bodies)
    raise CommandError(words.no_profile.format(text=text, listed=listed), step=words.correct, language=language)


def _document(path: Path, language: Language) -> object:
    words = _WORDS[language]
    try:
        with path.open("rb") as file:
            return json.loads(file.read(_MAX_BYTES))
    except OSError as error:
        raise unreadable(path, error, language, step=words.give.format(known=", ".join(profiles()))) from error
    except json.JSONDecodeError as error:
        message = words.broken.format(path=path, line=error.lineno, column=error.colno)
        raise CommandError(message, step=words.write, language=language) from error
    except (ValueError, RecursionError) as error:
        raise CommandError(words.no_json.format(path=path), step=words.write, language=language) from error
