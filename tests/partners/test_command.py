"""``passerelle partner`` as an operator uses it, on a real embedded log."""

import asyncio
import json
import re
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from typer.testing import CliRunner, Result

from gateway.cli.console import CommandError
from gateway.loop import run
from gateway.cli.partner import app
from gateway.clock import now
from gateway.oauth.authority import Authority
from gateway.oauth.keys import KeyRing
from gateway.partners import Partners
from gateway.protocol.topic import PARTNERS, feed, inbox
from gateway.sqlite import SqliteLog


class Shell:
    """Runs the command with one data folder."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self._runner = CliRunner(env={"PASSERELLE_DATA": str(data), "PASSERELLE_KAFKA": None, "COLUMNS": "200"})

    def __call__(self, *words: str) -> str:
        result = self._run(*words)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))

    def error(self, *words: str) -> CommandError:
        error = self._run(*words).exception
        assert isinstance(error, CommandError)
        return error

    def _run(self, *words: str) -> Result:
        return self._runner.invoke(app, list(words))


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


def statuses(shell: Shell, *secrets: str) -> list[int]:
    """What the token endpoint of a gateway on the same folder answers to these secrets of Bretagne."""

    async def ask() -> list[int]:
        log = await SqliteLog.open(shell.data / "log.sqlite", partitions=3)
        partners = Partners(log)
        await partners.catch_up()
        keys = KeyRing([ECKey.generate_key("P-256", auto_kid=True)])
        authority = Authority(partners, keys, issuer="https://passerelle.example", clock=now)
        answers = [
            await authority.token(
                b"grant_type=client_credentials",
                content_type="application/x-www-form-urlencoded",
                authorization="Basic " + b64encode(f"bretagne:{secret}".encode()).decode(),
                peer="",
            )
            for secret in secrets
        ]
        await partners.close()
        await log.close()
        return [status for status, _, _ in answers]

    return run(ask())


def secret_in(text: str) -> str:
    (secret,) = re.findall(r"client_secret +(passerelle_[A-Za-z0-9_-]{43})$", text, re.MULTILINE)
    assert isinstance(secret, str)
    return secret


def test_an_added_platform_gets_its_secret_once_with_a_warning(shell: Shell) -> None:
    said = shell("add", "bretagne")
    secret = secret_in(said)
    assert "Shown only now" in said
    assert [200, 401] == statuses(shell, secret, "passerelle_wrong")
    for words in (("list",), ("show", "bretagne"), ("list", "--json"), ("show", "bretagne", "--json")):
        assert secret not in shell(*words)
        assert "sha256:" not in shell(*words)


def test_the_secret_is_nowhere_in_the_data_folder(shell: Shell) -> None:
    secret = secret_in(shell("add", "bretagne")).encode()
    files = [path for path in shell.data.rglob("*") if path.is_file()]
    assert files
    assert [] == [path.name for path in files if secret in path.read_bytes()]
    assert any(PARTNERS.encode() in path.read_bytes() for path in files)


def test_rotating_leaves_two_secrets_and_revoking_none(shell: Shell) -> None:
    first = secret_in(shell("add", "bretagne"))
    said = shell("rotate", "bretagne")
    second = secret_in(said)
    assert "The secret before it lives until" in said
    assert [200, 200] == statuses(shell, first, second)
    third = secret_in(shell("rotate", "bretagne", "--overlap", "0"))
    assert [401, 401, 200] == statuses(shell, first, second, third)
    assert "passerelle partner add bretagne" in shell("revoke", "bretagne")
    assert [401] == statuses(shell, third)
    assert "revoked" in shell("list")
    fourth = secret_in(shell("add", "bretagne"))
    assert [401, 200] == statuses(shell, third, fourth)


def test_scripts_get_json(shell: Shell) -> None:
    added = shell.json("add", "occitanie", "--scope", "offers:read", "--feed")
    assert ["offers:read"] == added["partner"]["scopes"]
    assert added["client_secret"].startswith("passerelle_")
    assert {"created_at"} == set(added["partner"]["secrets"][0])
    rotated = shell.json("rotate", "occitanie")
    assert [False, True] == ["ends_at" in one for one in rotated["partner"]["secrets"]]
    assert rotated["partner"] == shell.json("show", "occitanie")
    assert [rotated["partner"]] == shell.json("list")
    assert {"partner": shell.json("show", "occitanie")} != shell.json("revoke", "occitanie")
    assert shell.json("show", "occitanie")["revoked"]


def test_a_platform_with_keys_or_an_issuer_of_its_own_gets_no_secret(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    added = shell.json("add", "bretagne", "--jwks", str(path))
    assert ["partner"] == list(added)
    assert 1 == len(added["partner"]["jwks"]["keys"])
    assert "secret" not in shell("add", "normandie", "--issuer", "https://id.example")
    credentials = {line.split()[0]: line.rstrip() for line in shell("list").splitlines()}
    assert credentials["bretagne"].endswith(" keys")
    assert credentials["normandie"].endswith(" own issuer")


def test_everybody_known_beforehand_can_be_added_by_slug_alone(shell: Shell) -> None:
    for slug in ("auvergne-rhone-alpes", "grand-est", "ile-de-france", "national"):
        shell("add", slug)
    assert ["auvergne-rhone-alpes", "grand-est", "ile-de-france", "national"] == [
        one["platform"] for one in shell.json("list")
    ]


def test_errors_say_the_next_step(shell: Shell, tmp_path: Path) -> None:
    private = tmp_path / "private.json"
    private.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=True)]}))
    garbled = tmp_path / "garbled.json"
    garbled.write_text("[" * 100_000)
    listed = tmp_path / "list.json"
    listed.write_text("[]")
    assert "Nobody takes part yet. Next: passerelle partner add SLUG" in shell("list")
    shell("add", "bretagne")
    for words, message, step in (
        (("show", "nobody"), "nobody does not take part", "passerelle partner list"),
        (("rotate", "nobody"), "nobody does not take part", "passerelle partner list"),
        (("revoke", "nobody"), "nobody does not take part", "passerelle partner list"),
        (("add", "bretagne"), "passerelle partner rotate bretagne", "run the same command again"),
        (("add", "x", "--scope", "dance"), "dance is not a scope", "run the same command again"),
        (("add", "x", "--name", "X", "--jwks", str(private)), "private", "run the same command again"),
        (("add", "x", "--jwks", str(garbled)), "is not JSON", "JWKS"),
        (("add", "x", "--jwks", str(listed)), "is not a JSON object", "JWKS"),
        (("add", "x", "--jwks", str(tmp_path / "none")), "cannot be read: No such file", "JWKS"),
    ):
        error = shell.error(*words)
        assert message in str(error)
        assert step in error.step
    shell("revoke", "bretagne")
    for command in ("rotate", "revoke"):
        assert "passerelle partner add bretagne" in shell.error(command, "bretagne").step
    assert ["bretagne"] == [one["platform"] for one in shell.json("list")]


async def test_a_kafka_native_platform_has_its_topics_before_the_gateway_hears_of_it(shell: Shell) -> None:
    await asyncio.to_thread(shell, "add", "bretagne", "--inbox", "--feed")
    log = await SqliteLog.open(shell.data / "log.sqlite", partitions=3)
    assert [] == await log.check_topics([inbox("bretagne"), feed("bretagne")])
    await log.close()
