"""A gateway in a process of its own on disks that are full or closed: one sentence at the start, later an outage.

[ERR-008] [ERR-009] [ERR-011]
"""

import asyncio
import io
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from demo.client import Client
from tests.damage.populated import PUBLISHER, Populated, ask, offer, populate
from tests.faults.disk import SmallDisk, disk_unavailable, small_disk
from tests.faults.process import GatewayProcess

pytestmark = pytest.mark.slow

NOBODY = 65_534
WITHIN = 60.0
NATIONAL = {
    "url": "http://127.0.0.1:9",
    "accounts": [
        {"name": "shared", "email": "a@example.org", "password": {"env": "SITE_PASSWORD"}, "platforms": ["*"]}
    ],
    "search": {"account": "shared", "minutes": 30},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Populated:
    return asyncio.run(populate(tmp_path_factory.mktemp("made") / "data", killed=False))


@pytest.fixture
def populated(made: Populated, tmp_path: Path) -> Populated:
    unavailable = disk_unavailable(tmp_path)
    if unavailable is not None:
        assert os.environ.get("CI") != "true" or os.geteuid() != 0, unavailable
        pytest.skip(f"!!! THE DISK WAS NOT FILLED: {unavailable} !!!")
    return made.copy(tmp_path / "data")


@pytest.fixture
def disk(populated: Populated) -> Iterator[SmallDisk]:
    """A small disk that holds the whole data folder."""
    content = populated.folder.rename(populated.folder.with_name("content"))
    with small_disk(populated.folder, megabytes=48) as found:
        shutil.copytree(content, populated.folder, dirs_exist_ok=True)
        yield found


@asynccontextmanager
async def clients_of(populated: Populated, url: str) -> AsyncIterator[dict[str, Client]]:
    async with aiohttp.ClientSession() as session:
        yield {
            slug: Client(session, url, client_id=slug, client_secret=secret, patience=0.0)
            for slug, secret in populated.secrets.items()
        }


@asynccontextmanager
async def serving(populated: Populated, *, user: int | None = None, **settings: str) -> AsyncIterator[GatewayProcess]:
    gateway = GatewayProcess("gateway", populated.folder, settings, user=user)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.kill()


def lines_of(populated: Populated) -> list[Any]:
    """The gateway's output, each line as JSON; any other line fails."""
    text = (populated.folder.parent / "gateway.log").read_text()
    return [orjson.loads(line) for line in text.splitlines()]


async def published(client: Client, url: str, number: int, *, seconds: float = WITHIN) -> None:
    """Publish until it is accepted."""
    body = orjson.dumps(offer(number))
    async with asyncio.timeout(seconds):
        while True:
            answer = await raw(client, "PUT", f"{url}/v1/offers/{PUBLISHER}:d{number}", body, "application/json")
            if answer[0] in {201, 202}:
                return
            assert answer[0] == 503, answer
            await asyncio.sleep(0.1)


async def raw(client: Client, method: str, url: str, body: bytes, kind: str) -> tuple[int, Mapping[str, Any]]:
    """One request without retries: the status and the problem document."""
    token = await client.token()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, data=io.BytesIO(body), headers=headers) as response,
    ):
        content = orjson.loads(await response.read() or b"{}")
        if response.status >= 400:
            assert "application/problem+json" == response.content_type
            assert response.status == content["status"]
        return response.status, content


async def whole(clients: Mapping[str, Client]) -> dict[str, Any]:
    """The answers of all views, once they are there."""
    async with asyncio.timeout(WITHIN):
        while True:
            with suppress(Exception):
                return await ask(clients)
            await asyncio.sleep(0.2)


async def test_a_disk_that_fills_while_it_runs_is_an_outage_of_each_part_and_passes(
    populated: Populated, disk: SmallDisk
) -> None:
    lines = b"".join(orjson.dumps(offer(n)) + b"\n" for n in range(500, 2_500))
    async with serving(populated) as gateway, clients_of(populated, gateway.url) as clients:
        await gateway.ready()
        publisher, process = clients[PUBLISHER], gateway.pid
        await published(publisher, gateway.url, 100)
        for client in clients.values():
            await client.token()
        disk.fill()
        statuses = set()
        for number in range(101, 140):
            disk.fill()
            body = orjson.dumps(offer(number))
            statuses.add(
                (
                    await raw(
                        publisher, "PUT", f"{gateway.url}/v1/offers/{PUBLISHER}:d{number}", body, "application/json"
                    )
                )[0]
            )
        assert 503 in statuses
        assert statuses <= {202, 503}
        disk.fill()
        upload = await raw(publisher, "POST", f"{gateway.url}/v1/offers/batch", lines, "application/x-ndjson")
        assert 503 == upload[0]
        assert upload[1]["code"] in {
            "spool-full",
            "batch-interrupted",
        }  # the spool may use some of the space that the log frees
        assert (await raw(publisher, "POST", f"{gateway.url}/v1/snapshots/marks", b"", "application/json"))[0] in {
            201,
            503,
        }
        async with aiohttp.ClientSession() as session:
            for path in ("/v1/offers", "/v1/changes", "/v1/receipts", "/v1/platforms"):
                async with session.get(gateway.url + path) as response:
                    assert response.status == 401
        assert not gateway.died
        disk.free()
        await published(publisher, gateway.url, 200)
        await gateway.ready()
        assert (process, False) == (gateway.pid, gateway.died)
        async with asyncio.timeout(WITHIN):
            while (
                202
                != (await raw(publisher, "POST", f"{gateway.url}/v1/offers/batch", lines, "application/x-ndjson"))[0]
            ):
                await asyncio.sleep(0.2)
        assert 0 == await gateway.stop()
    assert lines_of(populated)


async def test_a_start_on_a_full_disk_is_refused_in_a_sentence_that_names_the_file(
    populated: Populated, disk: SmallDisk
) -> None:
    disk.fill()
    async with serving(populated) as gateway:
        code = await gateway.ended(seconds=WITHIN)
        said = gateway.last_words()
        assert code == 2, said
        assert str(populated.folder) in said
        assert "Traceback" not in said
        assert "Next step: " in said
    disk.free()
    async with serving(populated) as gateway, clients_of(populated, gateway.url) as clients:
        await gateway.ready()
        assert populated.answers == await whole(clients)


@pytest.mark.parametrize("name", ["relay", "views", "spool", "pull", "national"])
async def test_a_start_with_one_folder_on_a_full_disk_reports_it_or_waits(
    populated: Populated, name: str, tmp_path: Path
) -> None:
    """Copies of the log and scratch folders may lie on disks of their own."""
    accounts = tmp_path / "accounts.json"
    accounts.write_bytes(orjson.dumps(NATIONAL))
    accounts.chmod(0o600)
    folder = populated.folder / name
    shutil.rmtree(folder, ignore_errors=True)
    settings = {"PASSERELLE_NATIONAL": str(accounts), "SITE_PASSWORD": "x"}
    with small_disk(folder, megabytes=8) as disk:
        disk.fill()
        async with serving(populated, user=None, **settings) as gateway, clients_of(populated, gateway.url) as clients:
            if name == "views":
                assert 2 == await gateway.ended(seconds=WITHIN)
                said = gateway.last_words()
                assert f"{folder}/" in said
                assert "Traceback" not in said
                return
            if name == "relay":
                async with asyncio.timeout(WITHIN):
                    while str(folder) not in gateway.last_words():
                        await asyncio.sleep(0.1)
                assert not gateway.died
                disk.free()
            await gateway.ready()
            await published(clients[PUBLISHER], gateway.url, 100)
            if name == "national":
                async with asyncio.timeout(WITHIN):
                    while "national/outbox-shared.sqlite" not in gateway.last_words():
                        await asyncio.sleep(0.1)
            await whole(clients)
            assert 0 == await gateway.stop()


def _given(path: Path, user: int) -> None:
    """Give a folder with its content to a user, and let every user reach it."""
    for one in (path, *path.rglob("*")):
        os.chown(one, user, user)
    for one in path.parents:
        if one != Path("/") and one.stat().st_uid == 0:
            one.chmod(one.stat().st_mode | 0o055)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts a process as another user")
@pytest.mark.parametrize("name", ["", "log.sqlite", "secret", "signing.pem", "views", "relay", "national"])
async def test_a_file_that_may_not_be_written_is_reported_or_waited_for(
    made: Populated, tmp_path: Path, name: str
) -> None:
    """The gateway as a user without root's rights, which ignore modes; the folder or file is root's, as a copy by root
    leaves it.
    """
    populated = made.copy(tmp_path / "data")
    _given(populated.folder, NOBODY)
    (tmp_path / "gateway.log").touch()
    closed = populated.folder / name
    os.chown(closed, 0, 0)
    closed.chmod(0o755 if closed.is_dir() else 0o600)
    accounts = tmp_path / "accounts.json"
    accounts.write_bytes(orjson.dumps(NATIONAL))
    os.chown(accounts, NOBODY, NOBODY)
    settings = {"PASSERELLE_NATIONAL": str(accounts), "SITE_PASSWORD": "x"}
    async with serving(populated, user=NOBODY, **settings) as gateway:
        if name in {"relay", "national"}:
            async with asyncio.timeout(WITHIN):
                while str(closed) not in gateway.last_words():
                    await asyncio.sleep(0.1)
            assert not gateway.died
            os.chown(closed, NOBODY, NOBODY)
            await gateway.ready()
            assert 0 == await gateway.stop()
            return
        assert 2 == await gateway.ended(seconds=WITHIN)
        said = gateway.last_words()
        assert "Traceback" not in said
        assert str(closed) in said
        assert "Next step: " in said


@pytest.mark.parametrize("name", ["secret", "signing.pem", "log.sqlite"])
@pytest.mark.parametrize("damage", ["empty", "garbled", "world-readable", "folder"])
async def test_a_file_that_must_not_be_used_is_refused_in_one_sentence(
    made: Populated, tmp_path: Path, name: str, damage: str
) -> None:
    populated = made.copy(tmp_path / "data")
    path = populated.folder / name
    match damage:
        case "empty":
            path.write_bytes(b"")
        case "garbled":
            path.write_bytes(b"\xff\x00garbled" if name != "secret" else b"garbled")
        case "world-readable":
            path.chmod(0o644)
        case _:
            path.unlink()
            path.mkdir()
    async with serving(populated) as gateway:
        assert 2 == await gateway.ended(seconds=WITHIN)
        said = gateway.last_words()
        assert "Traceback" not in said
        assert str(path) in said
        assert "Next step: " in said
