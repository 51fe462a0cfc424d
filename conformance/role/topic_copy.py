"""Topic copy: what a subscriber topic has given since a case began, as a correct subscriber keeps it."""

from dataclasses import dataclass, field

import orjson

from conformance.model.result import Exchange, Finding
from conformance.role.copy import Copy
from conformance.script.event import TopicRecord, read_event
from conformance.target.record import record
from conformance.target.topic import SubscriberTopic
from conformance.words import Texts

_READ = 200


@dataclass(slots=True)
class TopicCopy:
    """State of the subscriber of ``topic`` after the records that name an offer of the case: ``mark`` is in the id of
    each. ``at`` is the number of records read before; ``wrong`` are the findings on those of the case.
    """

    topic: SubscriberTopic
    mark: str
    at: int
    journal: list[Exchange]
    copy: Copy = field(default_factory=Copy)
    wrong: list[Finding] = field(default_factory=list)

    async def read(self, location: Texts) -> list[Finding]:
        """Apply what is new; the findings on all records of the case. Raises UnverifiableError."""
        await self.topic.read()
        found = [each for each in self.topic.records[self.at :] if each.names(self.mark)]
        self.at = len(self.topic.records)
        for each in found:
            change, wrong = read_event(each, partitions=self.topic.partitions, location=location)
            self.wrong += wrong
            if change is not None:
                self.wrong += self.copy.apply({"changes": [change], "cursor": None}, location)
        if found:
            self.journal.append(self._exchange(found))
        return self.wrong

    def _exchange(self, found: list[TopicRecord]) -> Exchange:
        """The records as an answer, one line each."""
        return record(
            method="READ",
            url=self.topic.name,
            headers={},
            body=b"",
            status=_READ,
            answer_headers={},
            answer=b"\n".join(
                orjson.dumps(
                    [each.partition, each.key, dict(each.headers), (each.value or b"null").decode(errors="replace")]
                )
                for each in found
            ),
            milliseconds=0,
        )
