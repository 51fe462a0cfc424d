"""Reference copy: the state of a correct subscriber after a changes feed, and findings on its pages. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.model.result import Deviation
from conformance.script.matcher import mismatches, render_value
from conformance.words import Texts, joined, plain, say

_OF_A_REMOVAL = frozenset({"op", "id", "sequence", "reason"})


@dataclass(slots=True)
class Copy:
    """State of a subscriber: ``held`` changes and ``removed`` reasons by id, ``change_counts`` the number of changes
    by id, ``applied`` the last sequence by id. ``cursor`` is that of the next request.
    """

    cursor: str | None = None
    held: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    change_counts: Counter[str] = field(default_factory=Counter)
    applied: dict[str, int] = field(default_factory=dict)

    def apply(self, page: Mapping[str, Any], location: Texts) -> list[Deviation]:
        """Apply a page that is valid by schema; returns the findings on its order and its removals."""
        findings = []
        for change in page["changes"]:
            offer_id, sequence = change["id"], change["sequence"]
            last = self.applied.get(offer_id, -1)
            self.change_counts[offer_id] += 1
            if sequence < last:
                expected, found = say("sequence-above", last=last), say("sequence", sequence=sequence)
                findings.append(Deviation(_of(location, offer_id), expected, found))
            if change["op"] == "removal" and (more := sorted(set(change) - _OF_A_REMOVAL)):
                findings.append(Deviation(_of(location, offer_id), say("bare-removal"), plain(", ".join(more))))
            if sequence <= last:
                continue
            self.applied[offer_id] = sequence
            if change["op"] == "upsert":
                self.held[offer_id] = change
                self.removed.pop(offer_id, None)
            else:
                self.held.pop(offer_id, None)
                self.removed[offer_id] = change["reason"]
        self.cursor = page["cursor"]
        return findings

    def compare(self, expected: Mapping[str, Any], location: Texts) -> list[Deviation]:
        """The findings of the copy against a step's expectations (see ``step.Follow``)."""
        return [*self._compare_ids(expected, location), *self._compare_offers(expected, location)]

    def _compare_ids(self, expected: Mapping[str, Any], location: Texts) -> Iterator[Deviation]:
        for offer_id in expected.get("holds", ()):
            if offer_id not in self.held:
                yield Deviation(location, say("in-copy", id=offer_id), say("it-is-not"))
        for offer_id in expected.get("lacks", ()):
            if offer_id in self.held:
                yield Deviation(
                    location, say("not-in-copy", id=offer_id), say("it-is", held=render_value(self.held[offer_id]))
                )
        for offer_id in expected.get("never", ()):
            times = self.change_counts[offer_id]
            if times != 0:
                yield Deviation(location, say("appears-never", id=offer_id), say("appears-times", times=times))
        for offer_id in expected.get("once", ()):
            times = self.change_counts[offer_id]
            if times != 1:
                yield Deviation(location, say("appears-once", id=offer_id), say("appears-times", times=times))

    def _compare_offers(self, expected: Mapping[str, Any], location: Texts) -> Iterator[Deviation]:
        for offer_id, reason in expected.get("removed", {}).items():
            if self.removed.get(offer_id) != reason:
                found = self.removed.get(offer_id)
                removal = say("no-removal") if found is None else plain(found)
                yield Deviation(location, say("was-removed", id=offer_id, reason=reason), removal)
        for offer_id, matcher in expected.get("offers", {}).items():
            if offer_id not in self.held:
                yield Deviation(location, say("in-copy", id=offer_id), say("it-is-not"))
            else:
                yield from mismatches(matcher, self.held[offer_id], _of(location, offer_id))


def _of(location: Texts, offer_id: str) -> Texts:
    return joined((location, plain(offer_id)), " ")
