"""``passerelle refusals``: refusals counted by rule, platform and day, and the newest with their reasons."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any

import typer
from rich.text import Text

from gateway.cli.beside import gateway_here
from gateway.cli.console import OUT, AsJson, CommandError, asynchronous, print_json, print_rows
from gateway.federation import Federation
from gateway.federation.refused import Refused, most_first, refusal_counts, refused_offers
from gateway.pages.partner.refused import BrokenRule, RefusedOffer
from gateway.pages.partner.refused import refusals as in_words
from gateway.pages.refusals.model import feed_refusals
from gateway.protocol.paris_time import paris_date
from gateway.protocol.record import utc
from gateway.store.refused_documents import RefusedFilter

_MINUTES = len("2027-06-14T08:00")


@asynchronous
async def refusals(
    platform: Annotated[str, typer.Option(metavar="SLUG", help="Only those of this platform.")] = "",
    rule: Annotated[str, typer.Option(metavar="CODE", help="Only those that break this rule.")] = "",
    *,
    days: Annotated[int, typer.Option(min=1, max=396, help="Of so many days, today included.")] = 7,
    as_json: AsJson = False,
) -> None:
    """Show what was refused to whom, and why; run it where the gateway runs, with its settings.

    Counts are written once a minute. The newest refusals have their reasons; of documents refused on reception, few are
    named.
    """
    async with gateway_here() as federation:
        if not federation.caught_up:
            raise CommandError("The gateway is filling its views.", step="run the command again when it is ready")
        today = date.fromisoformat(paris_date(federation.clock()))
        first, platforms = today - timedelta(days=days - 1), (platform,) if platform else None
        wanted = RefusedFilter(first=first, last=today, platforms=platforms, rule=rule)
        document = await refusals_document(federation, wanted)
    if as_json:
        print_json(document)
    else:
        _print(document)


async def refusals_document(federation: Federation, wanted: RefusedFilter) -> dict[str, Any]:
    """The refusals as JSON: the numbers and the words of the page, without markup."""
    days, total = await refusal_counts(federation, wanted, "day"), await refusal_counts(federation, wanted, None)
    return {
        "first": wanted.first.isoformat(),
        "last": wanted.last.isoformat(),
        "total": asdict(total.get("", Refused())),
        "rules": _numbers(most_first(await refusal_counts(federation, wanted, "rule"))),
        "platforms": _numbers(most_first(await refusal_counts(federation, wanted, "platform"))),
        "days": _numbers(sorted(days.items(), reverse=True)),
        "newest": [_refusal(one) for one in in_words(await refused_offers(federation, wanted), "en")],
        "feeds": [
            {
                "platform": feed.platform,
                "at": utc(feed.at),
                "refused": [{**_reason(one.reason), "number": one.number, "first": one.first} for one in feed.groups],
            }
            for feed in feed_refusals(await federation.runs.last(), wanted, "en")
        ],
    }


def _numbers(found: Iterable[tuple[str, Refused]]) -> dict[str, dict[str, Any]]:
    return {name: asdict(refused) for name, refused in found}


def _refusal(one: RefusedOffer) -> dict[str, Any]:
    where = {"id": one.offer, "number": one.number, "receipt": one.receipt}
    return {
        "platform": one.platform,
        "at": utc(one.at),
        **{name: value for name, value in where.items() if value is not None},
        "reasons": [_reason(reason) for reason in one.reasons],
    }


def _reason(reason: BrokenRule) -> dict[str, Any]:
    rule = reason.rule
    return {
        "rule": rule.code,
        "pointer": reason.pointer,
        "message": (rule.sentence or rule.name).striptags(),
        "fix": None if rule.remedy is None else rule.remedy.striptags(),
    }


def _print(document: Mapping[str, Any]) -> None:
    total = f"{_offers(document['total'])} offers in {document['total']['sends']:,} transmissions"
    OUT.print(f"Refused from {document['first']} to {document['last']}: {total}")
    for head in ("rules", "platforms", "days"):
        if document[head]:
            rows = [[Text(name), Text(_offers(one)), Text(f"{one['sends']:,}")] for name, one in document[head].items()]
            OUT.print()
            print_rows(OUT, (head.removesuffix("s").title(), "Refused", "Transmissions"), rows, left=1)
    for feed in document["feeds"]:
        OUT.print(Text(f"\nIn the last run of the feed of {feed['platform']}, {_minute(feed)}:"))
        for one in feed["refused"]:
            OUT.print(Text(f"  {one['number']:,} × {_words(one)} The first: {one['first']}"))
    if document["newest"]:
        OUT.print("\nThe newest:")
        for one in document["newest"]:
            for line in _lines(one):
                OUT.print(Text(line))


def _offers(refused: Mapping[str, Any]) -> str:
    return f"{'more than ' if refused['more'] else ''}{refused['offers']:,}"


def _lines(one: Mapping[str, Any]) -> Iterator[str]:
    name = one.get("id") or (f"item {one['number']} of an upload" if "number" in one else one.get("receipt", ""))
    yield f"{_minute(one)}  {one['platform']}  {name}"
    reasons: Sequence[Mapping[str, Any]] = one["reasons"]
    for reason in reasons:
        yield f"  {reason['pointer'] + ': ' if reason['pointer'] else ''}{_words(reason)}"


def _words(reason: Mapping[str, Any]) -> str:
    return f"{reason['message']} ({reason['rule']}). {reason['fix'] or ''}".strip()


def _minute(one: Mapping[str, Any]) -> str:
    return str(one["at"])[:_MINUTES].replace("T", " ") + "Z"
