"""Matching for a take-over: pairs the site's offers of a platform that pushed by itself with its offers here. Pure.

Offers match by the ``national_remote_id`` that the platform gives, else by the exact apply address. A matched offer
keeps its remote id and is sent once more, complete; a missing one is created; an unmatched one at the site is extra.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.national.mapping.body import is_reachable
from adapters.national.site.reading import Listed
from gateway.protocol.delivery import Group

MAX_LISTED = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """One offer of the platform: the groups that it should have at the site, and its keys for matching."""

    id: str
    groups: tuple[Group, ...]
    apply_url: str
    national_remote_id: str | None = None


@dataclass(frozen=True, slots=True)
class There:
    """One offer of the account's index."""

    remote_id: str
    group: Group
    permalink: str | None

    @classmethod
    def of(cls, listed: Listed) -> "There":
        """The fields of an item of the index that matter for matching."""
        group: Group = "lycee" if "seconde" in listed.levels else "college"
        return cls(listed.remote_id or f"#{listed.number}", group, listed.permalink)


@dataclass(slots=True)
class Matching:
    """``matched`` maps (offer id, group) to the remote id that it keeps. ``unreachable`` holds matched remote ids that
    the site's URLs do not reach, so that they can be neither updated nor deleted.
    """

    matched: dict[tuple[str, Group], str] = field(default_factory=dict)
    missing: list[tuple[str, Group]] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Counts, and the first ``MAX_LISTED`` of each list."""
        missing = [f"{offer_id} {group}" for offer_id, group in self.missing]
        return {
            "matched": len(self.matched),
            "missing": {"count": len(missing), "offers": missing[:MAX_LISTED]},
            "extra": {"count": len(self.extra), "remote_ids": self.extra[:MAX_LISTED]},
            "unreachable": {"count": len(self.unreachable), "remote_ids": self.unreachable[:MAX_LISTED]},
        }


def match(wanted: Iterable[Wanted], there: Sequence[There]) -> Matching:
    """Match each offer with at most one item per group, each item with at most one offer. If several items have one
    address, the first in the index, which is the newest, is matched.
    """
    by_name = {item.remote_id: item for item in there}
    by_address: dict[str, list[There]] = {}
    for item in there:
        if item.permalink is not None:
            by_address.setdefault(item.permalink, []).append(item)
    found, taken = Matching(), set[str]()
    offers = list(wanted)
    for named in (True, False):  # remote ids take precedence over addresses, for all offers
        for offer in offers:
            name = offer.national_remote_id
            items = [by_name[name]] if name in by_name else []
            for item in items if named else by_address.get(offer.apply_url, []):
                key = (offer.id, _group(offer, item))
                if item.remote_id not in taken and key not in found.matched and key[1] in offer.groups:
                    found.matched[key] = item.remote_id
                    taken.add(item.remote_id)
    keys = ((offer.id, group) for offer in offers for group in offer.groups)
    found.missing = [key for key in keys if key not in found.matched]
    found.extra = [item.remote_id for item in there if item.remote_id not in taken]
    found.unreachable = [name for name in found.matched.values() if not is_reachable(name)]
    return found


def _group(offer: Wanted, item: There) -> Group:
    """The group of an item; the offer's group if it has only one, since the site may change levels."""
    return offer.groups[0] if len(offer.groups) == 1 else item.group
