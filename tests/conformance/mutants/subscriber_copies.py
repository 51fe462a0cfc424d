"""Wrong subscribers: what they keep of titles, ids and sequences is not to the letter."""

import re
from typing import Any

from tests.conformance.mutants.partner_table import RenamingSubscriber
from tests.conformance.mutants.partners import wrong
from tests.conformance.mutants.subscriber_content import TitlingSubscriber
from tests.conformance.partner_fixtures import Subscriber
from tests.conformance.partner_kinds import GenerationSubscriber


def _number(offer_id: str) -> str:
    """As a spreadsheet reads a cell: 1e3 is a number."""
    slug, _, local = offer_id.partition(":")
    return f"{slug}:{float(local):g}" if re.fullmatch(r"[0-9]+(\.[0-9]+)?(e[0-9]{1,2})?", local) else offer_id


@wrong("IDN-001", "reads local ids as numbers, 1e3 too")
class ReadsExponents(RenamingSubscriber):
    def stored(self, offer_id: str) -> str:
        return _number(offer_id)


@wrong("OFR-006", "cuts titles at 140 UTF-16 units")
class CutsAtSigns(TitlingSubscriber):
    def titled(self, title: str) -> str:
        return title.encode("utf-16-le")[:280].decode("utf-16-le", "ignore")


@wrong("IDN-001", "removes every offer whose id differs by capitals only from that of a removal")
class RemovesWithoutCase(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        seen = self.is_seen(change)
        super().apply(change)
        if change["op"] == "removal" and not seen:
            self.held = {key: row for key, row in self.held.items() if key.lower() != change["id"].lower()}


@wrong("FEED-009", "keeps the sequences of what was removed over a 410, so that an older state of another log is lost")
class KeepsSequencesOfTheRemoved(Subscriber):
    def resync(self) -> None:
        removed = {key: last for key, last in self.applied.items() if key not in self.held}
        super().resync()
        self.applied = removed


@wrong("FEED-009", "reads beside its old copy after a 410, and takes only what is newer than that")
class KeepsNewerOfTheOldCopy(GenerationSubscriber):
    def resync(self) -> None:
        super().resync()
        self.again = set()


@wrong("FEED-009", "reads beside its old copy after a 410, and sweeps by the number of offers")
class SweepsByNumber(GenerationSubscriber):
    def take(self, page: dict[str, Any]) -> bool:
        if len(self.held) <= len(page["changes"]):
            self.unseen = set()
        return super().take(page)
