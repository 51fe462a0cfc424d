"""``passerelle journal``, and the entries that the other commands write, on a real embedded log."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from gateway.cli import certificate, feed, journal, log, moderate, partner, platform
from gateway.cli.console import CommandError
from gateway.log.sqlite import SqliteLog
from gateway.operate.audit import audit
from gateway.runtime.loop import run

PULLED = "auvergne-rhone-alpes"
SINGLE, PAUSE, RESUME, AUDIT = typer.Typer(), typer.Typer(), typer.Typer(), typer.Typer()
AUDIT.command()(log.audit)
SINGLE.command()(moderate.moderate)
PAUSE.command()(feed.pause)
RESUME.command()(feed.resume)


class Commands:
    """Runs commands with one data folder, as the person whom the settings name."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._runner = CliRunner(
            env={
                "PASSERELLE_DATA": str(data),
                "PASSERELLE_KAFKA": None,
                "PASSERELLE_OPERATOR": "Name of a person",
                "COLUMNS": "200",
            }
        )

    def __call__(self, app: typer.Typer, *words: str, typed: str | None = None) -> str:
        result = self._runner.invoke(app, list(words), input=typed)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    def listed(self, *words: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self(journal.app, "list", "--json", *words))
        return found


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path / "data")


def test_every_command_on_a_partner_writes_who_what_and_why(commands: Commands) -> None:
    commands(partner.app, "add", "bretagne")
    commands(
        partner.app, "set", "bretagne", "--scope", "offers:read", "--by", "Another person", "--reason", "Asked for"
    )
    commands(partner.app, "set", "bretagne", "--scope", "offers:read")  # changes nothing
    commands(partner.app, "rotate", "bretagne", "--overlap", "1")
    commands(partner.app, "revoke", "bretagne")
    found = commands.listed()
    assert [
        ("partner.revoke", "Name of a person"),
        ("partner.rotate", "Name of a person"),
        ("partner.set", "Another person"),
        ("partner.add", "Name of a person"),
    ] == [(entry["act"], entry["name"]) for entry in found]
    assert {"bretagne"} == {entry["about"] for entry in found}
    assert {"overlap_hours": 1} == found[1]["details"]
    assert ("Asked for", "offers:read") == (found[2]["why"], found[2]["details"]["scopes"]["now"])


def test_sign_in_and_certification_are_acts_without_the_person(commands: Commands) -> None:
    commands(partner.app, "add", "bretagne")
    commands(partner.app, "link", "bretagne", "--person", "A third person", "--reason", "First access")
    commands(partner.app, "sign-out", "bretagne", "--by", "Another name")
    commands(certificate.app, "nonce", "bretagne")
    found = commands.listed()
    assert [
        ("certificate.nonce", "Name of a person", None),
        ("partner.sign-out", "Another name", None),
        ("partner.link", "Name of a person", "First access"),
    ] == [(entry["act"], entry["name"], entry.get("why")) for entry in found[:3]]
    assert "A third person" not in json.dumps(found)


def test_no_secret_is_in_the_journal(commands: Commands) -> None:
    added = json.loads(commands(partner.app, "add", "bretagne", "--json"))
    assert added["client_secret"] not in json.dumps(commands.listed())


def test_what_is_refused_is_no_act(commands: Commands) -> None:
    commands(partner.app, "add", "bretagne")
    for words in (["add", "bretagne"], ["rotate", "normandie"], ["set", "bretagne", "--scope", "everything"]):
        with pytest.raises(CommandError):
            commands(partner.app, *words)
    for words in (["link", "bretagne", "--person", " "], ["link", "normandie", "--person", "A"], ["sign-out", "x"]):
        with pytest.raises(CommandError):
            commands(partner.app, *words)
    for words in (["nonce", "normandie"], ["revoke", "bretagne"], ["revoke", "normandie"]):
        with pytest.raises(CommandError):
            commands(certificate.app, *words)
    assert ["partner.add"] == [entry["act"] for entry in commands.listed()]


def test_a_platform_with_a_profile_is_an_entry_once(commands: Commands) -> None:
    for _ in range(2):
        commands(platform.app, "add", "bretagne")
    [entry] = commands.listed()
    assert ("platform.add", True) == (entry["act"], entry["details"]["created"])


def test_entries_are_filtered(commands: Commands) -> None:
    commands(partner.app, "add", "bretagne")
    commands(partner.app, "add", "normandie", "--by", "Another person")
    for words, expected in (
        (["--about", "bretagne"], ["bretagne"]),
        (["--by", "Another person"], ["normandie"]),
        (["--act", "partner.revoke"], []),
        (["--most", "1"], ["normandie"]),
        (["--since", "2020-01-01", "--until", "2099-01-01"], ["normandie", "bretagne"]),
        (["--until", "2020-01-01"], []),
    ):
        assert expected == [entry["about"] for entry in commands.listed(*words)], words
    with pytest.raises(CommandError, match="no act"):
        commands.listed("--act", "partner.eat")
    with pytest.raises(CommandError, match="no day"):
        commands.listed("--since", "yesterday")
    table = commands(journal.app, "list")
    assert "Another person" in table
    assert "partner.add" in table


def test_rights_are_in_words_and_raw_as_json(commands: Commands) -> None:
    commands(partner.app, "add", "bretagne")
    commands(partner.app, "set", "bretagne", "--scope", "offers:read")
    lines = commands(journal.app, "list")
    assert "offers:" not in lines
    assert "rights: publish, read → read" in " ".join(lines.split())
    found = commands.listed()
    assert {"before": "offers:publish, offers:read", "now": "offers:read"} == found[0]["details"]["scopes"]
    assert {"scopes": ["offers:publish", "offers:read"]} == found[1]["details"]


def test_a_name_is_erased_and_the_audit_stays_clean(commands: Commands) -> None:
    commands(partner.app, "add", "bretagne")
    commands(partner.app, "rotate", "bretagne", "--by", "Another person")
    commands(journal.app, "erase-name", "Another person")
    found = commands.listed()
    assert ["Name of a person", None, "Name of a person"] == [entry["name"] for entry in found]
    assert "(erased)" in commands(journal.app, "list")
    with pytest.raises(CommandError, match="no name"):
        commands(journal.app, "erase-name", "Another person")

    async def check() -> bool:
        log = await SqliteLog.open(commands.data / "log.sqlite", partitions=3)
        try:
            return (await audit(log)).clean
        finally:
            await log.close()

    assert run(check())


@pytest.mark.parametrize("words", [["--by", " "], ["--by", "x" * 101], ["--reason", "x" * 1_001]])
def test_a_name_or_reason_that_no_entry_may_have_is_refused_before_the_act(
    commands: Commands, words: list[str]
) -> None:
    with pytest.raises(CommandError):
        commands(partner.app, "add", "bretagne", *words)
    with pytest.raises(CommandError, match="There is no log"):
        commands.listed()


def test_a_feed_is_paused_and_resumed_each_once(commands: Commands) -> None:
    commands(partner.app, "add", "normandie")
    with pytest.raises(CommandError, match="no feed"):
        commands(PAUSE, "normandie")
    commands(platform.app, "add", PULLED)
    assert "is paused." in commands(PAUSE, PULLED, "--reason", "Maintenance")
    assert "is paused already" in commands(PAUSE, PULLED)
    rows = json.loads(commands(platform.app, "list", "--json"))["platforms"]
    assert [PULLED] == [row["platform"] for row in rows if row["paused_since"]]
    assert "en pause" in commands(platform.app, "list")
    with pytest.raises(CommandError, match="en pause"):
        commands(platform.app, "run", PULLED)
    assert "is pulled again" in commands(RESUME, PULLED)
    assert "is not paused" in commands(RESUME, PULLED)
    assert ["feed.resume", "feed.pause"] == [one["act"] for one in commands.listed()[:2]]
    assert "Maintenance" == commands.listed("--act", "feed.pause")[0]["why"]


def test_a_moderation_says_what_is_missing(commands: Commands) -> None:
    commands(partner.app, "add", "bretagne")
    for words, text in (
        (["bretagne:1"], "needs a reason"),
        (["bretagne:1", "--reason", "No employer"], "no such offer"),
        (["bretagne", "--lift"], "no id"),
    ):
        with pytest.raises(CommandError, match=text):
            commands(SINGLE, *words)
    assert ["partner.add"] == [entry["act"] for entry in commands.listed()]


def test_the_audit_prints_an_entry_that_a_later_one_is_compared_with(commands: Commands) -> None:
    """[T-33]"""
    commands(partner.app, "add", "bretagne")
    commands(partner.app, "rotate", "bretagne")
    found = re.search(r"entry (2:[0-9a-f]{64}) \(sealed since entry 1\)", commands(AUDIT))
    assert found is not None
    commands(partner.app, "rotate", "bretagne")
    assert "The log keeps its guarantees" in commands(AUDIT, "--known", found[1])
    with pytest.raises(SystemExit):
        commands(AUDIT, "--known", "1" + found[1][1:])
    with pytest.raises(CommandError, match="64 hexadecimal digits"):
        commands(AUDIT, "--known", "2:9f2c")
    (commands.data / "secret").unlink()
    assert "seal not checked: no secret is here" in commands(AUDIT)
