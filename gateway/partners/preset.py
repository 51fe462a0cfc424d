"""Presets: known facts about the nine regional platforms and the national site, as packaged data."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import schemas
from gateway.protocol.partner import Partner, Scope
from schemas.packaged import read_json

DEFAULT_SCOPES: frozenset[Scope] = frozenset({"offers:publish", "offers:read"})


@cache
def presets() -> Mapping[str, Partner]:
    """By slug: a partner with its public facts and the default scopes, without credentials."""
    document = read_json("platforms.json", package=__package__)
    return MappingProxyType(
        {
            one["platform"]: Partner(
                platform=one["platform"],
                name=one["name"],
                scopes=DEFAULT_SCOPES,
                territory=_departments(one["region"]),
                national_delivery=one["national_delivery"],
                hosts=tuple(one["hosts"]),
            )
            for one in document["platforms"]
        }
    )


def _departments(region: str | None) -> frozenset[str]:
    """The INSEE codes of a region's departments; empty, which means all, without a region."""
    listed = schemas.reference("departments")["items"]
    return frozenset(one["code"] for one in listed if one["region"] == region)
