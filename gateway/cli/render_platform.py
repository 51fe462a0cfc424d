"""Render the output of ``passerelle platform``: evaluations of samples, platforms, runs, added platforms, errors."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

from rich.console import Console
from rich.text import Text

from adapters.profile.joining import Joined
from adapters.profile.profile import Profile
from adapters.pull.sample import SampleEvaluation
from gateway.cli.console import OUT, CommandError, print_rows
from gateway.cli.problems import table_of_groups
from gateway.cli.render_partner import print_secret
from gateway.cli.sample import render_offer
from gateway.partners.credential import MintedSecret
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import SUCCESSES, SourceRun
from schemas.rulebook import Language
from schemas.texts import load_words

_LISTED = ("platform", "transport", "format", "ended_at")

_WORDS = load_words(SimpleNamespace, "gateway", "platform")


def platform_error(name: str, language: Language, **values: Any) -> CommandError:
    """The error with this name among the texts: ``native``, ``no_feed``, ``paused``, ``replaced`` or ``not_run``."""
    message, step = getattr(_WORDS[language], name)
    return CommandError(message.format(**values), step=step, language=language)


def print_outlook(outlook: SampleEvaluation, language: Language) -> None:
    """Print the problems in groups, offers as published, the counts, and whether anything would be published."""
    words = _WORDS[language]
    if outlook.problems:
        OUT.print(table_of_groups(outlook.problems, language), soft_wrap=False)
    if outlook.offers:
        OUT.print(Text(words.published.format(len(outlook.offers))))
        for offer in outlook.offers:
            OUT.print(render_offer(offer, language))
        OUT.print()
    severities = {"errors": outlook.severities["error"], "warnings": outlook.severities["warning"]}
    message = words.sample_counts.format_map(asdict(outlook.counts) | severities)
    OUT.print(message, markup=False)
    if outlook.unusable:
        OUT.print(f"[red]{words.unusable}[/]")
    elif not outlook.counts.published:
        OUT.print(f"[red]{words.nothing}[/]")


def print_platforms(
    rows: Sequence[Mapping[str, Any]],
    runs: Mapping[str, SourceRun],
    missing: Sequence[str],
    language: Language,
    console: Console = OUT,
) -> None:
    """Print a line per platform, then the results of last runs, then platforms whose profile is not added yet."""
    words = _WORDS[language]
    cells = []
    for row in rows:
        ran = runs.get(row["platform"])
        outcome = words.is_paused if row["paused_since"] else "" if ran is None else words.outcomes[ran.outcome]
        cells.append([Text(cell or "") for cell in (*(row[name] for name in _LISTED), outcome)])
    print_rows(console, words.columns, cells, left=len(words.columns), label=words.label)
    for row in rows:
        if (ran := runs.get(row["platform"])) is not None:
            _print_result(ran, words, language, console)
    if missing:
        console.print(words.waiting.format(", ".join(missing)))


def _print_result(ran: SourceRun, words: SimpleNamespace, language: Language, console: Console) -> None:
    """Print the counts of a successful run, or the reason and remedy of a failed one."""
    failure = ran.last_error
    if ran.outcome in SUCCESSES or failure is None:
        console.print(_render_run(words.ended, ran, language), markup=False)
        return
    reason = failure.fr if language == "fr" else failure.en
    console.print(Text(words.reason.format(platform=ran.platform, reason=reason), style="red"))
    console.print(words.corrected.format(platform=ran.platform), markup=False)


def print_run(ran: SourceRun, language: Language) -> None:
    """Print the problems of a run in groups, the reason of a failure, its outcome and counts."""
    if ran.problems:
        OUT.print(table_of_groups(ran.problems, language), soft_wrap=False)
    failure = ran.last_error
    if ran.outcome not in SUCCESSES and failure is not None:
        OUT.print(failure.fr if language == "fr" else failure.en, markup=False)
    OUT.print(_render_run(_WORDS[language].ended, ran, language))


def _render_run(template: str, ran: SourceRun, language: Language) -> str:
    words = _WORDS[language]
    counts = words.counts.format_map(asdict(ran.counts))
    return template.format(platform=ran.platform, outcome=words.outcomes[ran.outcome], counts=counts)


def print_joined(joined: Joined, profile: Profile, minted: MintedSecret | None) -> None:
    """Print a platform that was added or changed: transport, scopes, kept members, assumptions, secret. In English."""
    partner = joined.partner
    done = "takes part" if joined.created else "has changed its profile"
    source = profile.transport["kind"] if profile.format is None else f"{profile.transport['kind']}, {profile.format}"
    OUT.print(f"[green]✓[/] {partner.platform} {done}: {source}; {', '.join(sorted(partner.scopes))}.")
    for member in joined.kept:
        OUT.print(f"[yellow]![/] {_render_kept(member, partner, profile)}")
    for one in profile.document.get("knowledge", ()):
        if one["status"] == "assumed":
            OUT.print(f"  assumed ({one['about']}): {one['text']}", markup=False)
    print_secret(partner, minted)
    if profile.pulled:
        OUT.print(f"Next: passerelle platform run {partner.platform}")


def _render_kept(member: str, partner: Partner, profile: Profile) -> str:
    """A member that keeps its value although the profile differs, and the remedy."""
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
