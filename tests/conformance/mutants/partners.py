"""Publishers and subscribers that are wrong on purpose: one fault each, otherwise correct."""

import asyncio
from dataclasses import dataclass
from typing import Any

from tests.conformance.partner_fixtures import Partner, Publisher, Subscriber


@dataclass(frozen=True, slots=True)
class WrongPartner:
    """A wrong partner: what is wrong with it, and the case, or the requirement whose cases, must catch it."""

    name: str
    fault: str
    names: str
    made: type[Partner]


PARTNERS: dict[str, WrongPartner] = {}


def wrong(names: str, fault: str) -> Any:
    def register(made: type[Partner]) -> type[Partner]:
        name = "".join(f"-{sign.lower()}" if sign.isupper() else sign for sign in made.__name__).strip("-")
        PARTNERS[name] = WrongPartner(name, fault, names, made)
        return made

    return register


@wrong("publisher/unavailable", "gives up when the answer is 503")
class GivesUp(Publisher):
    async def deliver(self, _offer_id: str, method: str, path: str, body: Any) -> None:
        status, _, _ = await self.send(method, path, body)
        while status not in {503, 200, 201, 202, 409, 422}:
            if status == 401:
                await self.renew()
            await asyncio.sleep(1 if status == 429 else 0.1)
            status, _, _ = await self.send(method, path, body)


@wrong("publisher/lost-connection", "treats silence as success")
class TreatsSilenceAsSuccess(Publisher):
    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        status, answer, retry = await super().send(method, path, body)
        return status or 200, answer, retry


@wrong("publisher/changes", "changes an offer without a new revision")
class KeepsTheRevision(Publisher):
    def next_revision(self, offer_id: str, action: str) -> int:
        return self.revisions.get(offer_id, 1) if action == "change" else super().next_revision(offer_id, action)


@wrong("watched/growing-revisions", "counts revisions down")
class CountsDown(Publisher):
    def next_revision(self, offer_id: str, _action: str) -> int:
        return self.revisions.get(offer_id, 1000) - 1


@wrong("publisher/withdraws", "forgets withdrawals")
class ForgetsWithdrawals(Publisher):
    async def withdraw(self, offer_id: str, revision: int) -> None:
        pass


@wrong("publisher/withdraws-after-a-change", "withdraws under the revision of the publication")
class WithdrawsUnderTheSameRevision(Publisher):
    def next_revision(self, offer_id: str, action: str) -> int:
        same = action == "withdraw" and self.titles.get(offer_id)
        return self.revisions[offer_id] if same else super().next_revision(offer_id, action)


@wrong("watched/waits-as-asked", "does not wait for Retry-After")
class DoesNotWait(Publisher):
    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        status, answer, _ = await super().send(method, path, body)
        return status, answer, 0.0


@wrong("publisher/expired-token", "never asks for a second token")
class KeepsItsToken(Publisher):
    async def renew(self) -> None:
        if not self.token:
            await super().renew()


@wrong("watched/own-slug", "publishes under another platform's slug")
class UsesAnotherSlug(Publisher):
    def id_of(self, key: str, _action: str) -> str:
        return f"normandie:{key}"


@wrong("publisher/publishes-again", "begins at revision 1 after a withdrawal")
class BeginsAgain(Publisher):
    def next_revision(self, offer_id: str, action: str) -> int:
        known = self.revisions.get(offer_id, 0)
        return 1 if action == "create" and known else super().next_revision(offer_id, action)


@wrong("publisher/unavailable-though-stored", "writes the time of sending into the offer")
class WritesTheTimeOfSending(Publisher):
    async def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        if isinstance(body, dict):
            self.sends = getattr(self, "sends", 0) + 1
            body = {**body, "description": f"Envoi {self.sends}"}
        return await super().send(method, path, body)


@wrong("publisher/two-offers", "gives two offers the same id")
class SharesAnId(Publisher):
    def id_of(self, key: str, action: str) -> str:
        return super().id_of(key.rpartition("-")[0], action)


@wrong("subscriber/older-after-newer", "applies whatever comes last")
class AppliesInOrderOfArrival(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        self.applied.pop(change["id"], None)
        super().apply(change)


@wrong("subscriber/upsert-after-removal", "forgets the sequence of what was removed")
class ForgetsRemovals(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        super().apply(change)
        if change["op"] == "removal":
            self.applied.pop(change["id"], None)


@wrong("subscriber/many-pages", "reads the first page only")
class ReadsOnePage(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        super().take(page)
        return False


@wrong("subscriber/cursor-of-an-empty-page", "drops the cursor of an empty page")
class DropsEmptyCursors(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        before = self.cursor
        more = super().take(page)
        if not page["changes"]:
            self.cursor = before
        return more


@wrong("subscriber/comes-back-with-its-cursor", "reads everything again each time")
class ReadsAllAgain(Subscriber):
    async def sync(self) -> None:
        self.cursor = None
        await super().sync()


@wrong("subscriber/resync", "keeps what it had after resync-required")
class KeepsOldOffers(Subscriber):
    def resync(self) -> None:
        self.cursor = None


@wrong("subscriber/nothing-is-deleted", "empties its copy when the feed fails")
class EmptiesOnFailure(Subscriber):
    async def fail(self, retry: float) -> bool:
        self.held.clear()
        return await super().fail(retry)


@wrong("subscriber/feed-page-cut", "reads no further than a page that it could not read")
class StopsForGood(Subscriber):
    def forget(self) -> None:
        super().forget()
        self.stopped = False

    async def fail(self, _retry: float) -> bool:
        self.stopped = True
        return False

    async def sync(self) -> None:
        if not self.stopped:
            await super().sync()


@wrong("subscriber/large-sequences", "stores sequences in single precision")
class RoundsSequences(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        super().apply(
            {**change, "sequence": change["sequence"] >> 24 << 24 if change["sequence"] > 2**24 else change["sequence"]}
        )


@wrong("subscriber/masked-employer", "fails without the employer's name")
class NeedsTheEmployersName(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "upsert":
            change["offer"]["employer"]["name"]
        super().apply(change)


@wrong("subscriber/unknown-members", "fails on unknown members")
class FailsOnUnknownMembers(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        if page.keys() - {"changes", "cursor", "fresh", "more"}:
            raise KeyError("unknown member")
        return super().take(page)


@wrong("subscriber/feed-token-expired", "never asks for a second token")
class ReadsWithItsFirstToken(Subscriber):
    async def renew(self) -> None:
        if not self.token:
            await super().renew()

    async def sync(self) -> None:
        more = True
        while more:
            status, page, retry = await self.send(
                "GET", f"/v1/changes?cursor={self.cursor}" if self.cursor else "/v1/changes"
            )
            if status == 401:
                return
            if status == 410:
                self.resync()
            else:
                more = self.take(page) if status == 200 else await self.fail(retry)
