"""A whole gateway whose platforms send nothing, too little, or are frozen: it pulls the others and stops cleanly."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.pull.pulls import last_runs
from demo.region_site.feed import example_profile, write_feed
from gateway.bootstrap.log import open_log
from gateway.partners import Partners
from gateway.protocol.partner import Partner
from gateway.protocol.topic import COMMON
from gateway.settings import Settings
from tests.faults.process import GatewayProcess
from tests.pull.pull_harness import offer
from tests.transport.hostile import HEAD, saying, sftp_process, silent, talking

pytestmark = pytest.mark.slow

STOP_WITHIN = 10.0
PATIENCE = 100.0
TRICKLE = saying(HEAD + b"Content-Length: 1000000\r\n\r\n<", b"o")


def https(port: int) -> dict[str, Any]:
    return {"kind": "https", "url": f"http://127.0.0.1:{port}/feed", "every_minutes": 5}


async def onboard(settings: Settings, transports: Mapping[str, dict[str, Any]]) -> None:
    async with open_log(settings) as log:
        await log.create_topics(COMMON)
        partners = Partners(log)
        for slug, transport in transports.items():
            profile = example_profile(slug, "json", transport)
            await partners.save(Partner(platform=slug, name=slug, scopes=frozenset({"offers:read"}), profile=profile))
        await partners.close()


async def until_metrics(gateway: GatewayProcess, *lines: str) -> None:
    """Wait until its metrics have these lines."""
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{gateway._management}/metrics") as answer:
                text = await answer.text()
            if all(line in text for line in lines):
                return
            await asyncio.sleep(0.1)


async def test_the_good_feed_is_pulled_and_the_gateway_stops_within_ten_seconds_whatever_other_feeds_do(
    tmp_path: Path,
) -> None:
    settings = Settings(data=tmp_path / "data", port=0, management_port=0)
    files, secrets = tmp_path / "files", tmp_path / "secrets"
    (files / "out").mkdir(parents=True)
    secrets.mkdir()
    (files / "out" / "feed.json").write_bytes(b" " * 50_000_000)
    good = write_feed("json", [offer(1), offer(2)])
    head = f"{HEAD.decode()}Content-Length: {len(good)}\r\n\r\n".encode()
    async with (
        sftp_process(files) as sftp,
        talking(TRICKLE) as trickling,
        talking(silent) as mute,
        talking(saying(head + good)) as right,
    ):
        (secrets / "normandie").write_text(sftp.address.secret)
        (secrets / "normandie").chmod(0o600)
        frozen = {
            "kind": "sftp",
            "host": "127.0.0.1",
            "port": sftp.address.port,
            "host_key": sftp.address.host_key,
            "credential": {"kind": "key", "user": "region", "secret": {"file": "normandie"}},
            "folder": "/out",
            "pattern": "*.json",
        }
        transports = {
            "auvergne-rhone-alpes": https(trickling),
            "bourgogne-franche-comte": https(trickling),
            "grand-est": https(mute),
            "ile-de-france": https(mute),
            "normandie": frozen,
            "bretagne": https(right),
        }
        await onboard(settings, transports)
        gateway = GatewayProcess(
            "gateway",
            settings.data,
            {"PASSERELLE_LOOPBACK_FEEDS": "1", "PASSERELLE_FEED_SECRETS": str(secrets)},
        )
        await gateway.start()
        process = gateway._process
        assert process is not None
        try:
            await gateway.ready()
            async with asyncio.timeout(PATIENCE):
                await sftp.reading()
            sftp.freeze()
            await until_metrics(gateway, 'passerelle_pulls{lane="', 'passerelle_live_offers{platform="bretagne"} 2.0')
            async with asyncio.timeout(STOP_WITHIN):
                assert 0 == await gateway.stop(), gateway.last_words()
        finally:
            if process.returncode is None:
                os.kill(process.pid, 9)
                await process.wait()
    async with open_log(settings) as log:
        runs = await last_runs(log)
    assert "normandie" not in runs, "cut by the stop: no run says anything else"
    assert {"bretagne"} == {slug for slug, run in runs.items() if run.outcome == "applied"}
