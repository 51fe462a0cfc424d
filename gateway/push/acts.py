"""The acts of a platform on its subscriptions, for API, commands and pages; the journal has no query of a url."""

import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from yarl import URL

from gateway.operate.desk import Desk, RefusedActError
from gateway.protocol.journal import ActName
from gateway.protocol.partner import Partner
from gateway.protocol.push import PushProgress
from gateway.protocol.push_record import SubscriptionTopic
from gateway.protocol.record import utc
from gateway.protocol.subscription import (
    ACTS_AN_HOUR,
    HOUR_MS,
    MAX_SUBSCRIPTIONS,
    TESTS_AN_HOUR,
    PlatformSubscriptions,
    SigningKey,
    Subscription,
    rotated,
    within_an_hour,
)
from gateway.push.book import SubscriptionBook, settings_of
from gateway.push.signature import consent_code, signing_secret
from gateway.push.wish import NO_READER, TAKEN, SubscriptionWish, WishFinding
from schemas.bilingual import Bilingual

SubscriptionAction: TypeAlias = str
ACTIONS: Mapping[SubscriptionAction, ActName] = {
    "test": "push.test",
    "confirm": "push.confirm",
    "replay": "push.replay",
    "enable": "push.enable",
    "rotate": "push.rotate",
    "skip": "push.skip",
}
"""Actions on a subscription, and the acts of the journal that they are."""
_NONCE_BYTES = 16


async def put_subscription(
    desk: Desk, book: SubscriptionBook, partner: Partner, name: str, wish: SubscriptionWish, *, new: bool = False
) -> tuple[Subscription, Subscription | None]:
    """Set a subscription; as it is now, and as it was before (None: it is new). Another url asks for consent again;
    what changes nothing is no act. ``new``: one of this name is not replaced. Raises RefusedActError, LogError.
    """
    reads = "offers:read" in partner.scopes
    _refuse([*(() if reads else [WishFinding("platform", NO_READER)]), *wish.findings(name, loopback=book.loopback)])
    fresh = Subscription(
        id=os.urandom(_NONCE_BYTES).hex(),
        name=name,
        url=wish.url,
        keys=(SigningKey(nonce=os.urandom(_NONCE_BYTES).hex()),),
        consent=os.urandom(_NONCE_BYTES).hex(),
    )
    before: list[Subscription | None] = []

    def change(own: PlatformSubscriptions) -> PlatformSubscriptions:
        present = own.get(name)
        before[:] = [None if present is not None and present.id == fresh.id else present]
        if new and before[0] is not None:
            _refuse([WishFinding("name", TAKEN)])
        if present is None and len(own.items) >= MAX_SUBSCRIPTIONS:
            raise RefusedActError(
                "subscription-limit",
                f"{partner.platform} has {MAX_SUBSCRIPTIONS} subscriptions.",
                actual=str(MAX_SUBSCRIPTIONS),
            )
        one = present or fresh
        if one.url != wish.url:
            one = replace(one, url=wish.url, consent=fresh.consent, confirmed=False)
        return own.put(
            replace(
                one,
                criteria=wish.criteria,
                own_territory=wish.own_territory,
                max_batch=wish.max_batch,
                rate=wish.rate,
            )
        )

    after = await _acted(desk, book, partner, "push.set", name, change, url=url_without_query(wish.url))
    return _found(after, name), before[0]


async def delete_subscription(desk: Desk, book: SubscriptionBook, partner: Partner, name: str) -> None:
    """Delete a subscription: nothing more is pushed. Raises RefusedActError, LogError."""

    def change(own: PlatformSubscriptions) -> PlatformSubscriptions:
        return own.drop(name)

    await book.catch_up()
    _found(settings_of(book.state, partner), name)
    await _acted(desk, book, partner, "push.delete", name, change)


async def act_on_subscription(
    desk: Desk,
    book: SubscriptionBook,
    partner: Partner,
    name: str,
    action: SubscriptionAction,
    *,
    secret: bytes,
    named: str = "",
) -> Subscription:
    """Order a test, a replay or an end of the waiting, confirm the url, renew the key, or skip the refused change; the
    subscription then. ``named``: the code that confirms, or the offer whose change is skipped; empty: whichever is
    refused now. Raises RefusedActError, LogError.
    """
    nonce = os.urandom(_NONCE_BYTES).hex()

    def edit(one: Subscription) -> Subscription:
        match action:
            case "confirm":
                return _confirmed(one, consent_code(secret, partner.platform, one), named)
            case "rotate":
                return _rotated(one, nonce, now=desk.clock())
            case "skip":
                return _skipping(one, progress_of(book.state, partner.platform, one), named)
            case _:
                return _ordered(one, action)

    def change(own: PlatformSubscriptions) -> PlatformSubscriptions:
        now = desk.clock()
        own = own.put(edit(_found(own, name)))
        if action != "test":
            return own
        tested = within_an_hour(own.tested, now)
        if len(tested) >= TESTS_AN_HOUR:
            raise _too_often(tested, now)
        return replace(own, tested=(*tested, now))

    return _found(await _acted(desk, book, partner, ACTIONS[action], name, change), name)


def _ordered(one: Subscription, action: SubscriptionAction) -> Subscription:
    match action:
        case "test":
            return replace(one, tests=one.tests + 1)
        case "replay":
            return replace(one, replays=one.replays + 1)
        case _:
            return replace(one, enables=one.enables + 1)


def _confirmed(one: Subscription, expected: str, code: str) -> Subscription:
    if not hmac.compare_digest(expected.encode(), code.strip().upper().encode(errors="replace")):
        raise RefusedActError("subscription-code", "The code is not the one that the last test sent.", actual=one.name)
    return (
        one if one.confirmed else replace(one, confirmed=True, enables=one.enables + 1)
    )  # failures were of another url


def _rotated(one: Subscription, nonce: str, *, now: int) -> Subscription:
    if any(key.nonce == nonce for key in one.keys):
        return one  # an attempt of unknown outcome
    try:
        return rotated(one, nonce, now=now)
    except ValueError as error:
        until = utc(int(str(error)))
        raise RefusedActError("subscription-rotating", f"Two keys sign until {until}.", actual=until) from error


def _skipping(one: Subscription, progress: PushProgress | None, offer: str) -> Subscription:
    """With the refused change passed over, and the waiting ended."""
    if progress is None or progress.blocked is None or offer not in ("", progress.blocked[0]):
        raise RefusedActError("subscription-unblocked", "No change is refused.", actual=one.name)
    return replace(one, enables=one.enables + 1, skip=progress.blocked)


async def _acted(
    desk: Desk,
    book: SubscriptionBook,
    partner: Partner,
    act: ActName,
    name: str,
    change: Callable[[PlatformSubscriptions], PlatformSubscriptions],
    **details: Any,
) -> PlatformSubscriptions:
    """Act, with an entry in the journal, unless the act changes nothing. Acts of a platform are bounded by the hour, as
    the journal keeps them for years.
    """
    await book.catch_up()
    before, at = settings_of(book.state, partner), desk.clock()

    def edit(own: PlatformSubscriptions) -> PlatformSubscriptions:
        after = change(own)
        if after == own:
            return own
        acted = within_an_hour(own.acted, at)
        if len(acted) >= ACTS_AN_HOUR:
            raise _too_often(acted, at)
        return replace(after, acted=(*acted, at))

    if edit(before) == before:
        return before
    async with desk.acting(act, partner.platform, subscription=name, **details):
        return await book.change(partner.platform, partner.joined_at, edit)


def _too_often(times: tuple[int, ...], now: int) -> RefusedActError:
    seconds = max(1, (times[0] + HOUR_MS - now) // 1_000)
    return RefusedActError("subscription-too-often", f"Again in {seconds} seconds.", actual=str(seconds))


def _found(own: PlatformSubscriptions, name: str) -> Subscription:
    found = own.get(name)
    if found is None:
        raise RefusedActError("unknown", f"{own.platform} has no subscription {name}.")
    return found


def _refuse(findings: Sequence[WishFinding]) -> None:
    if findings:
        named = [one.named for one in findings]
        actual = Bilingual("; ".join(named), " ; ".join(one.fr for one in named))
        raise RefusedActError("subscription-invalid", *findings, actual=actual)


def newest_secret(secret: bytes, platform: str, one: Subscription) -> str:
    """The secret of the newest key, for the answer that made it alone."""
    return signing_secret(secret, platform, one, one.keys[0])


def url_without_query(url: str) -> str:
    """A url without its query, for everybody but its owner."""
    return str(URL(url, encoded=True).with_query(None))


def progress_of(topic: SubscriptionTopic, platform: str, one: Subscription) -> PushProgress | None:
    """The progress of a subscription; not that of a deleted one of its name."""
    found = topic.progress.get((platform, one.name))
    return found if found is not None and found.subscription == one.id else None


def state_of(book: SubscriptionBook, platform: str, one: Subscription) -> str:
    """The state of a subscription: ``unconfirmed``, ``active``, ``failing`` or ``disabled``."""
    progress = progress_of(book.state, platform, one)
    if not one.confirmed:
        return "unconfirmed"
    if progress is None or progress.enables != one.enables:
        return "active"
    return "disabled" if progress.stopped else "failing" if progress.failures > 0 else "active"


def subscription_document(book: SubscriptionBook, platform: str, one: Subscription, *, owner: bool) -> dict[str, Any]:
    """A subscription as its owner reads it; anybody else sees the url without its query."""
    progress = progress_of(book.state, platform, one)
    stopped = None if progress is None or progress.enables != one.enables else progress.stopped
    failing = progress is not None and progress.failures > 0 and progress.enables == one.enables
    document: dict[str, Any] = {
        "name": one.name,
        "url": one.url if owner else url_without_query(one.url),
        "filter": {**one.criteria, **({} if one.own_territory or _has_territory(one) else {"territory": "all"})},
        "max_batch": one.max_batch,
        "rate": one.rate,
        "state": state_of(book, platform, one),
        "keys": [{} if key.ends_at is None else {"ends_at": utc(key.ends_at)} for key in one.keys],
    }
    if stopped is not None:
        document["reason"] = stopped
    if progress is not None:
        document |= {"generation": progress.generation, "complete": progress.complete, "fresh": utc(progress.fresh)}
        if failing:
            document |= {"failures": progress.failures, "next_at": utc(progress.next_at)}
        if progress.failing_since is not None and failing:
            document["failing_since"] = utc(progress.failing_since)
        if progress.blocked is not None and progress.blocked != one.skip:
            document["blocked"] = {"offer": progress.blocked[0], "sequence": progress.blocked[1]}
    return document


def _has_territory(one: Subscription) -> bool:
    return bool({"region", "department"} & one.criteria.keys())
