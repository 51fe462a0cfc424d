"""HTTPS pull against real servers on loopback: validators, limits, cut bodies, redirects, private addresses."""

import asyncio
import gzip
from pathlib import Path

import pytest
from aiohttp import web

from adapters.transport.feed import MEGABYTE, Feed, FeedError, FetchLimits, Unchanged
from adapters.transport.https import MAX_REDIRECTS, HttpsPull
from tests.transport.server import content_of, pulled, serving, speaking

FEED = b"<offers>" + b"<offer/>" * 1_000 + b"</offers>"


async def code_of(url: str, folder: Path, **limits: int) -> str:
    with pytest.raises(FeedError) as refused:
        await pulled(url, folder, None, **limits)
    assert refused.value.words("fr") != refused.value.words("en")
    return refused.value.code


async def test_a_feed_is_fetched_whole(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=FEED)

    async with serving(answer) as url:
        assert FEED == content_of(await pulled(url, tmp_path))


async def test_validators_are_sent_back_and_an_unchanged_feed_is_not_fetched_again(tmp_path: Path) -> None:
    requested = []

    async def answer(request: web.Request) -> web.Response:
        requested.append(request.headers.get("If-None-Match"))
        if request.headers.get("If-None-Match") == '"one"':
            return web.Response(status=304)
        return web.Response(body=FEED, headers={"ETag": '"one"', "Last-Modified": "Mon, 14 Jun 2027 08:00:00 GMT"})

    async with serving(answer) as url:
        feed = await pulled(url, tmp_path)
        assert isinstance(feed, Feed)
        feed.close()
        assert {"etag": '"one"', "last_modified": "Mon, 14 Jun 2027 08:00:00 GMT"} == feed.validators
        assert isinstance(await pulled(url, tmp_path, feed.validators), Unchanged)
    assert [None, '"one"'] == requested


async def test_a_gzipped_feed_is_inflated(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(FEED), headers={"Content-Encoding": "gzip"})

    async with serving(answer) as url:
        assert FEED == content_of(await pulled(url, tmp_path))


async def test_a_gzip_file_is_inflated_though_it_is_called_nothing(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(FEED))

    async with serving(answer) as url:
        assert FEED == content_of(await pulled(url, tmp_path))


async def test_a_gzip_stream_without_its_end_is_refused(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(FEED)[:-9], headers={"Content-Encoding": "gzip"})

    async with serving(answer) as url:
        assert "feed-cut" == await code_of(url, tmp_path)


async def test_a_body_falsely_announced_as_gzip_is_refused(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=FEED, headers={"Content-Encoding": "gzip"})

    async with serving(answer) as url:
        assert "feed-not-gzip" == await code_of(url, tmp_path)


async def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(bytes(40 * MEGABYTE)))

    async with serving(answer) as url:
        assert "feed-inflates-too-much" == await code_of(url, tmp_path, ratio=100)


async def test_a_body_cut_before_its_announced_length_is_refused(tmp_path: Path) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: 8000\r\n\r\n" + FEED[:4_000]
    async with speaking(reply) as url:
        assert "feed-cut" == await code_of(url, tmp_path)


async def test_chunks_without_their_end_are_refused(tmp_path: Path) -> None:
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n<offers>\r\n"
    async with speaking(reply) as url:
        assert "feed-cut" == await code_of(url, tmp_path)


async def test_a_body_that_ends_when_the_server_hangs_up_is_refused_since_a_cut_one_looks_the_same(
    tmp_path: Path,
) -> None:
    async with speaking(b"HTTP/1.0 200 OK\r\n\r\n" + FEED) as url:
        assert "feed-length-unknown" == await code_of(url, tmp_path)


async def test_a_gzip_body_that_ends_when_the_server_hangs_up_is_taken_since_gzip_has_an_end(tmp_path: Path) -> None:
    async with speaking(b"HTTP/1.0 200 OK\r\n\r\n" + gzip.compress(FEED)) as url:
        assert FEED == content_of(await pulled(url, tmp_path))


async def test_two_announced_gigabytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    async with speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 2147483648\r\n\r\n<offers>") as url:
        assert "feed-too-large" == await code_of(url, tmp_path)


async def test_a_feed_without_end_is_refused_at_the_limit(tmp_path: Path) -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"<offer/>" * 8_192)
            sent += 65_536

    async with serving(answer) as url:
        assert "feed-too-large" == await code_of(url, tmp_path, most_bytes=2 * MEGABYTE)
    assert sent < 40 * MEGABYTE


async def test_a_server_that_sends_slowly_is_abandoned(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"<")
            await asyncio.sleep(0.01)

    async with serving(answer) as url:
        with pytest.raises(FeedError) as refused:
            await HttpsPull(url, loopback=True).fetch({}, FetchLimits(folder=tmp_path, seconds=0.3))
    assert "feed-too-slow" == refused.value.code


@pytest.mark.parametrize(
    ("status", "code"), [(401, "feed-denied"), (403, "feed-denied"), (404, "feed-missing"), (503, "feed-status")]
)
async def test_an_answer_that_is_no_feed_gives_the_remedy(tmp_path: Path, status: int, code: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text="no")

    async with serving(answer) as url:
        assert code == await code_of(url, tmp_path)


async def test_a_304_without_a_previous_fetch_is_refused(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=304)

    async with serving(answer) as url:
        assert "feed-status" == await code_of(url, tmp_path)


async def test_another_compression_than_gzip_is_refused(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b"???", headers={"Content-Encoding": "br"})

    async with serving(answer) as url:
        assert "feed-encoding-unknown" == await code_of(url, tmp_path)


async def test_redirects_are_followed_and_the_secret_stays_with_the_first_host(tmp_path: Path) -> None:
    authorizations = []

    async def target(request: web.Request) -> web.Response:
        authorizations.append(request.headers.get("Authorization"))
        return web.Response(body=FEED)

    async with serving(target) as final:

        async def start(request: web.Request) -> web.Response:
            authorizations.append(request.headers.get("Authorization"))
            return web.Response(status=302, headers={"Location": "/again" if request.path == "/" else final})

        async with serving(start) as first:
            pull = HttpsPull(first + "/", authorization="Bearer s3cret", loopback=True)
            assert FEED == content_of(await pull.fetch({}, FetchLimits(folder=tmp_path)))
    assert ["Bearer s3cret", "Bearer s3cret", None] == authorizations


async def test_a_redirect_into_a_private_network_is_refused(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data"})

    async with serving(answer) as url:
        assert "feed-address-private" == await code_of(url, tmp_path)


async def test_a_redirect_to_a_file_of_this_machine_is_refused(tmp_path: Path) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "file:///etc/passwd"})

    async with serving(answer) as url:
        assert "feed-address-unusable" == await code_of(url, tmp_path)


@pytest.mark.parametrize("target", ["http://8.8.8.8/feed", "http://feeds.example.org/feed"])
async def test_a_redirect_to_http_is_refused_and_named(tmp_path: Path, target: str) -> None:
    """Even where http to this machine is allowed."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    async with serving(answer) as url:
        with pytest.raises(FeedError) as refused:
            await pulled(url, tmp_path, None)
    assert "feed-address-unusable" == refused.value.code
    assert "redirige vers http://" in refused.value.words("fr")
    assert "redirects to http://" in refused.value.words("en")


async def test_a_ring_of_redirects_ends(tmp_path: Path) -> None:
    requested = []

    async def answer(request: web.Request) -> web.Response:
        requested.append(request.path)
        return web.Response(status=307, headers={"Location": "/round"})

    async with serving(answer) as url:
        assert "feed-redirected-too-often" == await code_of(url, tmp_path)
    assert MAX_REDIRECTS + 1 == len(requested)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:9/", "feed-address-private"),
        ("https://127.0.0.1:9/", "feed-address-private"),
        ("https://[::1]:9/", "feed-address-private"),
        ("https://localhost:9/", "feed-address-private"),
        ("http://8.8.8.8/", "feed-address-unusable"),
        ("https://user:word@8.8.8.8/", "feed-address-unusable"),
        ("ftp://8.8.8.8/", "feed-address-unusable"),
    ],
)
async def test_outside_of_tests_only_public_https_addresses_are_fetched(tmp_path: Path, url: str, code: str) -> None:
    with pytest.raises(FeedError) as refused:
        await HttpsPull(url).fetch({}, FetchLimits(folder=tmp_path))
    assert code == refused.value.code


async def test_an_unreachable_server_is_reported_without_the_path_of_the_address(tmp_path: Path) -> None:
    async with speaking(b"") as url:
        pass
    with pytest.raises(FeedError) as refused:
        await pulled(f"{url}/feed?key=s3cret", tmp_path)
    assert "feed-unreachable" == refused.value.code
    assert "s3cret" not in refused.value.words("fr") + refused.value.words("en")
