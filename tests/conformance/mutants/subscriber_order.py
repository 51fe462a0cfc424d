"""Wrong subscribers: which change of an offer counts, by its sequence."""

from typing import Any

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import Subscriber


@wrong("FEED-002", "applies a change with the last sequence again")
class AppliesEqualSequences(Subscriber):
    def is_seen(self, change: dict[str, Any]) -> bool:
        return bool(change["sequence"] < self.applied.get(change["id"], -1))


@wrong("FEED-002", "compares sequences as texts")
class ComparesTexts(Subscriber):
    def is_seen(self, change: dict[str, Any]) -> bool:
        return str(change["sequence"]) <= str(self.applied.get(change["id"], ""))


@wrong("FEED-002", "stores sequences in a column of 32 bits")
class StoresSmallIntegers(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        super().apply({**change, "sequence": min(change["sequence"], 2**31 - 1)})


@wrong("FEED-002", "lets sequences overflow at 32 bits")
class OverflowsIntegers(Subscriber):
    def is_seen(self, change: dict[str, Any]) -> bool:
        return _wrapped(change["sequence"]) <= _wrapped(self.applied.get(change["id"], -1))


def _wrapped(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31


@wrong("FEED-002", "keeps one last sequence for all offers")
class KeepsOneSequence(Subscriber):
    def is_seen(self, change: dict[str, Any]) -> bool:
        return bool(change["sequence"] <= max(self.applied.values(), default=-1))


@wrong("FEED-002", "keeps one last sequence per platform")
class KeepsOneSequencePerPlatform(Subscriber):
    def is_seen(self, change: dict[str, Any]) -> bool:
        slug = change["id"].partition(":")[0]
        of_platform = [value for key, value in self.applied.items() if key.partition(":")[0] == slug]
        return bool(change["sequence"] <= max(of_platform, default=-1))


@wrong("FEED-002", "compares the offer's revision in place of the sequence")
class ComparesRevisions(Subscriber):
    def __init__(self, gateway: str) -> None:
        self.revisions: dict[str, int] = {}
        super().__init__(gateway)

    def forget(self) -> None:
        super().forget()
        self.revisions = {}

    def is_seen(self, change: dict[str, Any]) -> bool:
        revision = change.get("offer", {}).get("revision")
        if revision is None:
            return super().is_seen(change)
        seen = revision <= self.revisions.get(change["id"], 0)
        self.revisions[change["id"]] = max(revision, self.revisions.get(change["id"], 0))
        return bool(seen)


@wrong("REV-008", "ignores a change under the revision that it has")
class IgnoresEqualRevisions(Subscriber):
    def __init__(self, gateway: str) -> None:
        self.revisions: dict[str, int] = {}
        super().__init__(gateway)

    def is_seen(self, change: dict[str, Any]) -> bool:
        revision = change.get("offer", {}).get("revision")
        same = revision is not None and revision == self.revisions.get(change["id"])
        if revision is not None:
            self.revisions[change["id"]] = revision
        return same or super().is_seen(change)


@wrong("FEED-002", "applies every removal, also a late one")
class AppliesLateRemovals(Subscriber):
    def is_seen(self, change: dict[str, Any]) -> bool:
        return change["op"] != "removal" and super().is_seen(change)


@wrong("FEED-002", "remembers a removal only where it has the offer")
class RemembersKnownRemovals(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "upsert" or change["id"] in self.held:
            super().apply(change)


@wrong("FEED-002", "fails on the removal of an offer that it does not have")
class FailsOnUnknownRemovals(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "removal" and change["id"] not in self.held:
            raise KeyError(change["id"])
        super().apply(change)


@wrong("WDR-004", "never takes an offer again that was removed")
class RemovesFinally(Subscriber):
    def __init__(self, gateway: str) -> None:
        self.gone: set[str] = set()
        super().__init__(gateway)

    def forget(self) -> None:
        super().forget()
        self.gone = set()

    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "removal":
            self.gone.add(change["id"])
        if change["op"] == "removal" or change["id"] not in self.gone:
            super().apply(change)


@wrong("WDR-004", "takes an offer that was moderated or cancelled never again")
class RemovesForSomeReasonsFinally(RemovesFinally):
    def apply(self, change: dict[str, Any]) -> None:
        if change.get("reason") in {"expired", "filled", "absent", "out-of-scope"}:
            Subscriber.apply(self, change)
        else:
            super().apply(change)


@wrong("FEED-001", "applies the first change of an offer in a page only")
class AppliesTheFirstOfAPage(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        first: dict[str, Any] = {}
        for change in page["changes"]:
            first.setdefault(change["id"], change)
        return super().take({**page, "changes": list(first.values())})


@wrong("FEED-001", "applies the upserts of a page first, then its removals")
class AppliesRemovalsLast(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        for change in page["changes"]:
            if change["op"] == "upsert":
                self.apply(change)
        for change in page["changes"]:
            if change["op"] == "removal":
                self.held.pop(change["id"], None)
                self.applied[change["id"]] = change["sequence"]
        return super().take({**page, "changes": []})


@wrong("FEED-001", "applies the removals of a page first, then its upserts")
class AppliesUpsertsLast(Subscriber):
    def take(self, page: dict[str, Any]) -> bool:
        before = dict(self.applied)
        for change in sorted(page["changes"], key=lambda change: change["op"] == "upsert"):
            if change["sequence"] > before.get(change["id"], -1):
                self.applied.pop(change["id"], None)
                self.apply(change)
        return super().take({**page, "changes": []})


@wrong("FEED-001", "inserts new offers only, and ignores changes of those it has")
class InsertsOnly(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "removal" or change["id"] not in self.held:
            super().apply(change)


@wrong("FEED-002", "fails on an offer that it has already")
class FailsOnRepetitions(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "upsert" and change["sequence"] == self.applied.get(change["id"]):
            raise KeyError(change["id"])
        super().apply(change)


@wrong("FEED-002", "keeps the sequence of the first change of an offer")
class KeepsFirstSequences(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        first = self.applied.get(change["id"])
        super().apply(change)
        if first is not None:
            self.applied[change["id"]] = first
