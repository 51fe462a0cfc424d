"""Wrong subscribers: ids, texts and members of changes, and the reasons of removals."""

import html
from typing import Any

import schemas
from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import Subscriber


class TitlingSubscriber(Subscriber):
    """Stores another title than the offer's."""

    def row(self, change: dict[str, Any]) -> dict[str, Any]:
        return {**super().row(change), "title": self.titled(change["offer"]["title"])}

    def titled(self, title: str) -> str:
        raise NotImplementedError


@wrong("OFR-006", "cuts titles at 150 bytes")
class CutsTitlesByBytes(TitlingSubscriber):
    def titled(self, title: str) -> str:
        return title.encode()[:150].decode(errors="ignore")


@wrong("OFR-010", "stores titles escaped for HTML")
class EscapesTitles(TitlingSubscriber):
    def titled(self, title: str) -> str:
        return html.escape(title)


@wrong("OFR-001", "stores titles in Latin-1")
class StoresLatin1(TitlingSubscriber):
    def titled(self, title: str) -> str:
        return title.encode("latin-1", "replace").decode("latin-1")


@wrong("OFR-004", "fails without an optional field of the offer")
class NeedsOptionalFields(Subscriber):
    def row(self, change: dict[str, Any]) -> dict[str, Any]:
        change["offer"]["seats"]
        return super().row(change)


@wrong("RTE-005", "fails without the description and street of the employer")
class NeedsTheStreet(Subscriber):
    def row(self, change: dict[str, Any]) -> dict[str, Any]:
        change["offer"]["location"]["street"]
        return super().row(change)


@wrong("FEED-008", "fails on an unknown member of a change")
class FailsOnUnknownMembersOfChanges(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change.keys() - {"op", "id", "sequence", "offer", "territory", "provenance", "flags", "reason"}:
            raise KeyError("unknown member")
        super().apply(change)


@wrong("FEED-008", "fails on an unknown member of an offer")
class FailsOnUnknownMembersOfOffers(Subscriber):
    known = schemas.schema("offer")["properties"].keys()

    def apply(self, change: dict[str, Any]) -> None:
        if change.get("offer", {}).keys() - self.known:
            raise KeyError("unknown member")
        super().apply(change)


@wrong("FEED-008", "leaves out changes with an unknown member")
class SkipsUnknownMembers(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if not change.keys() - {"op", "id", "sequence", "offer", "territory", "provenance", "flags", "reason"}:
            super().apply(change)


@wrong("FEED-008", "expects an offer in a removal")
class ExpectsOffersInRemovals(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        change["offer"]["title"]
        super().apply(change)


@wrong("FEED-008", "fails on a reason that it does not know")
class FailsOnUnknownReasons(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "removal":
            {"filled": 0, "cancelled": 1, "expired": 2, "absent": 3, "moderated": 4, "out-of-scope": 5}[
                change["reason"]
            ]
        super().apply(change)
