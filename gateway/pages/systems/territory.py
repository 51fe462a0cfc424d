"""The map of the systems: each region with the state of the system that its offers arrive through. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import schemas
from gateway.pages.base.wording import names_of
from gateway.pages.map.outlines import RegionOutline, region_outlines
from gateway.pages.systems.model import KINDS, SystemRow
from gateway.partners.onboarding import presets
from gateway.protocol.identity import NATIONAL
from schemas.communes import plain_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A region. ``row``: its own system, or the national site (``national``)."""

    outline: RegionOutline
    name: str
    row: SystemRow
    national: bool


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
        )
        for outline in region_outlines()
    ]
    return sorted(found, key=lambda one: ([*KINDS].index(one.row.condition), plain_name(one.name)))


def _own_systems() -> Mapping[str, str]:
    """By region the platform of its own."""
    regions = {item["code"]: item["region"] for item in schemas.reference("departments")["items"]}
    return {regions[code]: slug for slug, preset in presets().items() for code in preset.territory}
