"""Wrong subscribers: ids, texts and members of changes, and the reasons of removals."""

import html
import re
from typing import Any

from tests.conformance.mutants.partners import wrong
from tests.conformance.partner_fixtures import Subscriber


class _Renaming(Subscriber):
    """Stores offers under another id than theirs."""

    def apply(self, change: dict[str, Any]) -> None:
        super().apply({**change, "id": self.stored(change["id"])})

    def stored(self, offer_id: str) -> str:
        raise NotImplementedError

    def offers(self) -> dict[str, Any]:
        return {row["id"]: {"sequence": row["sequence"], "title": row["title"]} for row in self.held.values()}

    def row(self, change: dict[str, Any]) -> dict[str, Any]:
        return {**super().row(change), "id": change["offer"]["id"]}


@wrong("IDN-001", "compares ids without regard to case")
class IgnoresCase(_Renaming):
    def stored(self, offer_id: str) -> str:
        return offer_id.lower()


@wrong("IDN-001", "cuts ids at 50 characters")
class CutsIds(_Renaming):
    def stored(self, offer_id: str) -> str:
        return offer_id[:50]


@wrong("IDN-001", "replaces signs in ids by a dash")
class ReplacesSigns(_Renaming):
    def stored(self, offer_id: str) -> str:
        return re.sub("[^A-Za-z0-9:]", "-", offer_id)


@wrong("IDN-001", "keeps the local part of ids only, so that two platforms share one")
class KeepsLocalIds(_Renaming):
    def stored(self, offer_id: str) -> str:
        return offer_id.partition(":")[2]


@wrong("IDN-001", "reads local ids as numbers where they look like numbers")
class ReadsNumericIds(_Renaming):
    def stored(self, offer_id: str) -> str:
        slug, _, local = offer_id.partition(":")
        return f"{slug}:{int(local)}" if local.isdigit() else offer_id


class _Titling(Subscriber):
    """Stores another title than the offer's."""

    def row(self, change: dict[str, Any]) -> dict[str, Any]:
        return {**super().row(change), "title": self.titled(change["offer"]["title"])}

    def titled(self, title: str) -> str:
        raise NotImplementedError


@wrong("OFR-006", "cuts titles at 100 characters")
class CutsTitles(_Titling):
    def titled(self, title: str) -> str:
        return title[:100]


@wrong("OFR-006", "cuts titles at 150 bytes")
class CutsTitlesByBytes(_Titling):
    def titled(self, title: str) -> str:
        return title.encode()[:150].decode(errors="ignore")


@wrong("OFR-010", "stores titles escaped for HTML")
class EscapesTitles(_Titling):
    def titled(self, title: str) -> str:
        return html.escape(title)


@wrong("OFR-010", "removes what looks like markup from titles")
class StripsTitles(_Titling):
    def titled(self, title: str) -> str:
        return re.sub("<[^>]*>?", "", title)


@wrong("OFR-001", "stores titles in Latin-1")
class StoresLatin1(_Titling):
    def titled(self, title: str) -> str:
        return title.encode("latin-1", "replace").decode("latin-1")


@wrong("OFR-001", "drops characters of four bytes from titles")
class DropsFourByteCharacters(_Titling):
    def titled(self, title: str) -> str:
        return "".join(sign for sign in title if ord(sign) < 0x10000)


@wrong("FEED-010", "keeps offers of the platforms that it knows only")
class KeepsKnownPlatforms(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["id"].partition(":")[0] in {"bretagne", "grand-est"}:
            super().apply(change)


@wrong("FEED-010", "leaves out offers that another gateway has passed on")
class LeavesOutRelayedOffers(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if len(change.get("provenance", ())) < 2:
            super().apply(change)


@wrong("RTE-005", "leaves out offers whose employer is hidden")
class LeavesOutHiddenEmployers(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "removal" or change["offer"].get("employer", {}).get("name"):
            super().apply(change)


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
    known = frozenset(
        (
            *(
                "id",
                "revision",
                "title",
                "description",
                "employer",
                "location",
                "levels",
                "weeks",
                "stay_weeks",
                "seats",
            ),
            *(
                "sector",
                "rome",
                "schedule",
                "accessibility",
                "restrictions",
                "apply_url",
                "redistribution",
                "expires_on",
            ),
            *("source_id", "national_remote_id", "extensions"),
        )
    )

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


class _Keeping(Subscriber):
    """Keeps what is removed for some reason."""

    reason = ""

    def apply(self, change: dict[str, Any]) -> None:
        if change.get("reason") != self.reason:
            super().apply(change)


@wrong("FEED-008", "keeps offers that are absent from the publisher's set")
class KeepsAbsentOffers(_Keeping):
    reason = "absent"


@wrong("FEED-008", "keeps offers that expired")
class KeepsExpiredOffers(_Keeping):
    reason = "expired"


@wrong("FEED-008", "keeps offers that are moderated")
class KeepsModeratedOffers(_Keeping):
    reason = "moderated"


@wrong("FEED-008", "keeps offers that are filled")
class KeepsFilledOffers(_Keeping):
    reason = "filled"


@wrong("FEED-008", "fails on a reason that it does not know")
class FailsOnUnknownReasons(Subscriber):
    def apply(self, change: dict[str, Any]) -> None:
        if change["op"] == "removal":
            {"filled": 0, "cancelled": 1, "expired": 2, "absent": 3, "moderated": 4, "out-of-scope": 5}[
                change["reason"]
            ]
        super().apply(change)
