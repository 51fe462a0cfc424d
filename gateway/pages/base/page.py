"""A page, and what its handler answers."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from aiohttp import hdrs, web

from schemas.rulebook import Language


@dataclass(frozen=True, slots=True)
class Answer:
    """A template below ``gateway/pages`` with its values; ``t`` are the texts of the template's first folder.

    ``made_of``: while a public page's answers are made of equal things, it is rendered once in each language, and its
    ``values`` are computed once. ``query``: what the page has read of its address, from a closed list.
    """

    template: str
    values: Mapping[str, Any] | Callable[[], Mapping[str, Any]] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    made_of: object | None = None
    query: Mapping[str, str] = field(default_factory=dict)

    def computed(self) -> Mapping[str, Any]:
        """The values."""
        return self.values() if callable(self.values) else self.values


@dataclass(frozen=True, slots=True)
class Download:
    """A file that the browser saves under this name."""

    filename: str
    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another page, to be asked for with GET (303)."""

    page: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


Handler: TypeAlias = Callable[[web.Request, Language], Awaitable[Answer | Download | Redirect]]
Role: TypeAlias = Literal["platform", "operator"]
"""The role that reads a page: ``platform`` for every session, ``operator`` for a session of a partner with the scope
``operate``.
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its name, its path in each language, its handlers. ``live``: the script renews its ``data-live`` parts,
    and the template has the button that pauses this (WCAG 2.2.2).

    ``role``: the page needs a session; its handlers find it with ``session_of``, and a POST reaches its handler only
    with a form of that session, which is ``form_of``. Such a page must be ``private``: the answers are never stored,
    and a POST must come from a page of this gateway. ``example``: a value of ``{part}``, where the paths
    have one and some value always leads to a page.
    """

    name: str
    paths: Mapping[Language, str]
    get: Handler | None
    post: Handler | None = None
    live: bool = False
    role: Role | None = None
    private: bool = False
    example: str = ""

    def path(self, language: Language, part: str = "") -> str:
        """The path in a language, with a value of ``{part}``."""
        return self.paths[language].replace("{part}", quote(part or self.example, safe=":"))


def operator_page(
    name: str, french: str, english: str, get: Handler, post: Handler | None = None, *, live: bool = False
) -> Page:
    """A page of the operator, at a path of each language below that of the area."""
    paths: Mapping[Language, str] = {"fr": f"/exploitation{french}", "en": f"/en/operate{english}"}
    return Page(name, paths, get, post, live=live, role="operator", private=True)


RETRY_SECONDS = "2"
"""After this time a page that waits for the log is worth another request."""


class PageError(Exception):
    """A refusal that is rendered as a page; 400, 404, 405, 413, 415, 429, 500 and 503 have texts of their own, and so
    has a ``kind`` of one.
    """

    def __init__(self, status: int, headers: Mapping[str, str] | None = None, *, kind: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.headers = dict(headers or {})
        self.kind = kind or str(status)


def views_behind() -> PageError:
    """The refusal of a page whose views have not caught up with the log (503)."""
    return PageError(503, {hdrs.RETRY_AFTER: RETRY_SECONDS})


__all__ = [
    "RETRY_SECONDS",
    "Answer",
    "Download",
    "Handler",
    "Language",
    "Page",
    "PageError",
    "Redirect",
    "Role",
    "operator_page",
    "views_behind",
]
