"""The HTTP contract as the stand-in reads it: operations, their scopes and parameters, from the OpenAPI document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from aiohttp import hdrs, web

from schemas.contract import precise_openapi


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation. ``scopes``: each opens it; empty: public. ``query`` has the schemas of its parameters by name."""

    name: str
    method: str
    path: str
    scopes: tuple[str, ...]
    query: Mapping[str, Mapping[str, Any]]


@cache
def operations() -> Mapping[str, Operation]:
    """Every operation by its ``operationId``, in the document's order."""
    return {each.name: each for each in _read(precise_openapi())}


def _read(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, body in item.items():
            if method == "parameters":
                continue
            parameters = [_resolved(each, document) for each in body.get("parameters", ())]
            yield Operation(
                name=body["operationId"],
                method=method.upper(),
                path=path,
                scopes=tuple(scope for each in body["security"] for scope in each.get("bearer", ())),
                query={
                    each["name"]: _resolved(each["schema"], document) for each in parameters if each["in"] == "query"
                },
            )


def _resolved(value: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in value:
        return value
    target: Any = document
    for step in value["$ref"].split("/")[1:]:
        target = target[step]
    return {**target, **{name: each for name, each in value.items() if name != "$ref"}}


class Router:
    """Finds the operation of a request by its raw path, as aiohttp's dispatcher does: HEAD for GET, 404 and 405."""

    def __init__(self) -> None:
        self._routes = web.UrlDispatcher()
        self._operations = {(each.path, each.method): each for each in operations().values()}
        for path, method in self._operations:
            resource = self._routes.add_resource(path)
            if method == "GET":
                resource.add_route("HEAD", _unused)
            resource.add_route(method, _unused)

    async def find(self, request: web.BaseRequest) -> tuple[Operation, Mapping[str, str]]:
        """The operation and the variables of its path. Answers ``Expect``. Raises aiohttp's HTTPException."""
        match = await self._routes.resolve(cast("web.Request", request))  # reads method and path only
        if request.headers.get(hdrs.EXPECT):
            await match.expect_handler(cast("web.Request", request))
        if match.http_exception is not None:
            raise match.http_exception
        path = match.route.resource.canonical if match.route.resource else ""
        return self._operations[path, "GET" if request.method == "HEAD" else request.method], dict(match)


async def _unused(_: web.Request) -> web.StreamResponse:
    raise NotImplementedError
