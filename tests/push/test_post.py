"""One push over HTTPS: the addresses that it refuses when it connects, its bounds, and what an answer means."""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from gateway.protocol.push import PushOutcome
from gateway.push.post import Poster, endpoint_fault
from gateway.runtime.daemon_thread import DaemonThread
from gateway.runtime.public_host import AddressRefusedError, HostUnknownError, resolve
from tests.clock import START, ManualClock
from tests.log.kafka.certificate import Authority
from tests.transport.hostile import saying, talking
from tests.transport.server import serving, speaking

REFUSED = (
    *("127.0.0.1", "127.0.0.2", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255"),
    *("100.64.0.1", "100.127.255.255", "169.254.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.255", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
    *("255.255.255.255", "2130706433", "0", "1", "127.1", "127.0.1", "10.1", "0177.0.0.1", "0x7f.1", "0x7f000001"),
    *("017700000001", "0xa9fea9fe", "2852039166", "169.254.43518", "[::]", "[::1]", "[::ffff:127.0.0.1]"),
    *("[::ffff:10.0.0.1]", "[::ffff:169.254.169.254]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"),
    *("[64:ff9b::a9fe:a9fe]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::1]", "[2001:db8::1]", "[2001::1]", "[fe80::1]"),
    *("[fe80::1%25lo]", "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[4000::1]", "[3fff::1]"),
    *("localhost", "localhost.", "LOCALHOST", "ip6-localhost"),
    *("[::ffff:127.1]", "[::ffff:127.000.000.001]", "[::ffff:127.0.0.1%25lo]", "[::1%25]"),
)
"""Loopback, private and shared networks, link-local, metadata, documentation, multicast; numbers in other forms; IPv4
inside IPv6.
"""


@pytest.mark.parametrize("host", REFUSED)
async def test_a_hostile_address_is_refused_when_it_is_connected_to(host: str) -> None:
    """[PSH-010] Whatever the url said when it was set; nothing is sent."""
    async with Poster(clock=ManualClock(), loopback=False) as poster:
        outcome = await poster.post(f"https://{host}/x?key=1", b"{}", {}, seconds=20)
    assert outcome.reason in {"address-private", "host-unknown"}
    assert outcome.status is None


def test_sixty_hostile_addresses_are_tried() -> None:
    assert len(set(REFUSED)) >= 60


NINES = 999_999_999_000


class Changing(DaemonThread):
    """A name server whose answer changes: public the first time, this machine afterwards."""

    def __init__(self, answers: Sequence[str]) -> None:
        super().__init__()
        self.answers = list(answers)

    async def do(self, _call: object) -> object:  # type: ignore[override]
        address = self.answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]


async def test_a_name_whose_answer_changes_is_checked_at_each_connection() -> None:
    worker = Changing(["93.184.216.34", "127.0.0.1"])
    assert ["93.184.216.34"] == [one.text for one in await resolve("x.example", 443, loopback=False, worker=worker)]
    with pytest.raises(AddressRefusedError):
        await resolve("x.example", 443, loopback=False, worker=worker)


async def test_one_private_address_among_public_ones_refuses_the_name() -> None:
    class Mixed(DaemonThread):
        async def do(self, _call: object) -> object:  # type: ignore[override]
            found = ("93.184.216.34", "10.0.0.1")
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in found]

    with pytest.raises(AddressRefusedError):
        await resolve("x.example", 443, loopback=False, worker=Mixed())


async def test_an_unknown_name_is_reported_as_such() -> None:
    with pytest.raises(HostUnknownError):
        await resolve("no-such-host.invalid", 443, loopback=False, worker=DaemonThread())


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://example.org:8443/",
        "https://user:word@example.org/",
        "https://example.org/#part",
        "https:///path",
        "https://example.org/a b",
        "https://exämple.org/",
        "example.org",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://example.org/" + "a" * 2_000,
    ],
)
def test_what_is_no_url_of_an_endpoint_is_refused_in_both_languages(url: str) -> None:
    fault = endpoint_fault(url, loopback=False)
    assert fault is not None
    assert str(fault) != fault.fr


@pytest.mark.parametrize("url", ["https://example.org", "https://example.org:443/a?key=%7Eb&c=d", "https://8.8.8.8/"])
def test_a_url_of_an_endpoint_is_accepted(url: str) -> None:
    assert endpoint_fault(url, loopback=False) is None


async def posted(url: str, seconds: float = 20) -> PushOutcome:
    async with Poster(clock=ManualClock(), loopback=True) as poster:
        return await poster.post(url, b"{}", {"webhook-id": "msg_1"}, seconds=seconds)


async def test_a_push_is_one_post_with_its_query_as_it_was_set() -> None:
    seen = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append((request.method, request.raw_path, request.content_type, request.headers["webhook-id"]))
        return web.Response(status=204)

    async with serving(answer) as url:
        outcome = await posted(f"{url}/in?key=%7Ea%2Fb")
    assert outcome == PushOutcome(at=START, status=204)
    assert seen == [("POST", "/in?key=%7Ea%2Fb", "application/json", "msg_1")]


async def test_a_redirect_is_not_followed() -> None:
    seen = []

    async def answer(request: web.Request) -> web.StreamResponse:
        seen.append(request.path)
        return web.Response(status=307, headers={"Location": "/other"})

    async with serving(answer) as url:
        assert (await posted(f"{url}/in")).status == 307
    assert seen == ["/in"]


async def test_an_endpoint_that_sleeps_costs_the_time_of_a_push_only() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async with serving(answer) as url:
        began = time.monotonic()
        outcome = await posted(url, seconds=0.2)
        quick = time.monotonic() - began
    assert outcome.reason == "timeout"
    assert quick < 30


async def test_a_status_counts_though_the_time_of_the_push_ends_before_its_body() -> None:
    """[PSH-010]"""
    async with talking(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"")) as port:
        assert 200 == (await posted(f"http://127.0.0.1:{port}", seconds=0.5)).status


async def test_an_answer_is_read_for_a_kilobyte_at_most() -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(64):
            await response.write(bytes(1 << 20))
            sent += 1
        return response

    async with serving(answer) as url:
        assert (await posted(url)).arrived
    assert sent < 64


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"", "unreachable"),
        (b"HTTP/1.1 200", "unreachable"),
        (b"nonsense\r\n\r\n", "answer-malformed"),
        (b"Warning: file\r\nHTTP/1.1 204 No Content\r\n\r\n", "answer-malformed"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", "answer-malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", "answer-malformed"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 50_000, "answer-malformed"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "answer-malformed"),
    ],
)
async def test_an_answer_that_is_no_http_is_named_so_where_one_came(reply: bytes, reason: str) -> None:
    """[PSH-012]"""
    async with speaking(reply) as url:
        assert (await posted(url)).reason == reason


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"no chunk\r\n"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", b"ok"),
    ],
)
async def test_the_status_counts_whatever_becomes_of_the_body(head: bytes, body: bytes) -> None:
    """[PSH-004] A page that was answered 2xx is not sent again, and no push waits for a body that does not come."""
    async with talking(saying(head, body)) as port:
        assert (await posted(f"http://127.0.0.1:{port}")).arrived


async def test_headers_that_never_end_cost_the_time_of_a_push_only() -> None:
    """[PSH-010]"""
    async with talking(saying(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n")) as port:
        assert (await posted(f"http://127.0.0.1:{port}", seconds=0.3)).reason == "timeout"


async def test_an_idle_connection_is_closed_before_an_endpoint_closes_it() -> None:
    """[PSH-008] No push is lost on a connection that ends meanwhile: Node closes after 5 s."""
    closed = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        assert b"" == await reader.read()
        closed.set()

    async with talking(talk) as port, Poster(clock=ManualClock(), loopback=True) as poster:
        assert (await poster.post(f"http://127.0.0.1:{port}", b"{}", {}, seconds=20)).arrived
        async with asyncio.timeout(4):
            await closed.wait()


async def test_little_of_an_answer_that_is_not_asked_for_is_taken_at_a_time() -> None:
    """[PSH-010] An endpoint that answers 100 without end does not stop the event loop for long."""
    taken = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n")
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as raw, suppress(BlockingIOError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
            while True:  # no turn of the loop between
                taken += raw.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)

    async with talking(talk) as port:
        assert (await posted(f"http://127.0.0.1:{port}")).reason == "unreachable"
    assert 0 < taken < 20_000


async def test_a_certificate_of_nobody_that_is_trusted_is_named(tmp_path: Path) -> None:
    """[PSH-010]"""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*Authority(tmp_path).issue("server"))

    async def answer(_: web.Request) -> web.StreamResponse:
        raise AssertionError("an endpoint that is not trusted gets nothing")

    async with serving(answer, tls=tls) as url:
        assert (await posted(url)).reason == "tls"


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("7", 7_000),
        ("0", 0),
        ("soon", None),
        ("-1", None),
        ("Mon, 30 Nov 2026 00:00:00 GMT", 0),
        ("9" * 40, 10**12 - 1_000),
    ],
)
async def test_retry_after_is_seconds_or_a_date(text: str, wait: int | None) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=503, headers={"Retry-After": text})

    async with serving(answer) as url:
        assert wait == (await posted(url)).wait
