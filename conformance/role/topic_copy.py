"""Topic copy: what a subscriber topic has given since a case began, as a correct subscriber keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.model.result import Deviation, Exchange
from conformance.role.copy import Copy
from conformance.script.event import TopicRecord, read_event
from conformance.target.record import record
from conformance.target.topic import SubscriberTopic
from conformance.words import Texts, joined, plain, say

_READ = 200


@dataclass(slots=True)
class TopicCopy:
    """State of the subscriber of ``topic`` after the records that name an offer of the case: ``mark`` is in the id of
    each. ``at`` is the number of records read before; ``wrong`` are the findings on those of the case, ``texts`` the
    text of the last record by offer.
    """

    topic: SubscriberTopic
    mark: str
    at: int
    journal: list[Exchange]
    copy: Copy = field(default_factory=Copy)
    wrong: list[Deviation] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    async def read(self, location: Texts) -> list[Deviation]:
        """Apply what is new; the findings on all records of the case. Raises UnverifiableError."""
        await self.topic.read()
        found = [each for each in self.topic.records[self.at :] if self.mark in each.text]
        self.at = len(self.topic.records)
        for each in found:
            change, wrong = read_event(each, partitions=self.topic.partitions, location=location)
            self.wrong += wrong
            if change is not None:
                self.wrong += self._apply(change, location)
                self.texts[change["id"]] = each.text
        if found:
            self.journal.append(self._exchange(found))
        return self.wrong

    def _apply(self, change: Mapping[str, Any], location: Texts) -> list[Deviation]:
        """Apply one change. Under a sequence that came before only the same change may come again: compaction keeps the
        last record, whatever its sequence.
        """
        wrong = self.copy.apply({"changes": [change], "cursor": None}, location)
        last = self.copy.applied[change["id"]]
        kept = self.copy.held.get(change["id"])
        if not wrong and kept != (change if change["op"] == "upsert" else None):
            expected, found = say("sequence-above", last=last), say("sequence", sequence=change["sequence"])
            wrong = [Deviation(joined((location, plain(change["id"])), " "), expected, found)]
        return wrong

    def _exchange(self, found: list[TopicRecord]) -> Exchange:
        """The records as an answer, one line each."""
        return record(
            method="READ",
            url=self.topic.name,
            headers={},
            body=b"",
            status=_READ,
            answer_headers={},
            answer="\n".join(f"{each.partition} {each.text}" for each in found).encode(),
            milliseconds=0,
        )
