"""Read-only commands create nothing: in a folder without a gateway they report that, with the next step."""

import json

import pytest

from gateway.clock import now
from gateway.log.sqlite import SqliteLog
from gateway.protocol.record import utc
from gateway.protocol.topic import COMMON
from tests.cli.conftest import Shell
from tests.protocol.certified import evidence, report

READ_ONLY = [
    "partner list",
    "partner show bretagne",
    "partner add bretagne --jwks missing.json",
    "partner set bretagne --name Breizh",
    "partner rotate bretagne",
    "partner revoke bretagne",
    "platform list",
    "topics check",
    "certificate sign evidence.json --platform bretagne",
    "certificate verify b.jws",
    "keys list",
    "keys rotate",
    "audit",
    "export f.zip",
    "refusals",
    "backup copy",
]


@pytest.mark.parametrize("words", READ_ONLY)
async def test_a_wrong_folder_is_reported_and_not_changed(shell: Shell, words: str) -> None:
    (shell.folder / "evidence.json").write_text(json.dumps(evidence(report(began=utc(now() - 120_000)))))
    (shell.folder / "b.jws").write_text("a.b.c")
    ended = await shell(*words.split())
    assert (2, "") == (ended.code, ended.output)
    assert "Next step: " in ended.errors
    assert ["b.jws", "evidence.json"] == sorted(path.name for path in shell.folder.iterdir())


async def test_a_new_log_is_announced_once_and_only_on_stderr(shell: Shell) -> None:
    for words in ("partner add bretagne --json", "topics create"):
        data = shell.folder / words.split()[0]
        first, second = [await shell(*words.split(), PASSERELLE_DATA=data.name) for _ in range(2)]
        elsewhere = "If a gateway already runs elsewhere, set PASSERELLE_DATA to its folder."
        assert (0, f"A new log was created in {data}. {elsewhere}\n") == (first.code, first.errors)
        assert "A new log" not in first.output + second.output + second.errors


async def test_listing_keys_creates_none(shell: Shell) -> None:
    await shell("topics", "create")
    assert "There are no partners yet. Next: passerelle partner add SLUG" in (await shell("partner", "list")).output
    ended = await shell("keys", "list")
    assert 2 == ended.code
    assert "passerelle serve creates one" in ended.errors
    assert [] == list((shell.folder / ".data").glob("*.pem"))


async def test_the_doctor_reports_what_is_missing_and_creates_nothing(shell: Shell) -> None:
    (shell.folder / ".data").mkdir()
    log = await SqliteLog.open(shell.folder / ".data/log.sqlite")
    await log.create_topics(COMMON[:-1])
    await log.close()
    endings = [await shell("doctor", PASSERELLE_PORT="0", PASSERELLE_MANAGEMENT_PORT="0") for _ in range(2)]
    assert [1, 1] == [ended.code for ended in endings]
    assert f"The topic {COMMON[-1].name} does not exist" in endings[1].output
