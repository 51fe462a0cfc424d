"""The map of the systems: each region with the state of the system that its offers arrive through. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import schemas
from gateway.pages.base.wording import names_of
from gateway.pages.map.outlines import RegionOutline, region_outlines
from gateway.pages.systems.model import Kind, SystemRow
from gateway.partners.onboarding import presets
from gateway.protocol.identity import NATIONAL
from schemas.communes import plain_name

KINDS: Sequence[Kind] = ("blocked", "look", "fine", "none")
"""In the order of the table: what needs an operator first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A region. ``row``: its own system, or the national site (``national``); ``kind``: its shape, that of a paused
    feed as of one that is late.
    """

    outline: RegionOutline
    name: str
    row: SystemRow
    national: bool
    kind: Kind


def areas(rows: Sequence[SystemRow]) -> Sequence[Area]:
    """The 18 regions, exceptions first."""
    by_slug = {row.platform: row for row in rows}
    own = _own_systems()
    found = [
        Area(
            outline=outline,
            name=names_of("regions")[outline.code],
            row=by_slug[own.get(outline.code, NATIONAL)],
            national=outline.code not in own,
            kind=_kind(by_slug[own.get(outline.code, NATIONAL)]),
        )
        for outline in region_outlines()
    ]
    return sorted(found, key=lambda one: (KINDS.index(one.kind), plain_name(one.name)))


def _own_systems() -> Mapping[str, str]:
    """By region the platform of its own."""
    regions = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
    return {regions[code]: slug for slug, preset in presets().items() for code in preset.territory}


def _kind(row: SystemRow) -> Kind:
    return "look" if row.paused_at is not None and row.kind in ("fine", "none") else row.kind
