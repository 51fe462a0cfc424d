"""How ``passerelle platform`` tells what it found: a sample's outlook, platforms and their runs, who has joined."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from adapters.profile.joining import Joined
from adapters.profile.profile import Profile
from gateway.cli.console import OUT, CommandError
from gateway.cli.problem_groups import table_of_groups
from gateway.cli.published import render_offer
from gateway.cli.rows import print_rows
from gateway.cli.sample import Outlook
from gateway.cli.told import told_counts, told_sample
from gateway.partners.credential import MintedSecret
from gateway.protocol.partner import Partner
from gateway.protocol.run import SUCCESSES, Outcome, Run
from schemas.rulebook import Language
from schemas.texts import load_words

_LISTED = ("platform", "transport", "format", "ended_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """What is said of platforms, in one language; an error and its next step stand side by side."""

    columns: tuple[str, ...]
    outcomes: Mapping[Outcome, str]
    label: str
    reason: str
    mended: str
    ended: str
    waiting: str
    published: str
    unusable: str
    nothing: str
    native: tuple[str, str]
    no_feed: tuple[str, str]
    replaced: tuple[str, str]
    nobody: tuple[str, str]


_WORDS = load_words(_Words, "gateway", "platform")


def without_feed(platform: str, language: Language) -> CommandError:
    """The error of a sample for a platform that publishes by itself."""
    return _error(_WORDS[language].native, language, platform=platform)


def not_runnable(platform: str, language: Language) -> CommandError:
    """The error of a run of what has no feed."""
    return _error(_WORDS[language].no_feed, language, platform=platform)


def order_replaced(platform: str, language: Language) -> CommandError:
    """The error of an order that another one took the place of."""
    return _error(_WORDS[language].replaced, language, platform=platform)


def not_run(platform: str, seconds: float, language: Language) -> CommandError:
    """The error of an order that nobody answered in time."""
    return _error(_WORDS[language].nobody, language, platform=platform, seconds=seconds)


def _error(words: tuple[str, str], language: Language, **values: Any) -> CommandError:
    said, step = words
    return CommandError(said.format(**values), step=step, language=language)


def tell_outlook(outlook: Outlook, language: Language) -> None:
    """The problems in groups, offers as they would be published, the counts, and whether anything would change."""
    words = _WORDS[language]
    if outlook.problems:
        OUT.print(table_of_groups(outlook.problems, language))
    if outlook.offers:
        OUT.print(Text(words.published.format(len(outlook.offers))), soft_wrap=True)
        for offer in outlook.offers:
            OUT.print(render_offer(offer, language), soft_wrap=True)
        OUT.print()
    OUT.print(told_sample(outlook.counts, outlook.severities, language), soft_wrap=True, markup=False)
    if outlook.unusable:
        OUT.print(f"[red]{words.unusable}[/]")
    elif not outlook.counts.published:
        OUT.print(f"[red]{words.nothing}[/]")


def tell_platforms(
    rows: Sequence[Mapping[str, Any]],
    runs: Mapping[str, Run],
    missing: Sequence[str],
    language: Language,
    console: Console = OUT,
) -> None:
    """A line for each platform, then what its last run came to, then the platforms whose profile waits."""
    words = _WORDS[language]
    cells = []
    for row in rows:
        ran = runs.get(row["platform"])
        told = "" if ran is None else words.outcomes[ran.outcome]
        cells.append([Text(cell or "") for cell in (*(row[name] for name in _LISTED), told)])
    print_rows(console, words.columns, cells, left=len(words.columns), label=words.label)
    for row in rows:
        if (ran := runs.get(row["platform"])) is not None:
            _tell_listed(ran, words, language, console)
    if missing:
        console.print(words.waiting.format(", ".join(missing)), soft_wrap=True)


def _tell_listed(ran: Run, words: _Words, language: Language, console: Console) -> None:
    """The counts of a run that succeeded; why another one did not, and what to do next."""
    failure = ran.last_error
    if ran.outcome in SUCCESSES or failure is None:
        console.print(_told_run(words.ended, ran, language), soft_wrap=True, markup=False)
        return
    reason = failure.fr if language == "fr" else failure.en
    console.print(Text(words.reason.format(platform=ran.platform, reason=reason), style="red"), soft_wrap=True)
    console.print(words.mended.format(platform=ran.platform), soft_wrap=True, markup=False)


def tell_run(ran: Run, language: Language) -> None:
    """The problems of a run in groups, why it failed, its outcome and counts."""
    if ran.problems:
        OUT.print(table_of_groups(ran.problems, language))
    failure = ran.last_error
    if ran.outcome not in SUCCESSES and failure is not None:
        OUT.print(failure.fr if language == "fr" else failure.en, soft_wrap=True, markup=False)
    OUT.print(_told_run(_WORDS[language].ended, ran, language), soft_wrap=True)


def _told_run(template: str, ran: Run, language: Language) -> str:
    outcome = _WORDS[language].outcomes[ran.outcome]
    return template.format(platform=ran.platform, outcome=outcome, counts=told_counts(ran.counts, language))


def tell_joined(joined: Joined, profile: Profile, minted: MintedSecret | None) -> None:
    """Who takes part now and how, what is assumed of it, and its secret; in English, as to an operator."""
    partner = joined.partner
    done = "takes part" if joined.created else "has changed its profile"
    way = profile.transport["kind"] if profile.format is None else f"{profile.transport['kind']}, {profile.format}"
    OUT.print(f"[green]✓[/] {partner.platform} {done}: {way}; {', '.join(sorted(partner.scopes))}.", soft_wrap=True)
    for member in joined.kept:
        OUT.print(f"[yellow]![/] {_told_kept(member, partner, profile)}", soft_wrap=True)
    for one in profile.document.get("knowledge", ()):
        if one["status"] == "assumed":
            OUT.print(f"  assumed ({one['about']}): {one['text']}", soft_wrap=True, markup=False)
    if minted is not None:
        OUT.print("[yellow]Shown only now: keep it safe, and hand it over by a safe way.[/]", soft_wrap=True)
        OUT.print(f"  client_id      {partner.platform}\n  client_secret  {minted.text}", soft_wrap=True)
    if profile.pulled:
        OUT.print(f"Next: passerelle platform run {partner.platform}", soft_wrap=True)


def _told_kept(member: str, partner: Partner, profile: Profile) -> str:
    """What stays although the profile says otherwise, and how to change it."""
    if member == "national_delivery":
        wanted = profile.national_delivery
        return (
            f"national_delivery stays {partner.national_delivery}, the profile's {wanted} is not taken. Next: "
            f"passerelle partner set {partner.platform} --national-delivery {wanted}"
        )
    stays, regional = _departments(partner.territory), _departments(profile.territory)
    return (
        f"The territory stays {stays}, that of the profile's region ({regional}) is not taken. Next: name the "
        "departments as territory in the profile, or passerelle partner set"
    )


def _departments(territory: frozenset[str]) -> str:
    return " ".join(sorted(territory)) or "all departments"
