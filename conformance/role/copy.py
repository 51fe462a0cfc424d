"""A copy: what a careful subscriber has after reading a changes feed, and what was wrong with the pages. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.model.result import Finding
from conformance.script.matcher import mismatches, shown


@dataclass(slots=True)
class Copy:
    """Offers by id, and all that was ever told. ``cursor`` is the one to come back with."""

    cursor: str | None = None
    held: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    told: Counter[str] = field(default_factory=Counter)
    applied: dict[str, int] = field(default_factory=dict)

    def apply(self, page: Mapping[str, Any], place: str) -> list[Finding]:
        """Take a page in, which the schema has been checked on; what is wrong with its order."""
        findings = []
        for change in page["changes"]:
            offer_id, sequence = change["id"], change["sequence"]
            last = self.applied.get(offer_id, -1)
            self.told[offer_id] += 1
            if sequence < last:
                findings.append(
                    Finding(f"{place} {offer_id}", f"a sequence above {last}, told before", f"sequence {sequence}")
                )
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

    def compare(self, expected: Mapping[str, Any], place: str) -> list[Finding]:
        """What is wrong with the copy (see ``step.Follow``)."""
        return [*self._compare_ids(expected, place), *self._compare_offers(expected, place)]

    def _compare_ids(self, expected: Mapping[str, Any], place: str) -> Iterator[Finding]:
        for offer_id in expected.get("holds", ()):
            if offer_id not in self.held:
                yield Finding(place, f"{offer_id} is in the copy", "it is not")
        for offer_id in expected.get("lacks", ()):
            if offer_id in self.held:
                yield Finding(place, f"{offer_id} is not in the copy", f"it is: {shown(self.held[offer_id])}")
        for times, name in ((0, "never"), (1, "once")):
            for offer_id in expected.get(name, ()):
                if self.told[offer_id] != times:
                    yield Finding(place, f"{offer_id} is told {name}", f"told {self.told[offer_id]} time(s)")

    def _compare_offers(self, expected: Mapping[str, Any], place: str) -> Iterator[Finding]:
        for offer_id, reason in expected.get("removed", {}).items():
            if self.removed.get(offer_id) != reason:
                yield Finding(place, f"{offer_id} was removed ({reason})", self.removed.get(offer_id, "no removal"))
        for offer_id, matcher in expected.get("offers", {}).items():
            if offer_id not in self.held:
                yield Finding(place, f"{offer_id} is in the copy", "it is not")
            else:
                yield from mismatches(matcher, self.held[offer_id], f"{place} {offer_id}")
