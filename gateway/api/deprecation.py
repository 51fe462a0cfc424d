"""Deprecated addresses and parameters, named in answers: ``Deprecation`` (RFC 9745), ``Sunset`` (RFC 8594), and a link.

They are declared in ``schemas/deprecations.json``, from which the contract has its marks as well (EVO-007).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from email.utils import formatdate
from typing import TypeAlias

from aiohttp import hdrs, web

from gateway.protocol.paris_time import paris_midnight
from schemas.contract import Deprecation

Deprecations: TypeAlias = Mapping[tuple[str, str], Sequence[Deprecation]]
"""By method and path of the contract, those that end first before others."""
DEPRECATIONS: web.AppKey[Deprecations] = web.AppKey("deprecations", Mapping)


def by_route(declared: Iterable[Deprecation]) -> Deprecations:
    """The deprecations as answers look them up."""
    found: dict[tuple[str, str], list[Deprecation]] = {}
    for one in sorted(declared, key=lambda one: one.sunset):
        found.setdefault((one.method.upper(), one.path), []).append(one)
    return found


def set_deprecation(request: web.Request, response: web.StreamResponse) -> None:
    """Name the deprecation that a request uses, HEAD as GET; of several, the one that ends first."""
    resource = request.match_info.route.resource
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    route = method, "" if resource is None else resource.canonical
    for one in request.app[DEPRECATIONS].get(route, ()):
        if one.parameter is None or one.parameter in request.query:
            response.headers["Deprecation"] = f"@{_seconds(one.since)}"
            response.headers["Sunset"] = formatdate(_seconds(one.sunset), usegmt=True)
            response.headers.add(hdrs.LINK, f'<{one.page}>; rel="deprecation"; type="text/html"')
            return


def _seconds(day: date) -> int:
    return paris_midnight(day) // 1000
