"""Refusals over HTTP: problem documents (RFC 9457) and the texts of the token endpoint (RFC 6749, 5.2)."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.rulebook import Problem, catalogue, localized
from schemas.texts import Language, load_texts

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:fr:stages:problem:"


def title(status: int, language: Language) -> str:
    """The title of a status; that of the first status of its class if it has none of its own."""
    titles = load_texts(__package__, "titles.json")
    text: str = (titles.get(str(status)) or titles[str(status // 100 * 100)])[language]
    return text


def problem_document(
    found: Problem,
    language: Language,
    *,
    status: int,
    problems: Sequence[Mapping[str, Any]] = (),
    members: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document of RFC 9457 with the members of this protocol (schema ``problem``). ``problems`` are in both
    languages, such as those of a verdict; ``members`` are further members.
    """
    explanation = localized(found.to_json(), language)
    document = {
        "type": TYPE + found.code,
        "title": title(status, language),
        "status": status,
        "detail": explanation.pop("message"),
        **{name: value for name, value in explanation.items() if value is not None},
        **(members or {}),
    }
    if problems:
        document["problems"] = [localized(dict(problem), language) for problem in problems]
    return document


def preload_refusals() -> None:
    """Read the packaged files of every refusal: a service without free file descriptors can still refuse."""
    catalogue()
    title(400, "fr")


def token_refusals() -> Mapping[str, Mapping[str, Any]]:
    """Every reason of the token endpoint with its RFC 6749 error, its HTTP status and its texts."""
    return load_texts(__package__, "oauth.json")
