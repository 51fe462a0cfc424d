"""Every transport, by its profile: a file on a server or in a folder is published like any other feed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from adapters.profile.profile import Profile, read_profile
from adapters.pull.pull import Pull
from adapters.pull.transport_factory import Secrets, TransportFactory
from demo.region_site.feed import example_profile, write_feed
from tests.pull.pull_harness import PullHarness, failure, offer
from tests.transport.server import serving
from tests.transport.sftp_server import sftp_server

pytestmark = pytest.mark.slow

CSV = write_feed("csv", [offer(1), offer(2)])


def use(
    here: PullHarness,
    transport: dict[str, Any],
    *,
    secrets: Secrets = Secrets({}),  # noqa: B008  # frozen
    feeds: Path | None = None,
    loopback: bool = True,
) -> None:
    profile = read_profile(example_profile("bretagne", "csv", transport), loopback=True)
    assert isinstance(profile, Profile), profile
    here.profile = profile
    factory = TransportFactory(secrets=secrets, feeds=feeds, loopback=loopback, settle=0.05)
    here._pull = Pull(replace(here.means, transports=factory))


async def test_a_file_on_a_server_by_a_key_from_the_folder_of_secrets(bretagne: PullHarness, tmp_path: Path) -> None:
    out, secrets = tmp_path / "files" / "out", tmp_path / "secrets"
    out.mkdir(parents=True)
    secrets.mkdir()
    (out / "stages.csv").write_bytes(CSV)
    async with sftp_server(out.parent) as server:
        (secrets / "bretagne").write_text(server.secret + "\n")
        transport = {
            "kind": "sftp",
            "host": server.host,
            "port": server.port,
            "host_key": server.host_key,
            "credential": {"kind": "key", "user": "region", "secret": {"file": "bretagne"}},
            "folder": "/out",
            "pattern": "*.csv",
        }
        use(bretagne, transport, secrets=Secrets({}, secrets))
        assert ("applied", 2) == ((await bretagne.run()).outcome, len(await bretagne.live()))
        assert "unchanged" == (await bretagne.run()).outcome


async def test_a_file_in_the_folder_of_feeds(bretagne: PullHarness, tmp_path: Path) -> None:
    drop = tmp_path / "feeds" / "bretagne"
    drop.mkdir(parents=True)
    (drop / "stages.csv").write_bytes(CSV)
    use(bretagne, {"kind": "folder", "folder": "bretagne", "pattern": "*.csv"}, feeds=tmp_path / "feeds")
    assert ("applied", 2) == ((await bretagne.run()).outcome, len(await bretagne.live()))
    assert "unchanged" == (await bretagne.run()).outcome


@pytest.mark.parametrize(
    ("credential", "sent"),
    [
        ({"kind": "bearer", "secret": {"env": "FEED_WORD"}}, "Bearer word"),
        ({"kind": "basic", "user": "region", "secret": {"env": "FEED_KEY"}}, "Basic cmVnaW9uOmNsw6k="),
    ],
)
async def test_an_address_that_asks_for_a_secret_of_the_environment(
    bretagne: PullHarness, credential: dict[str, Any], sent: str
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != sent:
            return web.Response(status=401)
        return web.Response(body=CSV)

    async with serving(answer) as url:
        transport = {"kind": "https", "url": url, "credential": credential}
        use(bretagne, transport, secrets=Secrets({"FEED_WORD": "word", "FEED_KEY": "clé"}))
        assert ("applied", 2) == ((await bretagne.run()).outcome, len(await bretagne.live()))
        use(bretagne, transport, secrets=Secrets({"FEED_WORD": "other", "FEED_KEY": "other"}))
        run = await bretagne.run(ordered=True)
        assert ("failed", "feed-denied") == (run.outcome, failure(run).code)


@pytest.mark.parametrize("secret", [{"env": "FEED_GONE"}, {"file": "gone"}])
async def test_a_missing_secret_is_reported_by_its_name(
    bretagne: PullHarness, tmp_path: Path, secret: dict[str, str]
) -> None:
    credential = {"kind": "bearer", "secret": secret}
    transport = {"kind": "https", "url": bretagne.url, "credential": credential}
    use(bretagne, transport, secrets=Secrets({}, tmp_path))
    run = await bretagne.run()
    assert ("failed", "feed-secret-missing") == (run.outcome, failure(run).code)
    assert next(iter(secret.values())) in failure(run).fr
    assert 0 == bretagne.region.requests


async def test_an_address_of_this_machine_is_refused_where_it_is_not_allowed(bretagne: PullHarness) -> None:
    use(bretagne, {"kind": "https", "url": bretagne.url}, loopback=False)
    run = await bretagne.run()
    assert ("failed", "feed-address-private") == (run.outcome, failure(run).code)
    assert 0 == bretagne.region.requests


def test_secrets_are_not_displayed() -> None:
    assert "word" not in repr(Secrets({"FEED_WORD": "word", "FEED_KEY": "clé"}))
