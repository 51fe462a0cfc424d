"""Content negotiation: browsers get pages, on every address that is not the API's; language and encoding."""

import re
from collections.abc import Mapping

from aiohttp import hdrs, web

from gateway.runtime.accept_header import weights_of
from schemas.rulebook import Language, preferred_language

_API = re.compile(r"/(?:v[0-9]+|oauth|\.well-known|metrics|healthz|readyz)(?:/|$)")
"""Addresses of the API and of the management port: their refusals are problem documents for every client."""


def is_api(path: str) -> bool:
    """Whether a path belongs to the API."""
    return _API.match(path) is not None


def wants_page(request: web.BaseRequest) -> bool:
    """Whether a refusal is rendered as a page: outside of the API, for a client that names ``text/html``."""
    return not is_api(request.path) and weights_of(request.headers.getall(hdrs.ACCEPT, ())).get("text/html", 0.0) > 0


def accepts_gzip(request: web.BaseRequest) -> bool:
    """Whether ``Accept-Encoding`` allows gzip."""
    return weights_of(request.headers.getall(hdrs.ACCEPT_ENCODING, ())).get("gzip", 0.0) > 0


def language_of(request: web.BaseRequest, paths: Mapping[str, Language]) -> Language:
    """The language of a page's path; English below ``/en``; else by ``Accept-Language``, French by default."""
    path = request.path
    if path in paths:
        return paths[path]
    if path == "/en" or path.startswith("/en/"):
        return "en"
    return preferred_language(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
