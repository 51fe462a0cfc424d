"""The demo as a user starts it: it ends by itself, counts in the external systems, and exits with the result."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest
from aiohttp.test_utils import unused_port
from aiokafka.admin import AIOKafkaAdminClient

ROOT = Path(__file__).parents[2]
DEMO = (sys.executable, "-m", "demo")
SECONDS = 400
"""Limit for a slow and busy machine; others need half a minute."""
REGIONS = {
    "Auvergne-Rhône-Alpes": "pull, CleverConnect XML",
    "Bourgogne-Franche-Comté": "push, one by one",
    "Bretagne": "pull, JSON",
    "Grand Est": "push, batches",
    "Île-de-France": "push, whole set",
    "Normandie": "pull, CSV",
    "Nouvelle-Aquitaine": "pull, JSON-LD",
    "Occitanie": "folder, XML",
    "Pays de la Loire": "SFTP, CSV",
}
ROW = re.compile(r"^ (\w[\w -]+?) {2,}(\S.*?) {2,}([\d ]*\d) +([✓✗].*?) *$", re.MULTILINE)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(SECONDS + 30)]


@asynccontextmanager
async def started(*words: str, folder: Path, command: Sequence[str] = DEMO, **more: str) -> AsyncIterator[Process]:
    """The command in a process of its own, its temporary folders in that folder; ``more`` goes to its environment."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PASSERELLE_CLIENT")}
    process = await asyncio.create_subprocess_exec(
        *(*command, *words),
        cwd=ROOT,
        start_new_session=True,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**environ, "TMPDIR": str(folder), **more},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)  # also what ``make`` has started
            await process.communicate()


async def ended(process: Process) -> tuple[int | None, str, str]:
    output, errors = await asyncio.wait_for(process.communicate(), SECONDS)
    return process.returncode, output.decode(), errors.decode()


@pytest.mark.parametrize(
    "log", [pytest.param("embedded", marks=pytest.mark.smoke), pytest.param("kafka", marks=pytest.mark.kafka)]
)
async def test_the_whole_federation_balances_once(log: str, tmp_path: Path) -> None:
    """Nine Regions by nine channels, the national site in both directions, kill -9 in between: all of it balances. With
    the command of README.
    """
    words = ["KAFKA=1"] if log == "kafka" else []
    make = ("make", "--silent", "demo")
    async with started("ONCE=1", "OFFERS=180", *words, folder=tmp_path, command=make) as process:
        code, output, errors = await ended(process)
    assert 0 == code, output + errors
    assert "kill -9 of the gateway" in output
    assert "Everything balances: nothing lost, nothing twice" in output
    rows = {name: (channel, [int(one) for one in numbers.split()]) for name, channel, numbers, _ in ROW.findall(output)}
    channels = {**REGIONS, "Grand Est": "Kafka topics"} if log == "kafka" else REGIONS
    assert channels == {name: rows[name][0] for name in REGIONS}
    for name in REGIONS:
        sent, refused, withdrawn, live, on_site, not_for_site, received = rows[name][1]
        assert (sent, live) == (refused + withdrawn + live, on_site + not_for_site)
        assert min(sent, withdrawn, on_site, received) > 0
    totals = [sum(column) for column in zip(*(rows[name][1] for name in REGIONS), strict=True)]
    assert totals[1] > 0, "nothing was refused"
    made, _, deleted, live, on_site, _, delivered = rows["National site"][1]
    assert (30, 2, 28, 28, totals[4]) == (made, deleted, live, on_site, delivered)
    assert re.search(r"Hauts-de-France +5 +5 +Île-de-France 5, Normandie 5", output)
    assert re.search(r"Centre-Val de Loire +5 +5 +Île-de-France 5, Pays de la Loire 5", output)
    assert [] == list(tmp_path.iterdir()), "something was left behind"


@pytest.mark.kafka
async def test_an_external_cluster_is_named_and_left_unchanged(kafka_servers: str, tmp_path: Path) -> None:
    """Even when the user ends the demo in the middle."""
    words = ("--once", "--kafka", "--offers", "90")
    async with started(*words, folder=tmp_path, KAFKA_BOOTSTRAP_SERVERS=kafka_servers) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        async with asyncio.timeout(SECONDS):
            while b"are deleted at the end" not in (line := await process.stdout.readline()):
                assert line, await process.stderr.read()
        [prefix] = re.findall(r"demo-[0-9a-f]{6}\.", line.decode())
        assert kafka_servers in line.decode()
        assert [] != await topics_of(kafka_servers, prefix)
        process.send_signal(signal.SIGINT)
        code, output, errors = await ended(process)
    assert 130 == code, output + errors
    assert [] == await topics_of(kafka_servers, prefix)


async def topics_of(servers: str, begin: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    try:
        return [name for name in await admin.list_topics() if name.startswith(begin)]
    finally:
        await admin.close()


@pytest.mark.kafka
async def test_a_cluster_that_does_not_answer_is_reported_with_the_next_step(tmp_path: Path) -> None:
    servers = f"127.0.0.1:{unused_port()}"
    async with started("--once", "--kafka", folder=tmp_path, KAFKA_BOOTSTRAP_SERVERS=servers) as process:
        code, output, errors = await ended(process)
    assert 2 == code, output + errors
    assert f"Kafka at {servers} does not answer" in errors
    assert "KAFKA_BOOTSTRAP_SERVERS" in errors


async def test_a_surplus_offer_at_the_national_site_is_reported_and_fails(tmp_path: Path) -> None:
    """Another client uses Bretagne's account there: the external systems no longer hold the published offers."""
    async with started("--once", "--offers", "90", folder=tmp_path) as process:
        await smuggle(tmp_path)
        code, output, errors = await ended(process)
    assert 1 == code, output + errors
    assert "✗ Bretagne: bretagne:smuggled should not be at the national site" in output
    assert "It does not balance: 1 difference" in output
    assert "Everything balances" not in output


async def smuggle(folder: Path) -> None:
    """Create an offer at the demo's national site by the account of Bretagne, without the gateway."""
    async with asyncio.timeout(SECONDS):
        while not (found := list(folder.glob("passerelle-demo-*/national.json"))):
            await asyncio.sleep(0.05)
        accounts = orjson.loads(await asyncio.to_thread(found[0].read_bytes))
    [account] = [one for one in accounts["accounts"] if one["name"] == "bretagne"]
    password = (found[0].parent / account["password"]["file"]).read_text()
    offer = {
        "title": "Une offre de contrebande",
        "description": "Elle ne vient pas de la passerelle.",
        "employer_name": "Personne",
        "employer_description": "Inconnu de tous.",
        "street": "1 rue de la Paix",
        "zipcode": "35000",
        "city": "Rennes",
        "remote_id": "bretagne:smuggled",
        "permalink": "https://stages.ideo.bretagne.bzh/offres/smuggled",
        "sector_uuid": "s5",
        "grades": ["troisieme"],
        "weeks": ["2027-W10"],
    }
    async with aiohttp.ClientSession(accounts["url"]) as session:
        login = {"email": account["email"], "password": password}
        async with session.post("/api/v2/auth/login", json=login) as answer:
            token = (await answer.json())["token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with session.post("/api/v2/internship_offers", json={"internship_offer": offer}, headers=headers) as made:
            assert 201 == made.status, await made.text()


async def test_too_few_offers_are_refused_with_a_reason(tmp_path: Path) -> None:
    async with started("--once", "--offers", "5", folder=tmp_path) as process:
        code, _, errors = await ended(process)
    assert code == 2
    assert "--offers" in errors


async def test_the_demo_is_explained_by_h_as_every_command_is(tmp_path: Path) -> None:
    async with started("-h", folder=tmp_path) as demo:
        code, output, _ = await ended(demo)
    assert (0, True) == (code, "--once" in output)
