"""Backup and restore by the lines of the guide: while the gateway runs, and after its folder is lost."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from demo.client import Client
from gateway.bootstrap.log import open_log
from gateway.operate.audit import audit
from gateway.settings import Settings
from tests.damage.populated import PUBLISHER, READER, Populated, offer, populate
from tests.deploy.programs import ROOT

pytestmark = pytest.mark.slow

GUIDES = {"run.md": "Backup", "mend.md": "Restore", "fr/exploiter.md": "Sauvegarder", "fr/reparer.md": "Restaurer"}
"""The section of each page that has the lines."""
AFTERWARDS = range(600, 620)
"""The numbers of offers that are published while the backup is made."""
SOON = 60
WAIT = {"Prefer": "wait=20"}


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Populated:
    """The folder of a gateway that has worked, to be copied."""
    return asyncio.run(populate(tmp_path_factory.mktemp("backup") / "data", killed=False))


def lines(page: str) -> str:
    """The one block of commands in the section of a page."""
    section = (ROOT / "docs" / page).read_text().partition(f"## {GUIDES[page]}\n")[2].partition("\n## ")[0]
    [found] = re.findall(r"^```\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return str(found)


def back_up(data: Path, copy: Path) -> None:
    """The command of the guide, without sudo, into a folder of the test."""
    [written] = re.findall(
        r"^sudo (passerelle backup) /var/backups/passerelle/\$\(date \+%F\)$", lines("run.md"), re.MULTILINE
    )
    program, command = written.split()
    environ = {"PASSERELLE_DATA": str(data), "PATH": os.environ["PATH"]}
    words = [str(Path(sys.executable).with_name(program)), command, str(copy)]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, env=environ)
    assert (0, "") == (ended.returncode, ended.stderr)


def run(block: str, *, data: Path, copy: Path) -> None:
    """Run a block with folders of the test: nothing else of it is altered."""
    text, folders = re.subn(r"(?m)^(DATA|COPY)=.*$", lambda m: f"{m[1]}='{data if m[1] == 'DATA' else copy}'", block)
    assert 2 == folders
    ended = subprocess.run(["bash", "-euo", "pipefail", "-c", text], capture_output=True, text=True, check=False)
    assert (0, "") == (ended.returncode, ended.stderr)


async def read(client: Client, cursor: str | None = None) -> tuple[dict[str, Any], str]:
    """The changes from a cursor on, or all, by id, and the next cursor."""
    found: dict[str, Any] = {}
    more = True
    while more:
        asked = {"territory": "all"} | ({"cursor": cursor} if cursor else {})
        answer = await client.call("GET", "/v1/changes", params=asked)
        assert answer.ok, answer.explain()
        cursor, more = answer.body["cursor"], answer.body["more"]
        for change in answer.body["changes"]:
            found[change["id"]] = change
    assert cursor is not None
    return found, cursor


async def put(client: Client, number: int) -> None:
    answer = await client.call(
        "PUT", f"/v1/offers/{PUBLISHER}:d{number}", body=orjson.dumps(offer(number)), headers=WAIT
    )
    assert answer.status in {200, 201}, answer.explain()


async def whole(client: Client, *wanted: int) -> dict[str, Any]:
    """All live offers by id, each with its sequence, as soon as these are among them; without possible duplicates,
    which later offers alter.
    """
    names = {f"{PUBLISHER}:d{number}" for number in wanted}
    async with asyncio.timeout(SOON):
        while True:
            answer = await client.call("GET", "/v1/offers", params={"territory": "all", "limit": "500"})
            assert answer.ok, answer.explain()
            found = {one["id"]: (one["sequence"], one["offer"]) for one in answer.body["offers"]}
            if found and names <= found.keys():
                return found
            await asyncio.sleep(0.02)


async def test_the_guides_lines_bring_back_offers_and_cursors(worked: Populated, tmp_path: Path) -> None:
    populated = worked.copy(tmp_path / "data")
    data, copy = populated.folder, tmp_path / "copy"
    restore = lines("mend.md")
    async with populated.opened() as (_, clients):
        _, early = await read(clients[READER])
        await put(clients[PUBLISHER], 500)
        offers = await whole(clients[READER], 500)
        known, cursor = await read(clients[READER])
        writing = asyncio.create_task(publish_on(clients[PUBLISHER]))  # a backup needs no silence
        await asyncio.to_thread(back_up, data, copy)
        await writing
        later = await whole(clients[READER], *AFTERWARDS)
        _, ahead = await read(clients[READER], cursor)
    assert {*offers, f"{PUBLISHER}:d500"} < set(later)
    shutil.rmtree(data)
    run(restore, data=data, copy=copy)
    async with populated.opened() as (_, clients):
        restored = await whole(clients[READER])
        assert offers == {name: restored[name] for name in offers}
        assert restored == {name: later[name] for name in restored}
        since, _ = await read(clients[READER], early)
        assert known[f"{PUBLISHER}:d500"] == since[f"{PUBLISHER}:d500"]
        again, _ = await read(clients[READER])
        assert known == {name: again[name] for name in known}
        news, _ = await read(clients[READER], cursor)
        assert set(restored) - set(offers) == set(news)
        if restored != later:
            refused = await clients[READER].call("GET", "/v1/changes", params={"territory": "all", "cursor": ahead})
            assert 410 == refused.status
        await publish_on(clients[PUBLISHER])  # the same revisions once more
        assert set(later) == set(await whole(clients[READER], *AFTERWARDS))
    async with open_log(Settings(data=data), make=False) as log:
        report = await audit(log)
    assert report.clean, report.findings


async def publish_on(client: Client) -> None:
    for number in AFTERWARDS:
        await put(client, number)


async def test_without_the_secret_all_readers_start_again_and_nothing_is_lost(
    worked: Populated, tmp_path: Path
) -> None:
    populated = worked.copy(tmp_path / "data")
    data, copy = populated.folder, tmp_path / "copy"
    restore = lines("mend.md")
    back_up(data, copy)
    async with populated.opened() as (_, clients):
        offers = await whole(clients[READER])
        await put(clients[PUBLISHER], 700)
        await whole(clients[READER], 700)
        _, ahead = await read(clients[READER])
    run(restore, data=data, copy=copy)
    (data / "secret").unlink()
    async with populated.opened() as (_, clients):
        await put(clients[PUBLISHER], 701)  # the log is as long as it was: positions no longer tell
        refused = await clients[READER].call("GET", "/v1/changes", params={"territory": "all", "cursor": ahead})
        assert refused.status in {400, 410}
        assert {*offers, f"{PUBLISHER}:d701"} == set(await whole(clients[READER], 701))


def test_the_french_guides_have_the_same_lines() -> None:
    assert (lines("run.md"), lines("mend.md")) == (lines("fr/exploiter.md"), lines("fr/reparer.md"))
