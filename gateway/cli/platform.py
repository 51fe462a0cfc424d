"""``passerelle platform``: how platforms take part, by profiles: checked, added, listed, and run at once."""

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from adapters.profile.joining import Joined, join
from adapters.profile.packaged import profiles
from adapters.profile.profile import Profile
from adapters.pull.ordering import OrderReplacedError, last_runs, order_run
from adapters.pull.pulls import has_feed
from gateway.cli.console import FAILED, OUT, UNUSABLE, CommandError
from gateway.cli.operating import log_here
from gateway.cli.profile import load_profile
from gateway.cli.sample import Outlook, look_at
from gateway.cli.told import print_json, table_of_problems, told_counts, told_run
from gateway.clock import now
from gateway.loop import run
from gateway.partners import Partners
from gateway.partners.credential import MintedSecret, mint_secret
from gateway.protocol.decide import paris_date
from gateway.protocol.partner import Partner
from gateway.protocol.record import utc
from gateway.protocol.run import SUCCESSES, Order, Run
from schemas import localized
from schemas.rulebook import Language

app = typer.Typer(help="How platforms take part: check, add, list, and run a feed now.", no_args_is_help=True)

ProfileName = Annotated[
    str, typer.Argument(metavar="PROFILE", help="A profile's file, or the slug of one that comes with the gateway.")
]
Slug = Annotated[str, typer.Argument(metavar="PLATFORM", help="The platform's slug, such as bretagne.")]
Lang = Annotated[Language, typer.Option(help="Language of the explanations.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@app.command()
def check(
    profile: ProfileName,
    sample: Annotated[Path, typer.Argument(help="A feed as the platform exports it; gzipped or not.")],
    *,
    lang: Lang = "fr",
    on: Annotated[str, typer.Option(metavar="DATE", help="Judge as on this day (ISO date); by default today.")] = "",
    as_json: AsJson = False,
) -> None:
    """Say what a feed would come to, offline: published, warned, refused, and the first problems.

    Ends with 0 when nothing is refused, 1 when something is, 2 when the feed as a whole cannot be used.
    """
    loaded = load_profile(profile, language=lang)
    if loaded.mapping is None:
        raise CommandError(
            f"{loaded.platform} publishes by the native protocol: there is no feed to read.",
            step="passerelle validate FILE judges its offers; docs/connect.md shows profiles with a feed",
        )
    outlook = look_at(sample, loaded.mapping, platform=loaded.platform, revision=now(), on=_day(on))
    _tell_outlook(outlook, lang, as_json=as_json)
    if outlook.unusable:
        raise typer.Exit(UNUSABLE)
    if outlook.counts.refused:
        raise typer.Exit(FAILED)


@app.command()
def add(profile: ProfileName, *, as_json: AsJson = False) -> None:
    """Let a platform take part as its profile says, or change the profile of one that does.

    A new platform gets a secret, shown this once. One that takes part keeps its credentials, and what it has with the
    national site.
    """
    loaded = load_profile(profile)
    joined, minted = run(_add(loaded))
    if as_json:
        shown: dict[str, Any] = {"platform": joined.partner.platform, "created": joined.created}
        shown |= {} if minted is None else {"client_id": joined.partner.platform, "client_secret": minted.text}
        print_json(shown)
        return
    _tell_joined(joined, loaded, minted)


@app.command(name="list")
def list_all(*, lang: Lang = "fr", as_json: AsJson = False) -> None:
    """Every platform with its way in and its last run; and the Regions whose profile waits to be added."""
    partners, runs = run(_standing())
    rows = [_row(partner, runs.get(partner.platform)) for partner in partners if not partner.revoked]
    missing = sorted(set(profiles()) - {row["platform"] for row in rows})
    if as_json:
        print_json({"platforms": rows, "waiting": missing})
        return
    table = Table("Platform", "Way in", "Format", "Last run", "Outcome", box=None, pad_edge=False)
    for row in rows:
        ran = runs.get(row["platform"])
        told = "" if ran is None else f"{ran.outcome}: {told_counts(ran.counts, lang)}"
        table.add_row(row["platform"], row["transport"], row["format"] or "", row["ended_at"] or "", told)
    if rows:
        OUT.print(table)
    if missing:
        OUT.print(f"Not added yet: {', '.join(missing)}. Next: passerelle platform add PLATFORM", soft_wrap=True)


@app.command(name="run")
def run_now(
    platform: Slug,
    *,
    confirm: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Let it withdraw N offers, though the guard stops that many.")
    ] = None,
    wait: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="How long to wait for it.")] = 120.0,
    lang: Lang = "fr",
    as_json: AsJson = False,
) -> None:
    """Have a running gateway pull a platform's feed now, and say what became of it.

    Ends with 0 when all was published, 1 when something was refused or the run came to nothing, 2 when nobody ran it.
    """
    ran = run(_run(platform, confirm, wait))
    if as_json:
        print_json(told_run(ran))
    else:
        _tell_run(ran, lang)
    if ran.outcome not in SUCCESSES or ran.counts.refused:
        raise typer.Exit(FAILED)


async def _add(profile: Profile) -> tuple[Joined, MintedSecret | None]:
    async with log_here() as log:
        partners = Partners(log)
        try:
            await partners.catch_up()
            joined = join(profile, partners.all())
            if not isinstance(joined, Joined):
                raise CommandError(" ".join(joined), step="mend the profile, then run the same command again")
            minted = mint_secret(now=now(), entropy=os.urandom) if joined.needs_secret else None
            await partners.save(joined.partner if minted is None else joined.with_secret(minted.kept))
        finally:
            await partners.close()
    return joined, minted


async def _standing() -> tuple[Sequence[Partner], dict[str, Run]]:
    async with log_here() as log:
        partners = Partners(log)
        try:
            await partners.catch_up()
            return partners.all(), dict(await last_runs(log))
        finally:
            await partners.close()


async def _run(platform: str, confirm: int | None, wait: float) -> Run:
    async with log_here(must_exist=True) as log:
        partners = Partners(log)
        try:
            await partners.catch_up()
            partner = partners.get(platform)
        finally:
            await partners.close()
        if partner is None or partner.revoked or not has_feed(partner):
            raise CommandError(f"{platform} has no feed to pull.", step="passerelle platform list shows who has one")
        order = Order(platform=platform, id=os.urandom(8).hex(), ordered_at=now(), confirm=confirm)
        try:
            ran = await order_run(log, order, seconds=wait)
        except OrderReplacedError as error:
            raise CommandError(
                f"Somebody else ordered {platform} to run at the same time, and that order took the place of this one.",
                step="passerelle platform list shows what became of it; if you still need a run, order it again",
            ) from error
    if ran is None:
        raise CommandError(
            f"No gateway ran {platform} within {wait:.0f} s.",
            step="see that passerelle serve is up on this log; a large feed may need a longer --wait",
        )
    return ran


def _row(partner: Partner, ran: Run | None) -> dict[str, Any]:
    profile = partner.profile or {}
    transport = profile.get("transport")
    return {
        "platform": partner.platform,
        "transport": transport.get("kind") if isinstance(transport, dict) else "native",
        "format": profile.get("format"),
        "ended_at": None if ran is None else utc(ran.ended_at),
        "run": None if ran is None else told_run(ran),
    }


def _tell_outlook(outlook: Outlook, language: Language, *, as_json: bool) -> None:
    unusable = [one.to_json() for one in outlook.unusable]
    if as_json:
        print_json(
            {
                "usable": not unusable,
                "counts": told_run(outlook.counts),
                "problems": [localized(one, language) for one in (*unusable, *outlook.problems)],
            }
        )
        return
    problems = [{"position": "", "id": None, **one} for one in unusable] + list(outlook.problems)
    if problems:
        OUT.print(table_of_problems(problems, language))
    OUT.print(told_counts(outlook.counts, language), soft_wrap=True)
    if unusable:
        said = {"fr": "Ce flux ne changerait rien.", "en": "This feed would change nothing."}
        OUT.print(f"[red]{said[language]}[/]")


def _tell_joined(joined: Joined, profile: Profile, minted: MintedSecret | None) -> None:
    partner = joined.partner
    done = "takes part" if joined.created else "has changed its profile"
    way = profile.transport["kind"] if profile.format is None else f"{profile.transport['kind']}, {profile.format}"
    OUT.print(f"[green]✓[/] {partner.platform} {done}: {way}; {', '.join(sorted(partner.scopes))}.", soft_wrap=True)
    for one in profile.document.get("knowledge", ()):
        if one["status"] == "assumed":
            OUT.print(f"  assumed ({one['about']}): {one['text']}", soft_wrap=True, markup=False)
    if minted is not None:
        OUT.print("[yellow]Shown only now: keep it safe, and hand it over by a safe way.[/]", soft_wrap=True)
        OUT.print(f"  client_id      {partner.platform}\n  client_secret  {minted.text}", soft_wrap=True)
    if profile.pulled:
        OUT.print(f"Next: passerelle platform run {partner.platform}", soft_wrap=True)


def _tell_run(ran: Run, language: Language) -> None:
    if ran.problems:
        OUT.print(table_of_problems(ran.problems, language))
    failure = ran.last_error
    if ran.outcome not in SUCCESSES and failure is not None:
        OUT.print(failure.fr if language == "fr" else failure.en, soft_wrap=True, markup=False)
    OUT.print(f"{ran.platform}: {ran.outcome}. {told_counts(ran.counts, language)}", soft_wrap=True)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text or paris_date(now()))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date such as 2027-06-14", param_hint="--on") from error
