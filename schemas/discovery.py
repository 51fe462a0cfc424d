"""The addresses that ``/.well-known/passerelle`` names, and the code lists: for the gateway and the kit (PUB-008)."""

from collections.abc import Mapping

from schemas.closed_list import closed_list

ENDPOINTS: Mapping[str, str] = {
    "token": "/oauth/token",
    "jwks": "/oauth/jwks.json",
    "offers": "/v1/offers",
    "batch": "/v1/offers/batch",
    "marks": "/v1/snapshots/marks",
    "snapshots": "/v1/snapshots",
    "receipts": "/v1/receipts",
    "changes": "/v1/changes",
    "digest": "/v1/changes/digest",
    "subscriptions": "/v1/subscriptions",
    "exports": "/v1/exports/{format}",
    "platforms": "/v1/platforms",
    "statistics": "/v1/statistics",
    "journal": "/v1/journal",
    "reference": "/v1/reference",
    "profile_schema": "/v1/schemas/profile.json",
    "openapi": "/v1/openapi.json",
    "asyncapi": "/v1/asyncapi.json",
}
"""Relative to the address of the discovery document (RFC 3986); ``{format}`` as in RFC 6570."""
REFERENCE_LISTS = closed_list("reference_list")
"""The lists of ``GET /v1/reference/{list}``."""
