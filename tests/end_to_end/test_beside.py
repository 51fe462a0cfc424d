"""An operator on the gateway's machine needs no credentials: ``status``, ``refusals`` and ``backup`` beside it."""

import asyncio
import json
import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from demo.client import Client
from gateway.bootstrap.log import open_log
from gateway.cli.app import app
from gateway.cli.console import CommandError
from gateway.operate.audit import audit
from gateway.protocol.receipt import AFTER_LIFT
from tests.cli.conftest import Ended
from tests.end_to_end.conftest import Federation
from tests.end_to_end.test_federation import DEADLINE, put
from tests.harness import OFFER, replace_bytes

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
ALERT_COMMAND = re.compile(r"(?<=`passerelle )(?:status|refusals|doctor|topics|platform|partner|national)[^`]*(?=`)")


async def command(federation: Federation, *words: object) -> Ended:
    """The command with the gateway's settings and nothing of a partner."""
    settings = replace(federation.settings, signing_key=federation.settings.data / "signing.pem")
    environ: dict[str, str | None] = {**settings.to_environ()}
    environ |= dict.fromkeys(("PASSERELLE_URL", "PASSERELLE_CLIENT_ID", "PASSERELLE_CLIENT_SECRET"))
    result = await asyncio.to_thread(CliRunner(env=environ).invoke, app, [str(word) for word in words])
    if isinstance(error := result.exception, CommandError):
        return Ended(2, result.stdout, f"{error}\nNext step: {error.step}\n")
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Ended(result.exit_code, result.stdout, result.stderr)


async def until(federation: Federation, condition: Any, *words: object) -> Any:
    """The command's JSON as soon as it fulfils a condition."""
    async with asyncio.timeout(DEADLINE):
        while True:
            ended = await command(federation, *words, "--json")
            if "is filling its views" not in ended.errors:  # after a start
                assert 0 == ended.code, ended.errors
                document = json.loads(ended.output)
                if condition(document):
                    return document
            await asyncio.sleep(0.1)


def line(document: Any, slug: str) -> Any:
    [found] = [one for one in document["platforms"] if one["platform"] == slug]
    return found


async def refused(client: Client) -> None:
    """One offer that is refused at the door, and one withdrawal that is refused with a receipt."""
    status, _ = await put(client, {**OFFER, "id": "bretagne:9", "weeks": ["2027-W9"]})
    assert 422 == status
    answer = await client.call(
        "DELETE",
        "/v1/offers/bretagne:404",
        params={"revision": "1", "reason": "filled"},
        headers={"Prefer": "wait=20"},
    )
    assert answer.status < 500, answer.explain()


@pytest.mark.parametrize("workers", [0, 2])
async def test_the_operator_on_the_machine_sees_every_platform_without_credentials(
    federation: Federation, workers: int
) -> None:
    """SEC-014: an account that can read the data folder is the operator."""
    federation = replace(federation, settings=replace(federation.settings, workers=workers))
    async with federation.open() as clients:
        assert (201, "accepted") == ((answer := await put(clients["bretagne"], OFFER))[0], answer[1]["verdict"])
        document = await until(federation, lambda found: line(found, "bretagne")["live"] == 1, "status")
        assert 1 == line(document, "bretagne")["details"]["accepted"]
        assert "details" in line(document, "national")
        printed = await command(federation, "status", "--lang", "en")
        assert (0, "") == (printed.code, printed.errors)
        assert "wait for a decision: 0" in printed.output


async def test_the_operator_on_the_machine_sees_who_was_refused_what_and_why(federation: Federation) -> None:
    async with federation.open() as clients:
        await refused(clients["bretagne"])
    async with federation.open():  # counts are written when a gateway stops, and every minute
        document = await until(federation, lambda found: found["total"]["offers"], "refusals")
        [named] = [one for one in document["newest"] if one.get("id") == "bretagne:9"]
        [reason] = named["reasons"]
        assert ("bretagne", "/weeks/0") == (named["platform"], reason["pointer"])
        assert {reason["rule"]: {"offers": 1, "sends": 1, "more": False}} == document["rules"]
        printed = await command(federation, "refusals", "--platform", "bretagne", "--rule", reason["rule"])
        assert all(word in printed.output for word in ("bretagne:9", reason["rule"], "/weeks/0", reason["fix"]))
        other = await command(federation, "refusals", "--platform", "auvergne-rhone-alpes")
        assert (0, "bretagne:9" in other.output) == (other.code, False)


@pytest.mark.parametrize("federation", ["embedded"], indirect=True)
async def test_every_command_that_an_alert_names_works_without_credentials(federation: Federation) -> None:
    """As written, with a platform in place of SLUG."""
    named = {text for page in ("mend.md", "fr/reparer.md") for text in ALERT_COMMAND.findall((DOCS / page).read_text())}
    assert len(named) > 8
    async with federation.open():
        for text in sorted(named):
            words = text.replace("SLUG", "bretagne").replace(" N", " 1").split()
            ended = await command(federation, *words)
            assert "CLIENT" not in ended.errors, text
            assert ended.code in {0, 1} or "Next step: " in ended.errors, text


async def test_beside_a_gateway_that_is_down_the_figures_are_the_last_and_the_command_says_so(
    federation: Federation,
) -> None:
    async with federation.open() as clients:
        await put(clients["bretagne"], OFFER)
        await until(federation, lambda found: line(found, "bretagne")["live"] == 1, "status")
    french = await command(federation, "status")
    assert "Aucune passerelle ne tourne dans" in french.errors
    ended = await command(federation, "status", "--json", "--lang", "en")
    assert 1 == line(json.loads(ended.output), "bretagne")["live"]
    assert "No gateway runs in" in ended.errors
    assert "passerelle doctor" in ended.errors


async def test_before_the_first_start_the_next_step_is_named(federation: Federation) -> None:
    ended = await command(federation, "status", "--lang", "en")
    assert 2 == ended.code
    assert "start the gateway" in ended.errors


@pytest.mark.parametrize("federation", ["embedded"], indirect=True)
async def test_the_command_that_lifts_a_moderation_says_when_the_offer_comes_back(federation: Federation) -> None:
    async with federation.open() as clients:
        await put(clients["bretagne"], OFFER)
        moderated = await command(federation, "moderate", "bretagne:1", "--reason", "Wrong address", "--by", "Jeanne")
        lifted = await command(federation, "moderate", "bretagne:1", "--lift", "--by", "Jeanne")
    assert (0, 0) == (moderated.code, lifted.code)
    assert [False, True] == [AFTER_LIFT["en"] in one.output for one in (moderated, lifted)]


@pytest.mark.parametrize("federation", ["embedded"], indirect=True)
async def test_a_backup_is_whole_and_private_while_offers_come_in_and_overwrites_none(
    federation: Federation, tmp_path: Path
) -> None:
    folder = tmp_path / "backups" / "today"
    async with federation.open() as clients:
        await put(clients["bretagne"], OFFER)
        more = asyncio.gather(
            *(put(clients["bretagne"], {**OFFER, "id": f"bretagne:m{number}"}) for number in range(40))
        )
        ended = await command(federation, "backup", folder)
        assert 0 == ended.code, ended.errors
        await more
        again = await command(federation, "backup", folder)
        assert (2, True) == (again.code, f"{folder}: File exists" in again.errors)
    assert {"log.sqlite": 0o600, "secret": 0o600, "signing.pem": 0o600} == {
        one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()
    }
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    for name in ("secret", "signing.pem"):
        assert (federation.settings.data / name).read_bytes() == (folder / name).read_bytes()
    async with open_log(replace(federation.settings, data=folder), make=False) as log:
        report = await audit(log)
    assert report.clean, report.findings


@pytest.mark.parametrize("federation", ["embedded"], indirect=True)
async def test_a_damaged_log_leaves_no_backup_behind(federation: Federation, tmp_path: Path) -> None:
    async with federation.open() as clients:
        await put(clients["bretagne"], OFFER)
    file, folder = federation.settings.data / "log.sqlite", tmp_path / "backup"
    replace_bytes(file, b"Menuiserie", b"Menuiseri3")
    ended = await command(federation, "backup", folder)
    assert (2, False) == (ended.code, folder.exists())
    assert f"{file} is damaged" in ended.errors
