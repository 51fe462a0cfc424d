"""``passerelle status`` as an operator and as a partner use it, against a running gateway."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from gateway import clock
from gateway.bootstrap.gateway import running
from gateway.bootstrap.log import open_log
from gateway.cli.console import CommandError
from gateway.cli.status import status
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.protocol.partner import Partner
from gateway.settings import Settings

app = typer.Typer()
app.command()(status)


class Shell:
    """Runs the command as one partner of one gateway."""

    def __init__(self, url: str, secrets: dict[str, str]) -> None:
        self._url = url
        self._secrets = secrets

    async def __call__(self, who: str, *words: str) -> Result:
        environ = {
            "PASSERELLE_URL": self._url,
            "PASSERELLE_CLIENT_ID": who,
            "PASSERELLE_CLIENT_SECRET": self._secrets.get(who, "wrong"),
        }
        return await asyncio.to_thread(CliRunner(env=environ).invoke, app, list(words))


@asynccontextmanager
async def gateway_of(folder: Path, **scopes: str) -> AsyncIterator[Shell]:
    """A gateway with these partners, each with one scope."""
    settings = Settings(data=folder / "data", port=0, management_port=0, log_level="error")
    texts = {}
    async with open_log(settings) as log:
        partners = Partners(log)
        for slug, scope in scopes.items():
            secret = mint_secret(now=clock.now(), entropy=os.urandom)
            texts[slug] = secret.text
            kept = (secret.kept,)
            await partners.save(Partner(platform=slug, name=slug.title(), scopes=frozenset({scope}), secrets=kept))
        await partners.close()
    async with running(settings) as gateway:
        yield Shell(gateway.url, texts)


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with gateway_of(tmp_path, bretagne="offers:publish", ops="operate") as shell:
        yield shell


async def test_the_operator_reads_every_platform(shell: Shell) -> None:
    ended = await shell("ops")
    assert 0 == ended.exit_code, ended.output
    for word in ("bretagne", "national", "Hauts-de-France", "Centre-Val de Loire"):
        assert word in ended.output
    assert "en attente d’une décision : 0" in ended.output


async def test_regions_without_a_platform_come_by_the_national_site_once_it_is_connected(
    shell: Shell, tmp_path: Path
) -> None:
    assert "via national" not in (await shell("ops")).output
    async with gateway_of(tmp_path / "connected", national="offers:publish", ops="operate") as connected:
        assert 2 == (await connected("ops")).output.count("via national")


async def test_the_table_is_available_in_english(shell: Shell) -> None:
    ended = await shell("ops", "--lang", "en")
    assert "Connected" in ended.output
    assert "wait for a decision: 0" in ended.output


async def test_a_script_gets_json_and_a_partner_its_own_details_only(shell: Shell) -> None:
    """SEC-014."""
    document = json.loads((await shell("bretagne", "--json")).output)
    assert ["bretagne"] == [line["platform"] for line in document["platforms"] if "details" in line]
    assert 12 == len(document["platforms"])


async def test_an_unanswered_command_gives_the_next_step(shell: Shell) -> None:
    refused = await shell("stranger")
    assert isinstance(refused.exception, CommandError)
    assert "PASSERELLE_CLIENT_SECRET" in refused.exception.step
