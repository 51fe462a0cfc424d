"""Comparison: what one way out gave, and its findings against the expectation of a reader. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.model.result import Deviation
from conformance.script.matcher import mismatches, render_value
from conformance.words import Texts, joined, plain, say

_SAME = ("offer", "sequence", "territory", "provenance")
"""Members of an offer that are the same by every way out."""


@dataclass(slots=True)
class WayOutput:
    """The result of one way: the documents by id, the text of all answers, and what is wrong with the answers."""

    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    findings: list[Deviation] = field(default_factory=list)
    page: bool = False
    """Whether the last answer was a page."""


@dataclass(slots=True, kw_only=True)
class Comparison:
    """The expectation of one reader (see ``model.case.Reads``), and the offers as their own addresses have them."""

    expect: Mapping[str, Any]
    location: Texts
    single: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def _ids(self, *names: str) -> Iterator[str]:
        for name in names:
            yield from self.expect.get(name, ())

    def _compare(self, output: WayOutput, holds: Sequence[str], location: Texts) -> list[Deviation]:
        """Compare what one way gave with the expectation, and each offer with itself under its own address."""
        for offer_id in holds:
            found = output.documents.get(offer_id)
            if found is None:
                return [Deviation(location, say("is-given", id=offer_id), say("it-is-not"))]
            if wrong := mismatches(self.expect.get("offers", {}).get(offer_id, {}), found, location):
                return wrong
            known = self.single.get(offer_id, {})
            for name in _SAME:
                if found.get(name) != known.get(name):
                    where = joined((location, plain(f"{offer_id}/{name}")), ", ")
                    return [
                        Deviation(where, plain(render_value(known.get(name))), plain(render_value(found.get(name))))
                    ]
        return self._absence(output.documents, holds, location) or self._silence(output.texts, location)

    def _absence(self, given: Mapping[str, Any], holds: Sequence[str], location: Texts) -> list[Deviation]:
        for offer_id in self._ids("outside", "hidden", "gone", "own"):
            if offer_id in given and offer_id not in holds:
                return [Deviation(location, say("is-not-given", id=offer_id), say("it-is", held=offer_id))]
        return []

    def _silence(self, texts: Sequence[str], location: Texts) -> list[Deviation]:
        for secret in self.expect.get("silent", ()):
            if any(secret in text for text in texts):
                return [Deviation(location, say("none-of", parts=secret), plain(secret))]
        return []
