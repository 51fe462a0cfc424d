"""An offer as a reader sees it: audiences, loop guard, masking, filters, changes, export formats (RTE-*, FEED-*)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias

from gateway.protocol.identity import NATIONAL, platform_of
from gateway.protocol.record import OfferState
from gateway.protocol.submission import OUT_OF_SCOPE
from schemas.masking import without_employer

Audience: TypeAlias = Literal["regions", "national"]

_ALL: frozenset[Audience] = frozenset(("regions", "national"))
_NATIONAL_SITE: frozenset[Audience] = frozenset(("national",))

TERRITORY = ("department", "region", "academie")
VISIBILITY_RULES = 1
"""The number of these rules, in the cursor of a reader and in the scope of a subscriber topic. It is raised with each
change by which a reader may see less of an offer that is on the log: topics are then rendered again, cursors answered
410, and the search index is built again.
"""


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of offers: a platform's slug. The national site is an audience of its own."""

    platform: str

    @property
    def audience(self) -> Audience:
        """The audience of this reader, named after the redistribution flag that governs it."""
        return "national" if self.platform == NATIONAL else "regions"


def wished_audiences(offer: Mapping[str, Any]) -> frozenset[Audience]:
    """The audiences that the publisher allows: both unless ``redistribution`` says otherwise (RTE-002)."""
    wish = offer.get("redistribution")
    return frozenset(name for name in _ALL if wish.get(name, True)) if wish else _ALL


def audiences(offer: Mapping[str, Any]) -> frozenset[Audience]:
    """The audiences that may read the offer: those that the publisher allows, without the national site where the offer
    is reserved for schools (NAT-002).
    """
    wished = wished_audiences(offer)
    return wished - _NATIONAL_SITE if "schools" in offer.get("restrictions", ()) else wished


def provenance_of(offer: Mapping[str, Any], *, publisher: str, hosts: Mapping[str, str]) -> tuple[str, ...]:
    """The platforms that the offer has already passed (RTE-004): its publisher, and the one whose host it applies at.

    ``hosts`` maps lower-case host names to slugs. The publisher's own statement of provenance is never used.
    """
    authority = offer["apply_url"].split("/", 3)[2]  # an accepted one is https://host[:port][/…]
    passed = hosts.get(authority.partition(":")[0].lower().removeprefix("www."))
    return (publisher,) if passed is None or passed == publisher else (publisher, passed)


def may_read(reader: Reader, *, offer: Mapping[str, Any], provenance: tuple[str, ...]) -> bool:
    """Whether a live offer goes out to this reader: it is of its audience and never passed there (RTE-003)."""
    return reader.platform not in provenance and reader.audience in audiences(offer)


def ever_shared(reader: Reader, *, shared: frozenset[str], never: frozenset[str]) -> bool:
    """Whether this reader may have been shown the offer before, and so must receive its removal (FEED-007)."""
    return reader.platform not in never and reader.audience in shared


def masked(offer: Mapping[str, Any], *, reader: Reader, publisher: str) -> Mapping[str, Any]:
    """The offer as this reader may see it: without its employer where the publisher asks so, never from itself, and
    then with harmless members only (RTE-005, RTE-013).
    """
    return without_employer(offer) if _hides(offer, reader, publisher) else offer


def masked_territory(state: OfferState, reader: Reader) -> Mapping[str, Any]:
    """The territory of a live offer as this reader may see it."""
    territory = state.territory or {}
    if not _hides(state.offer or {}, reader, platform_of(state.id)):
        return territory
    return {name: territory[name] for name in TERRITORY if name in territory}


def _hides(offer: Mapping[str, Any], reader: Reader, publisher: str) -> bool:
    return reader.platform != publisher and offer.get("redistribution", {}).get("mask_employer", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """The filter of a reader. Values of one field are alternatives, fields combine; an empty field matches all.

    ``bbox`` is west, south, east, north in degrees (WGS 84).
    """

    region: frozenset[str] = frozenset()
    department: frozenset[str] = frozenset()
    level: frozenset[str] = frozenset()
    week: frozenset[str] = frozenset()
    sector: frozenset[str] = frozenset()
    platform: frozenset[str] = frozenset()
    bbox: tuple[float, float, float, float] | None = None

    def matches(self, *, offer: Mapping[str, Any], territory: Mapping[str, Any], platform: str) -> bool:
        """Whether a live offer passes the filter."""
        return (
            (not self.region or territory["region"] in self.region)
            and (not self.department or territory["department"] in self.department)
            and (not self.level or not self.level.isdisjoint(offer["levels"]))
            and (not self.week or not self.week.isdisjoint(offer["weeks"]))
            and (not self.sector or offer["sector"] in self.sector)
            and (not self.platform or platform in self.platform)
            and (self.bbox is None or _inside(self.bbox, offer["location"]))
        )

    def to_json(self) -> dict[str, Any]:
        """The filter in one canonical form, for digests and echoes: only the fields in use, sorted."""
        members: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value:
                members[field.name] = sorted(value) if isinstance(value, frozenset) else list(value)
        return members


def change_for(reader: Reader, criteria: Filter, state: OfferState, *, above_start: bool) -> dict[str, Any] | None:
    """The change document (schema ``change``) of this record for this reader; None where there is nothing to send.

    ``above_start``: the record is at or above the reader's ``began``, so the reader may hold an earlier state of this
    offer, and must receive its removal when it no longer matches, unless it can never have been shown the offer.
    """
    known = state.known
    publisher = platform_of(state.id)
    if (
        state.offer is not None
        and state.territory is not None
        and may_read(reader, offer=state.offer, provenance=known.provenance)
    ):
        visible = masked(state.offer, reader=reader, publisher=publisher)
        if criteria.matches(offer=visible, territory=state.territory, platform=publisher):
            return {
                "op": "upsert",
                "id": state.id,
                "sequence": known.sequence,
                "offer": visible,
                "territory": masked_territory(state, reader),
                "provenance": known.provenance,
            }
    if not above_start or not ever_shared(reader, shared=known.shared, never=known.never):
        return None
    return {"op": "removal", "id": state.id, "sequence": known.sequence, "reason": known.reason or OUT_OF_SCOPE}


def _inside(bbox: tuple[float, float, float, float], location: Mapping[str, Any]) -> bool:
    west, south, east, north = bbox
    latitude, longitude = location.get("latitude"), location.get("longitude")
    if latitude is None or longitude is None:
        return False
    return bool(south <= latitude <= north and west <= longitude <= east)
