"""Wrong receivers of pushes: signatures, pages that come again or late, generations, refused pages."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from conformance.clock import milliseconds
from tests.conformance.mutants.partners import wrong
from tests.conformance.pushed_subscriber import PushedSubscriber


@wrong("push/without-a-signature", "verifies a signature only where there is one")
class TakesUnsignedPushes(PushedSubscriber):
    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        return "webhook-signature" not in headers or super().is_signed(headers, body)


@wrong("push/of-another-subscription", "looks only whether a signature has the right form")
class TakesAnySignature(PushedSubscriber):
    def is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        expected = self.expected(headers, body)
        return any(len(one) == len(expected) for one in self.offered(headers.get("webhook-signature", "")))


@wrong("push/changed-on-the-way", "verifies the signature of the body without blanks at its end")
class StripsTheBody(PushedSubscriber):
    def expected(self, headers: Mapping[str, str], body: bytes) -> str:
        return super().expected(headers, body.strip())


@wrong("push/under-another-id", "cuts the id off at 28 signs before it verifies")
class CutsTheId(PushedSubscriber):
    def expected(self, headers: Mapping[str, str], body: bytes) -> str:
        return super().expected({**headers, "webhook-id": headers.get("webhook-id", "")[:28]}, body)


@wrong("push/old-or-ahead", "does not look at the time of a push")
class IgnoresTheTime(PushedSubscriber):
    def is_fresh(self, _headers: Mapping[str, str]) -> bool:
        return True


@wrong("push/old-or-ahead", "refuses old pushes and takes those of the future")
class TakesPushesOfTheFuture(PushedSubscriber):
    def is_fresh(self, headers: Mapping[str, str]) -> bool:
        return int(headers["webhook-timestamp"]) > milliseconds() / 1_000 or super().is_fresh(headers)


@wrong("push/two-signatures", "verifies the first signature only")
class VerifiesTheFirstSignature(PushedSubscriber):
    def offered(self, signatures: str) -> Sequence[str]:
        return signatures.split(" ")[:1]


@wrong("push/bytes-as-received", "verifies the JSON as it writes it itself")
class WritesTheJsonAgain(PushedSubscriber):
    def expected(self, headers: Mapping[str, str], body: bytes) -> str:
        return super().expected(headers, orjson.dumps(orjson.loads(body)))


@wrong("push/stored-when-answered", "answers before the page is stored")
class AnswersFirst(PushedSubscriber):
    def store(self, page: dict[str, Any]) -> None:
        self.start(self.later(page))

    async def later(self, page: dict[str, Any]) -> None:
        await asyncio.sleep(0.2)
        super().store(page)


@wrong("push/the-same-push-twice", "forgets the sequences of removals")
class ForgetsPushedRemovals(PushedSubscriber):
    def apply(self, change: dict[str, Any]) -> None:
        super().apply(change)
        if change["op"] == "removal":
            self.applied.pop(change["id"], None)


@wrong("push/an-older-page-after-a-newer-one", "applies pushes in the order in which they come")
class AppliesAsTheyCome(PushedSubscriber):
    def is_seen(self, _change: dict[str, Any]) -> bool:
        return False


@wrong("push/the-same-push-twice", "refuses a push that it knows")
class RefusesTheSamePush(PushedSubscriber):
    async def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        known = self.__dict__.setdefault("known", set())
        if headers.get("webhook-id") in known:
            return 409
        status = await super().receive(headers, body)
        known.add(headers.get("webhook-id"))
        return status


@wrong("push/an-earlier-generation", "applies pages of an earlier generation")
class IgnoresGenerations(PushedSubscriber):
    def store(self, page: dict[str, Any]) -> None:
        super().store({**page, "generation": max(page["generation"], self.generation)})


@wrong("push/sweeps-at-the-end", "empties its copy when a generation begins")
class EmptiesAtTheBeginning(PushedSubscriber):
    def begin(self, generation: int) -> None:
        super().begin(generation)
        self.held.clear()


@wrong("push/sweeps-at-the-end", "never removes what a generation did not name")
class NeverSweeps(PushedSubscriber):
    def sweep(self, _page: dict[str, Any]) -> None:
        pass


@wrong("push/more-pages-of-a-generation", "takes the last page for the whole copy")
class SweepsWhatThePageLacks(PushedSubscriber):
    def sweep(self, page: dict[str, Any]) -> None:
        named = {change["id"] for change in page["changes"]}
        self.held = {one: row for one, row in self.held.items() if one in named}


@wrong("push/sequences-begin-again", "keeps the sequences of an earlier generation")
class KeepsOldSequences(PushedSubscriber):
    def is_seen(self, change: dict[str, Any]) -> bool:
        return bool(change["sequence"] <= self.applied.get(change["id"], -1))


@wrong("push/a-test-changes-nothing", "takes a test for the beginning of a generation")
class BeginsWithATest(PushedSubscriber):
    def take_code(self, page: dict[str, Any]) -> int:
        self.begin(page["generation"])
        self.held.clear()
        return 204


@wrong("push/a-test-changes-nothing", "refuses a page without changes")
class RefusesTests(PushedSubscriber):
    def take_code(self, _page: dict[str, Any]) -> int:
        return 400


@wrong("push/members-of-a-later-version", "refuses a push with members that it does not know")
class RefusesUnknownMembers(PushedSubscriber):
    def store(self, page: dict[str, Any]) -> None:
        if page.keys() - {"changes", "fresh", "more", "generation"}:
            raise KeyError("unknown")
        super().store(page)


@wrong("push/a-refused-item", "keeps what a refused page brought before the fault")
class KeepsHalfAPage(PushedSubscriber):
    def roll_back(self, *_before: Any) -> None:
        pass


@wrong("push/a-refused-item", "remembers the sequences of a page that it refused")
class RemembersRefusedPages(PushedSubscriber):
    def roll_back(self, held: Any, _applied: Any, _named: Any, generation: int) -> None:
        self.held, self.generation = held, generation


@wrong("push/takes-pages", "ignores pushed removals")
class IgnoresPushedRemovals(PushedSubscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "upsert":
            super().apply(change)
