"""View model of the interfaces: the operations of the OpenAPI document by subject, the topics of the AsyncAPI one."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from gateway.pages.base.wording import typographic
from schemas.contract import asyncapi_document, openapi_document
from schemas.rulebook import Language

_BETWEEN = " / "
"""Between the French and the English summary of an operation."""


@cache
def operations(language: Language) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The operations by their subject, in the document's order, with the scopes of which one is needed; none for
    everybody.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for path, item in openapi_document()["paths"].items():
        for method, body in item.items():
            if method == "parameters":
                continue
            french, _, english = body["summary"].partition(_BETWEEN)
            summary = typographic(french) if language == "fr" else english
            scopes = body.get("x-scopes", [])
            entry = {"method": method.upper(), "path": path, "summary": summary, "scopes": scopes}
            found.setdefault(body["tags"][0], []).append(entry)
    return found


@cache
def topics() -> Mapping[str, str]:
    """The addresses of the topics by their channel."""
    return {name: channel["address"] for name, channel in asyncapi_document()["channels"].items()}
