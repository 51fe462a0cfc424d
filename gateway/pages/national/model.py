"""View models of the national site: accounts by their owners' notes, platforms by state, answers in rows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from gateway.operate.desk import RefusedActError
from gateway.operate.national import account_for
from gateway.protocol.delivery import CALLS, QUEUE
from gateway.protocol.record import read_utc
from gateway.store.deliveries import DeliverySummary
from schemas.communes import plain_name

Kind: TypeAlias = Literal["fine", "look", "blocked"]
DIFFERENCES = ("missing", "extra", "differing", "doubled")
UNTAKEN = ("refused", "not-deliverable")
"""The states of offers that the site does not take: by its answer, or as the mapping knows before."""
_MAX_LISTED = 20
_WORST: Mapping[Kind, int] = {"blocked": 0, "look": 1, "fine": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One account. ``state``: ``stopped`` by a changed account, ``silent`` site, ``failing`` calls, or ``working``;
    ``minutes``: how long the calls that are due take; times in ms.
    """

    name: str
    state: str
    kind: Kind
    at: int
    queue: Mapping[str, int]
    calls: int
    minutes: int
    answered_at: int | None
    failed_at: int | None
    note: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteLine:
    """A platform with its offers by state and the account that delivers them, None without one; or an account that
    delivers for no platform. ``first``: the first line of its account.
    """

    name: str
    platform: str | None
    account: AccountView | None
    states: Mapping[str, int]
    first: bool

    @property
    def untaken(self) -> int:
        """The offers that the site does not take."""
        return sum(self.states.get(state, 0) for state in UNTAKEN)


@dataclass(frozen=True, slots=True)
class AnswerMember:
    """One member of an answer: its name, a number or a text, the first of what it lists, and the number of others."""

    name: str
    value: int | str | bool
    listed: Sequence[str] = ()
    more: int = 0


def accounts_of(notes: Mapping[str, Mapping[str, Any]], *, per_minute: int) -> Sequence[AccountView]:
    """The accounts, those that need somebody first."""
    found = [_account(name, note, per_minute) for name, note in notes.items()]
    return sorted(found, key=lambda one: (_WORST[one.kind], one.name))


def minutes_of(calls: int, *, per_minute: int) -> int:
    """The duration of calls, in whole minutes."""
    return -(-calls // per_minute)


def lines_of(
    accounts: Sequence[AccountView],
    summaries: Mapping[str, DeliverySummary],
    notes: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, str],
) -> Sequence[SiteLine]:
    """Every platform with offers for the site, and every other account: what needs somebody first, then by name."""
    by_name = {one.name: one for one in accounts}
    owners = {platform: _account_of(notes, platform) for platform in summaries}
    found: list[tuple[str, str | None, AccountView | None]] = [
        *((names.get(slug, slug), slug, by_name.get(owner or "")) for slug, owner in owners.items()),
        *((one.name, None, one) for one in accounts if one.name not in owners.values()),
    ]
    lines = [
        SiteLine(name=name, platform=slug, account=account, states=summaries[slug].states if slug else {}, first=False)
        for name, slug, account in found
    ]
    lines.sort(key=lambda one: (_WORST[one.account.kind] if one.account else 0, -one.untaken, plain_name(one.name)))
    seen: set[str] = set()
    return [replace(one, first=_is_first(one.account, seen)) for one in lines]


def _is_first(account: AccountView | None, seen: set[str]) -> bool:
    first = account is not None and account.name not in seen
    seen |= {account.name} if account is not None else set()
    return first


def found_in(answer: Mapping[str, Any]) -> Sequence[AnswerMember]:
    """The members of an answer, lists shortened."""
    return [_found(name, value) for name, value in answer.items() if name not in ("error", "said", "would_delete")]


def differs(answer: Mapping[str, Any]) -> bool:
    """Whether a comparison found anything to repair."""
    return any(answer.get(name, {}).get("count") for name in DIFFERENCES)


def extra_in(answer: Mapping[str, Any]) -> int:
    """The number of offers that an order would delete at the site."""
    return int(answer.get("would_delete", answer.get("extra", {}).get("count", 0)))


def _account(name: str, note: Mapping[str, Any], per_minute: int) -> AccountView:
    queue = {kind: int(note["queue"].get(kind, 0)) for kind in QUEUE}
    calls = sum(queue[kind] for kind in CALLS)
    answered, failed = (_instant(note.get(member)) for member in ("answered_at", "failed_at"))
    failing = "error" in note and (answered is None or (failed or 0) > answered)
    state, kind = _state(note, failing=failing)
    return AccountView(
        name=name,
        state=state,
        kind=kind,
        at=read_utc(note["at"]),
        queue=queue,
        calls=calls,
        minutes=minutes_of(calls, per_minute=per_minute),
        answered_at=answered,
        failed_at=failed,
        note=note,
    )


def _state(note: Mapping[str, Any], *, failing: bool) -> tuple[str, Kind]:
    if "identity" in note:
        return "stopped", "blocked"
    if note.get("down"):
        return "silent", "blocked"
    return ("failing", "look") if failing else ("working", "fine")


def _account_of(notes: Mapping[str, Mapping[str, Any]], platform: str) -> str | None:
    try:
        return account_for(notes, account=None, platform=platform)
    except RefusedActError:
        return None


def _found(name: str, value: Any) -> AnswerMember:
    if isinstance(value, dict):
        rest = next((one for key, one in value.items() if key != "count"), ())
        items = [f"{key}: {', '.join(one)}" for key, one in rest.items()] if isinstance(rest, dict) else list(rest)
        listed = [str(item) for item in items[:_MAX_LISTED]]
        return AnswerMember(name, int(value["count"]), listed, int(value["count"]) - len(listed))
    if isinstance(value, list):
        listed = [str(item) for item in value[:_MAX_LISTED]]
        return AnswerMember(name, len(value), listed, len(value) - len(listed))
    return AnswerMember(name, value)


def _instant(text: str | None) -> int | None:
    return None if text is None else read_utc(text)
