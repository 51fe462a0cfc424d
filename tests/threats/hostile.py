"""The worst requests that anybody can send to each public address of a gateway, written as bytes."""

from collections.abc import Mapping

from aiohttp import web

from gateway.api.auth import scopes_of

FILLED = {"{part}": "bretagne:d1", "{name}": "x", "{list}": "weeks"}
"""The variable parts of public addresses."""
UNKNOWN = ("GET", "/no/such/address")
CLOSED = ("GET", "/v1/offers")
MULTIPART = "multipart/form-data; boundary=xyz"
URLENCODED = "application/x-www-form-urlencoded"
_TEXT = b'--xyz\r\nContent-Disposition: form-data; name="text"\r\n\r\n%s\r\n--xyz--\r\n'
_LINE = 8_000
"""Bytes of a header line or of an address: aiohttp takes no more than 8,190."""
_LINES = 100


def public_routes(app: web.Application) -> list[tuple[str, str]]:
    """Method and address of every route that needs no token; then one that does not exist, and one that needs one."""
    found = []
    for route in app.router.routes():
        if "public" in scopes_of(route.handler) and route.method != "HEAD" and route.resource is not None:
            path = route.resource.canonical
            for part, text in FILLED.items():
                path = path.replace(part, text)
            assert "{" not in path, f"say in FILLED what stands for the variable part of {path}"
            found.append((route.method, path))
    return [*found, UNKNOWN, CLOSED]


BODIES: Mapping[str, tuple[str, bytes]] = {
    "false delimiters": (MULTIPART, _TEXT % (b"\r\n--xyzz" * 120_000)),
    "shortest false delimiters": (
        "multipart/form-data; boundary=a",
        b'--a\r\nContent-Disposition: form-data; name="text"\r\n\r\n' + b"\r\n--aa" * 160_000 + b"\r\n--a--\r\n",
    ),
    "percent signs": (URLENCODED, b"text=" + b"%41" * 58_000),
    "ampersands": (URLENCODED, b"&" * 175_000),
    "fields": (MULTIPART, b'--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 15_000 + b"--xyz--\r\n"),
    "names": (MULTIPART, b"--xyz\r\nContent-Disposition: form-data" + b';name="' * 1_100 + b"\r\n\r\n\r\n--xyz--\r\n"),
    "markup": (MULTIPART, _TEXT % (b"<&\"'>" * 52_000)),
    "no UTF-8": (MULTIPART, _TEXT % (b"\xff" * 1_000_000)),
    "deep": (MULTIPART, _TEXT % (b"[" * 250_000)),
    "refused offers": (MULTIPART, _TEXT % (b"[" + b",".join([b'{"id":1,"weeks":[2,3,4],"title":{}}'] * 6_000) + b"]")),
    "too large": (MULTIPART, b"x" * 3_000_000),
    "JSON": ("application/json", b'{"a":' * 30_000),
}


def plain(method: str, path: str, *, query: str = "", headers: bytes = b"") -> bytes:
    """A request as a browser sends it, without a body."""
    target = f"{path}?{query}" if query else path
    return f"{method} {target} HTTP/1.1\r\nHost: gateway\r\nAccept: text/html\r\n".encode() + headers + b"\r\n"


def posted(path: str, kind: str, body: bytes, *, origin: str) -> bytes:
    """A form of a page of this origin."""
    head = f"Origin: {origin}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return plain("POST", path, headers=head.encode()) + body


def names(method: str) -> list[str]:
    """Of the hostile requests to an address that takes this method."""
    if method == "POST":
        return [*BODIES]
    return [*QUERIES, *(f"{number} {name}" for name in HEADERS for number in ("one", "many")), "compressed"]


def hostile(method: str, path: str, name: str, *, origin: str) -> bytes:
    """The hostile request of this name."""
    if method == "POST":
        return posted(path, *BODIES[name], origin=origin)
    if name in QUERIES:
        return plain(method, path, query=QUERIES[name])
    number, _, header = name.partition(" ")
    line = f"{header}: {HEADERS[header][:_LINE]}\r\n".encode() if header else b"Accept-Encoding: gzip\r\n"
    return plain(method, path, headers=line * (_LINES if number == "many" else 1))


QUERIES = {
    "no query": "",
    "a query": "x=1",
    "an example": "example=mistakes",
    "a link": "link=" + "A" * _LINE,
    "fields": "&a=" * (_LINE // 3),
    "percent signs": "a=" + "%41" * (_LINE // 3),
}
HEADERS = {
    "Cookie": "a=b;" * _LINE,
    "Accept": "a;q=0.1," * _LINE,
    "Accept-Encoding": "a;q=0.1," * _LINE,
    "Accept-Language": "a;q=0.1," * _LINE,
    "If-None-Match": '"a",' * _LINE,
    "X-Forwarded-For": "1.1.1.1," * _LINE,
    "Authorization": "Bearer " + "a.b" * _LINE,
    "Traceparent": "00-" * _LINE,
    "X-Request-Id": "a" * _LINE,
    "Content-Type": "a;" * _LINE,
    "X-Other": "a" * _LINE,
}
