"""One partner's worst permitted load, until killed: ``python -m bench.worst KIND URL TOKEN``.

A partner's credentials permit every kind; none is reasonable. It prints the kind once the load begins.
"""

import asyncio
import gzip
import itertools
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import orjson

from bench.offers import documents
from bench.wire import request

_LANES = 8
_READ = 1 << 18

Attack = Callable[["Endpoint"], Awaitable[None]]


class Endpoint:
    """The gateway's host and port, and an access token."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or ""
        self.port = parts.port or 80
        self.token = token

    async def send(self, method: str, path: str, body: bytes = b"", *, leave: bool = False, **headers: str) -> bytes:
        """One request on a connection of its own; its answer is read to the end, or not at all (``leave``). Returns
        the last bytes of the answer.
        """
        last = b""
        async with self._connected() as (reader, writer):
            writer.write(
                request(method, path, host=self.host, token=self.token, body=body, Connection="close", **headers)
            )
            await writer.drain()
            while not leave and (piece := await reader.read(_READ)):
                last = piece
        return last

    async def trickle(self, path: str, body: bytes, *, seconds: float, **headers: str) -> None:
        """The same, byte by byte, with a pause of ``seconds`` after each."""
        async with self._connected() as (reader, writer):
            whole = request("POST", path, host=self.host, token=self.token, body=body, **headers)
            writer.write(whole.removesuffix(body))
            for byte in body:
                if reader.at_eof():
                    break
                writer.write(bytes((byte,)))
                await writer.drain()
                await asyncio.sleep(seconds)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection, which the gateway may end before the block does."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            with suppress(ConnectionError):
                yield reader, writer
        finally:
            writer.close()


def _broken(number: int, size: int) -> bytes:
    """An offer with about a hundred problems."""
    return orjson.dumps({"id": f"bretagne:{number}", "weeks": ["2027-W99"] * (size // 11), "title": 1, "levels": [{}]})


_BOMB = gzip.compress(b"{}\n" * 50_000, 9)
_EMPTY = b"{}\n" * 50_000
_REFUSED = b"".join(_broken(number, 1_500) + b"\n" for number in range(1_000))
_SHORT = b'{"id":"bretagne:1","title":"an offer without all the rest"}\n' * 2_500
_LARGE = _broken(1, 90_000)
_KEYS = (
    orjson.dumps({**orjson.loads(documents(1)[0]), "extensions": {f"k{number}": {} for number in range(7_500)}}) + b"\n"
) * 50
_LONG = b"".join(
    orjson.dumps(
        {"id": f"bretagne:{number}", "title": "x" * 20_000, "description": "y\u202e" * 10_000, "levels": "z" * 20_000}
    )
    + b"\n"
    for number in range(100)
)
_OFFERS = b"".join(raw + b"\n" for raw in documents(5_000))
_UPLOADS = itertools.count()
_LINES = "application/x-ndjson"
_BATCH = "/v1/offers/batch?partial=true"


async def bombs(endpoint: Endpoint) -> None:
    """184 bytes of gzip that hold 50,000 empty objects, and the same uncompressed."""
    await endpoint.send("POST", _BATCH, _BOMB, Content_Encoding="gzip", Content_Type=_LINES)
    await endpoint.send("POST", _BATCH, _EMPTY, Content_Type=_LINES)


async def refused(endpoint: Endpoint) -> None:
    """Dry runs of 1,000 offers with a hundred problems each."""
    await endpoint.send("POST", _BATCH + "&dry_run=true", _REFUSED, Content_Type=_LINES)


async def aborted(endpoint: Endpoint) -> None:
    """150 kB of short refused offers, and an immediate disconnect."""
    await endpoint.send("POST", _BATCH, _SHORT, leave=True, Content_Type=_LINES)
    await asyncio.sleep(0.05)


async def extensions(endpoint: Endpoint) -> None:
    """Offers of 95 kB with 7,500 extensions each."""
    await endpoint.send("POST", _BATCH, _KEYS, Content_Type=_LINES)


async def texts(endpoint: Endpoint) -> None:
    """Refused offers of 90 kB, most of it long texts."""
    await endpoint.send("POST", _BATCH, _LONG, Content_Type=_LINES)


async def snapshots(endpoint: Endpoint) -> None:
    """Snapshots of 5,000 offers whose last line has the wrong count: judged completely, then refused."""
    answer = await endpoint.send("POST", "/v1/snapshots/marks")
    if found := re.search(rb'"mark":"([^"]+)"', answer):
        mark = found[1].decode()
        await endpoint.send("POST", f"/v1/snapshots?mark={mark}", _OFFERS + b'{"count":1}\n', Content_Type=_LINES)


async def uploads(endpoint: Endpoint) -> None:
    """Batches of 5,000 new offers, all of which are published."""
    ids = b'"id":"bretagne:%d-' % next(_UPLOADS)
    await endpoint.send("POST", _BATCH, _OFFERS.replace(b'"id":"bretagne:', ids), Content_Type=_LINES)


async def trickles(endpoint: Endpoint) -> None:
    """Uploads that arrive byte by byte, 32 per task."""
    await asyncio.gather(*(endpoint.trickle(_BATCH, _SHORT, seconds=0.05, Content_Type=_LINES) for _ in range(32)))


async def puts(endpoint: Endpoint) -> None:
    """Single offers of 90 kB that break a hundred rules."""
    await endpoint.send("PUT", "/v1/offers/bretagne:1", _LARGE, Content_Type="application/json")


async def reads(endpoint: Endpoint) -> None:
    """Full pages of lists and changes, and whole exports, without any pause."""
    for path in ("/v1/offers?limit=1000&territory=all", "/v1/changes?limit=1000&territory=all"):
        await endpoint.send("GET", path)
    await endpoint.send("GET", "/v1/exports/jobposting?territory=all")


async def tokens(endpoint: Endpoint) -> None:
    """Token requests whose assertion has the maximum length."""
    assertion = "e30." * 3_000
    form = (
        "grant_type=client_credentials&client_assertion_type="
        f"urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
    ).encode()
    await endpoint.send("POST", "/oauth/token", form, Content_Type="application/x-www-form-urlencoded")


KINDS: Mapping[str, Attack] = {
    one.__name__: one
    for one in (bombs, refused, aborted, extensions, texts, snapshots, uploads, trickles, puts, reads, tokens)
}


async def attack(kind: str, url: str, token: str) -> None:
    """Eight concurrent tasks, until killed."""
    print(kind, flush=True)

    async def lane() -> None:
        while True:
            try:
                await KINDS[kind](Endpoint(url, token))
            except OSError:
                await asyncio.sleep(0.05)

    await asyncio.gather(*(lane() for _ in range(_LANES)))


if __name__ == "__main__":
    asyncio.run(attack(*sys.argv[1:]))
