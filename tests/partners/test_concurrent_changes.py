"""200 commands change partners at the same time, from several processes: every acknowledged change is in the record.

On Kafka each process is a machine with a data folder of its own: its commands take turns, and the fence decides between
the machines.
"""

import asyncio
import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.bootstrap.log import open_log
from gateway.log.reading import read_all
from gateway.oauth.keys import KeyRing
from gateway.partners import Partners
from gateway.partners.record import partner_document
from gateway.protocol.identity import partition_of
from gateway.protocol.partner import Partner, Secret
from gateway.protocol.record import Record
from gateway.protocol.topic import COMMON, PARTNERS
from gateway.settings import Settings

pytestmark = pytest.mark.slow

PROCESSES = 4
SLUGS = ("bretagne", "normandie", "occitanie")
LEAVING = tuple(f"leaving-{number}" for number in range(20))
SECONDS = 500
CONFLICT = "was made at the same time; nothing was changed. run the command again"
LATER = {"colour": "green"}
"""A member that only a later version knows."""


def commands() -> list[list[str]]:
    """200 of them: most on three platforms, twenty revocations, each beside two other changes of the same platform."""
    departments = ("01", "02", "03", "22", "29", "35", "44", "56", "76", "85")
    found = [["name", slug, f"{slug} {number}"] for slug in SLUGS for number in range(20)]
    found += [["host", slug, f"h{number}.{slug}.example"] for slug in SLUGS for number in range(10)]
    found += [["department", slug, one] for slug in SLUGS for one in departments[:5]]
    found += [["rotate", slug] for slug in SLUGS for _ in range(10)]
    for slug in LEAVING:
        found += [["revoke", slug], ["name", slug, f"{slug} still"], ["rotate", slug]]
    found += [["name", "bretagne", f"again {number}"] for number in range(5)]
    assert 200 == len(found)
    return found


def seed(slug: str) -> Record:
    secret = Secret(hash="sha256:" + "0" * 64, created_at=1)
    document: dict[str, Any] = partner_document(
        Partner(platform=slug, name=slug, scopes=frozenset({"offers:read"}), secrets=(secret,))
    )
    document |= LATER
    document["secrets"][0] |= LATER
    return Record(slug.encode(), orjson.dumps(document))


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("kind", ["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
async def test_every_acknowledged_change_is_in_the_record(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    environ = {"PASSERELLE_DATA": str(tmp_path / "data")}
    if kind == "kafka":
        KeyRing.open(tmp_path / "signing.pem")
        environ |= {
            "PASSERELLE_KAFKA": request.getfixturevalue("kafka_servers"),
            "PASSERELLE_KAFKA_PREFIX": f"partners-{secrets.token_hex(4)}",
            "PASSERELLE_SECRET": secrets.token_urlsafe(32),
            "PASSERELLE_SIGNING_KEY": str(tmp_path / "signing.pem"),
        }
    settings = Settings.from_env(environ)
    async with open_log(settings) as log:
        await log.create_topics(COMMON)
        for slug in (*SLUGS, *LEAVING):
            await log.append(PARTNERS, partition_of(slug, log.partitions), [seed(slug)])
    answered = await run_all(environ, tmp_path)

    refused = [text for _, text in answered if text != "ok"]
    gone = [text for text in refused if "was revoked" in text]
    assert [] == [text for text in refused if text not in gone and not text.endswith(CONFLICT)]
    done = [words for words, text in answered if text == "ok"]
    conflicts = len(refused) - len(gone)
    record_property("made, refused after a revocation, conflicts", (len(done), len(gone), conflicts))
    assert len(done) + len(gone) >= len(answered) / 2

    histories = await history(settings)
    made: list[tuple[str, ...]] = []
    for slug in (*SLUGS, *LEAVING):
        for before, after in zip(histories[slug], histories[slug][1:], strict=False):
            assert LATER["colour"] == after["colour"]
            made.append(step(slug, before, after))
    assert Counter(map(tuple, done)) == Counter(made)
    async with open_log(settings) as log:
        partners = Partners(log)
        await partners.catch_up()
        for slug in LEAVING:
            partner = partners.get(slug)
            assert partner is not None
            if ["revoke", slug] in done:
                assert (True, ()) == (partner.revoked, partner.secrets)
        await partners.close()


async def run_all(environ: dict[str, str], folder: Path) -> list[tuple[list[str], str]]:
    """Each command with its outcome; every process takes its share of each kind."""
    shares = [commands()[number::PROCESSES] for number in range(PROCESSES)]
    running = []
    for number, share in enumerate(shares):
        (folder / f"commands-{number}").write_text(json.dumps(share))
        own = {}
        if "PASSERELLE_KAFKA" in environ:
            (data := folder / f"machine-{number}").mkdir()
            own["PASSERELLE_DATA"] = str(data)
        arguments = [str(folder / f"{name}-{number}") for name in ("commands", "outcomes")]
        running.append(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.partners.commands", *arguments),
                env={**os.environ, **environ, **own},
                stdout=asyncio.subprocess.DEVNULL,
            )
        )
    try:
        async with asyncio.timeout(SECONDS):
            assert [0] * PROCESSES == [await process.wait() for process in running]
    finally:
        for process in running:
            if process.returncode is None:
                process.kill()
                await process.wait()
    outcomes = [json.loads((folder / f"outcomes-{number}").read_text()) for number in range(PROCESSES)]
    return [pair for share, texts in zip(shares, outcomes, strict=True) for pair in zip(share, texts, strict=True)]


async def history(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Every record of each platform, in the log's order."""
    found: dict[str, list[dict[str, Any]]] = {}
    async with open_log(settings) as log, read_all(log, PARTNERS, limit=1_000) as chunks:
        async for chunk in chunks:
            for record in chunk.records:
                found.setdefault((record.key or b"").decode(), []).append(orjson.loads(record.value or b"{}"))
    return found


def step(slug: str, before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    """The one command between a record and the next; nothing else may differ."""
    differs = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    match sorted(differs):
        case ["name"]:
            return "name", slug, after["name"]
        case ["hosts"]:
            return "host", slug, *after["hosts"]
        case ["territory"]:
            return "department", slug, *after["territory"]
        case ["secrets"]:
            kept = {**before["secrets"][0], "ends_at": after["secrets"][1]["ends_at"]}
            assert kept == after["secrets"][1]  # with its unknown members
            return "rotate", slug
        case ["generation", "revoked", "secrets"]:
            assert [] == after["secrets"]
            return "revoke", slug
    raise AssertionError(f"{slug}: one record differs from the one before in {sorted(differs)}")
