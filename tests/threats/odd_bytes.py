"""Requests of well-formed HTTP with odd bytes in the parts that a client chooses, sent to both ports of a gateway.

``python -m tests.threats.odd_bytes --count 20000`` is the long run.
"""

import asyncio
import os
import random
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import quote_from_bytes

import aiohttp

from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.pages.base.door import COOKIE
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.settings import Settings
from tests.api.write.test_contract import document
from tests.pages.signing import sign_in
from tests.raw_http import RawAnswer, RawConnection

AT_ONCE = 8
_SECRET = "a secret of thirty-two bytes or so"
_ODD: Sequence[bytes] = (
    *(b"\xe9", b"\xff\xfe", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\x80", b"\xa0"),
    *("é".encode(), "\u2028".encode(), "\U0001f600".encode(), b"\t", b'"', b"\\", b"%", b"%zz", b"%00", b"%ff", b"'"),
    *(b"*", b"..", b"/", b"//", b"=", b";", b",", b":", b"@", b"-1", b"1e400", b"9" * 400, b"[", b"{}", b"null", b"~"),
)
_METHODS = (b"GET", b"GET", b"GET", b"HEAD", b"PUT", b"POST", b"POST", b"DELETE", b"OPTIONS", b"PATCH", b"X'Y")
_PATHS: Sequence[bytes] = (
    *(path.replace("{id}", "bretagne:1").replace("{", "").replace("}", "").encode() for path in document()["paths"]),
    *(b"/", b"/en/", b"/verifier", b"/en/check", b"/brancher", b"/en/connect", b"/reference", b"/reference/listes"),
    *(b"/mentions-legales", b"/session", b"/en/enter", b"/connexion", b"/plateforme", b"/plateforme/offres"),
    *(b"/exploitation", b"/exploitation/registre", b"/exploitation/offre", b"/exploitation/refus", b"/static/x.css"),
    *(b"/healthz", b"/readyz", b"/metrics", b"/nowhere"),
)
_QUERIES = (
    *(b"cursor", b"limit", b"territory", b"wait", b"since", b"until", b"q", b"bbox", b"near", b"revision", b"reason"),
    *(b"dry_run", b"partial", b"receipt", b"batch", b"platform", b"sector", b"week", b"act", b"about", b"lang", b"id"),
)
_FIELDS = (
    *(b"Host", b"Expect", b"Accept", b"Accept-Language", b"Accept-Encoding", b"Authorization", b"Cookie", b"Cookie"),
    *(b"Content-Type", b"Content-Encoding", b"If-None-Match", b"If-Modified-Since", b"If-Match", b"Range", b"Prefer"),
    *(b"Idempotency-Key", b"X-Request-Id", b"traceparent", b"tracestate", b"Origin", b"Referer", b"User-Agent"),
    *(b"X-Forwarded-For", b"Forwarded", b"X-Forwarded-Proto", b"Sec-Fetch-Site", b"Connection", b"Upgrade", b"X-Odd"),
    *(b"Last-Event-ID", b"Content-Language", b"Date", b"DPoP", b"Via"),
)
_VALUES: dict[bytes, bytes] = {
    b"Accept": b"text/html,application/json;q=0.9",
    b"Accept-Language": b"en;q=0.8",
    b"Authorization": b"Basic YTpi",
    b"Cookie": b"passerelle=a; __Host-session=b; lang=en",
    b"Content-Type": b"multipart/form-data; boundary=x",
    b"Prefer": b"wait=1",
    b"Range": b"bytes=0-1",
    b"Expect": b"100-continue",
    b"Host": b"127.0.0.1",
}
_TYPES = (
    *(b"application/json", b"application/x-ndjson", b"application/x-www-form-urlencoded"),
    b"multipart/form-data; boundary=x",
)


class RawRequest(NamedTuple):
    """The bytes of a request, and whether its answer has no body."""

    data: bytes
    head: bool


class Gateway(NamedTuple):
    """A whole gateway: its two ports, and tokens and sessions of two partners, the second of whom may operate."""

    ports: tuple[int, int]
    tokens: Sequence[bytes]
    sessions: Sequence[bytes]


def _odd(rng: random.Random) -> bytes:
    return b"".join(
        rng.choice(_ODD) if rng.random() < 0.7 else bytes([rng.choice([*range(0x20, 0x7F), *range(0x80, 0x100)])])
        for _ in range(rng.randint(1, 4))
    )


def _mixed(rng: random.Random, plain: bytes) -> bytes:
    """Plain text, with odd bytes at a random place or instead of it."""
    odd, at = _odd(rng), rng.randint(0, len(plain))
    mixed = (odd, plain[:at] + odd + plain[at:], plain)
    return mixed[rng.randrange(len(mixed))]


def _target(rng: random.Random) -> bytes:
    path = rng.choice(_PATHS)
    if rng.random() < 0.3:
        path += b"/" + _mixed(rng, b"bretagne:1")
    query = b"&".join(
        _mixed(rng, rng.choice(_QUERIES)) + b"=" + _mixed(rng, rng.choice((b"1", b"all", b"35", b"2027-01-01")))
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3)))
    )
    target = path + (b"?" + query if query else b"")
    if rng.random() < 0.8:
        target = quote_from_bytes(target, safe="/?&=:").encode()
    return target.replace(b" ", b"+").replace(b"\t", b"%09")


def _body(rng: random.Random) -> bytes:
    if rng.random() < 0.6:
        return b""
    text = _mixed(rng, rng.choice((b'{"id": "bretagne:1", "revision": 1}', b"grant_type=client_credentials", b"[{}]")))
    if rng.random() < 0.3:
        text = b'--x\r\nContent-Disposition: form-data; name="' + _odd(rng) + b'"\r\n\r\n' + text + b"\r\n--x--\r\n"
    return text


def request(rng: random.Random, served: Gateway) -> RawRequest:
    """One request; the connection ends with it."""
    method = rng.choice(_METHODS)
    fields: list[tuple[bytes, bytes]] = [(b"Connection", b"close")]
    if rng.random() < 0.9:
        fields.append((b"Host", _VALUES[b"Host"]))
    if rng.random() < 0.5:
        fields.append((b"Authorization", b"Bearer " + rng.choice(served.tokens)))
    if rng.random() < 0.5:
        fields.append((b"Cookie", COOKIE.encode() + b"=" + rng.choice(served.sessions)))
        fields.append((b"Sec-Fetch-Site", b"same-origin"))
    some = rng.sample(_FIELDS, rng.randint(0, 4))
    fields += [(name, _mixed(rng, _VALUES.get(name, b"a"))) for name in some]
    if rng.random() < 0.1:
        fields.append((b"Authorization", b"Basic " + b64encode(_odd(rng) + b":" + _odd(rng))))
    body = _body(rng)
    if body or method in {b"PUT", b"POST"}:
        fields.append((b"Content-Length", b"%d" % len(body)))
        fields.append((b"Content-Type", rng.choice(_TYPES)))
    lines = [method + b" " + _target(rng) + b" HTTP/1.1", *(name + b": " + value for name, value in fields)]
    return RawRequest(b"\r\n".join((*lines, b"", body)), head=method == b"HEAD")


@asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[Gateway]:
    """A gateway as ``passerelle serve`` runs it."""
    settings = Settings(
        data=folder, port=0, management_port=0, log_level="critical", requests_per_minute=1_000_000, secret=_SECRET
    )
    secrets: dict[str, str] = {}
    async with open_log(settings) as log:
        partners = Partners(log)
        for name, scopes in (("bretagne", {"offers:publish", "offers:read"}), ("exploitation", {"operate"})):
            minted = mint_secret(now=clock.now(), entropy=os.urandom)
            await partners.save(Partner(platform=name, name=name, scopes=frozenset(scopes), secrets=(minted.kept,)))
            secrets[name] = minted.text
        await partners.close()
    async with running(settings) as served, aiohttp.ClientSession() as session:
        tokens: list[bytes] = []
        for name, secret in secrets.items():
            requests = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
            async with session.post(f"{served.url}/oauth/token", data=requests) as response:
                tokens.append((await response.json())["access_token"].encode())
        sessions = [(await asyncio.to_thread(sign_in, served.url, _SECRET, name)).encode() for name in secrets]
        yield Gateway((_port(served.url), _port(served.management_url)), tokens, sessions)


def _port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


async def failures(folder: Path, count: int, *, seed: int) -> tuple[Counter[int], list[tuple[int, bytes]]]:
    """The statuses of so many requests to both ports in turn, and those that failed: 5xx other than 503 and 505, no
    answer at all, or one that a browser may take for another type.
    """
    statuses: Counter[int] = Counter()
    failed: list[tuple[int, bytes]] = []
    async with gateway(folder) as served:
        requests = enumerate(request(rng, served) for rng in _seeds(seed, count))

        async def client() -> None:
            for number, one in requests:
                answer = await _answer(served.ports[number % 4 == 3], one)
                status = 0 if answer is None else answer.status
                statuses[status] += 1
                sniffed = answer is not None and answer.headers.get("x-content-type-options") != "nosniff"
                if status == 0 or sniffed or (status >= 500 and status not in {503, 505}):
                    failed.append((status, one.data))

        await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return statuses, failed


def _seeds(seed: int, count: int) -> Iterator[random.Random]:
    return (random.Random(f"{seed}/{number}") for number in range(count))


async def _answer(port: int, requests: RawRequest) -> RawAnswer | None:
    connection = await RawConnection.open(port)
    try:
        await connection.send(requests.data)
        while (answer := await connection.answer(head=requests.head)) is not None and answer.status < 200:
            pass
    finally:
        await connection.close()
    return answer


def main() -> None:
    """Send as many as asked, and show what failed."""
    count = int(sys.argv[sys.argv.index("--count") + 1]) if "--count" in sys.argv else 20_000
    with TemporaryDirectory() as folder:
        statuses, failed = asyncio.run(failures(Path(folder), count, seed=random.randrange(2**32)))
    sys.stdout.write(f"{statuses.total()} requests: {dict(sorted(statuses.items()))}\n")
    sys.stdout.writelines(f"{status}: {data!r}\n" for status, data in failed)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
