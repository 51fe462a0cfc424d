"""``passerelle partner`` as an operator uses it, on a real embedded log."""

import asyncio
import json
import re
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from typer.testing import CliRunner, Result

from adapters.profile.profile import profiles
from gateway.cli.console import CommandError
from gateway.cli.partner import app
from gateway.clock import now
from gateway.log.sqlite import SqliteLog
from gateway.oauth.authority import Authority
from gateway.oauth.keys import KeyRing
from gateway.partners import Partners
from gateway.protocol.certificate import Nonce
from gateway.protocol.partner import Session
from gateway.protocol.topic import PARTNERS, feed, inbox
from gateway.runtime.loop import run

_DAY_MS = 24 * 3_600_000
PULLED: dict[str, Any] = {
    **profiles()["bretagne"].document,
    "transport": {"kind": "https", "url": "https://feeds.example.org/stages.xml"},
    "format": "cleverconnect",
}


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
    """Answers of the token endpoint, on the same folder, to these secrets of Bretagne."""

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


async def saved(shell: Shell, **values: Any) -> None:
    """Replace values of Bretagne on the log."""
    log = await SqliteLog.open(shell.data / "log.sqlite", partitions=3)
    partners = Partners(log)
    await partners.catch_up()
    partner = partners.get("bretagne")
    assert partner is not None
    await partners.save(replace(partner, **values))
    await partners.close()
    await log.close()


def secret_in(text: str) -> str:
    (secret,) = re.findall(r"client_secret +(passerelle_[A-Za-z0-9_-]{43})$", text, re.MULTILINE)
    assert isinstance(secret, str)
    return secret


def test_an_added_platform_gets_its_secret_once_with_a_warning(shell: Shell) -> None:
    output = shell("add", "bretagne")
    secret = secret_in(output)
    assert "Displayed only once" in output
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
    output = shell("rotate", "bretagne")
    second = secret_in(output)
    assert "The previous secret is valid until" in output
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
    assert {"secret", "created_at", "ends_at"} == set(added["partner"]["secrets"][0])
    rotated = shell.json("rotate", "occitanie")
    assert [False, True] == [one["ends_at"] is not None for one in rotated["partner"]["secrets"]]
    assert rotated["partner"] == shell.json("show", "occitanie")
    assert [rotated["partner"]] == shell.json("list")
    assert {"partner": shell.json("show", "occitanie")} != shell.json("revoke", "occitanie")
    assert shell.json("show", "occitanie")["revoked"]


def test_no_output_has_a_nonce_or_a_session(shell: Shell) -> None:
    """A nonce is printed by the command that issues it; of sessions, the number is."""
    shell("add", "bretagne")
    nonce = Nonce(text="nonce-of-bretagne", issued_at=1, expires_at=now() + _DAY_MS)
    session = Session(id="session-of-bretagne", link="link-of-bretagne", begun_at=1, ends_at=now() + _DAY_MS)
    run(saved(shell, nonces=(nonce,), sessions=(session,)))
    for words in (("list",), ("show", "bretagne"), ("set", "bretagne", "--name", "Elle"), ("rotate", "bretagne")):
        for output in (shell(*words), shell(*words, "--json")):
            assert (False, False) == (nonce.text in output, session.id in output), words
    assert 1 == shell.json("show", "bretagne")["open_sessions"]


def test_a_platform_with_keys_or_an_issuer_of_its_own_gets_no_secret(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    added = shell.json("add", "bretagne", "--jwks", str(path))
    assert ["partner"] == list(added)
    assert 1 == len(added["partner"]["jwks"]["keys"])
    assert "secret" not in shell("add", "normandie", "--issuer", "https://id.example")
    bretagne, normandie = shell("list").split("normandie")
    assert ("Credentials: keys" in bretagne, "Credentials: own issuer" in normandie) == (True, True)


def test_a_platform_is_changed_without_being_added_again(shell: Shell) -> None:
    secret = secret_in(shell("add", "bretagne"))
    output = shell("set", "bretagne", "--scope", "offers:read", "--department", "35", "--national-delivery", "gateway")
    rows = {line[:18].strip(): line[18:].split() for line in output.splitlines()}
    assert (["35"], ["self", "gateway"]) == (rows["territory"][-1:], rows["national delivery"])
    assert "publishes by Kafka" not in output
    kept = shell.json("show", "bretagne")
    assert (["offers:read"], ["35"], "gateway") == (kept["scopes"], kept["departments"], kept["national_delivery"])
    assert [200] == statuses(shell, secret)
    assert "bretagne has these values already: nothing changes." in shell("set", "bretagne", "--scope", "offers:read")


def test_changed_fields_can_be_removed(shell: Shell, tmp_path: Path) -> None:
    keys = tmp_path / "jwks.json"
    keys.write_text(json.dumps({"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}))
    shell("add", "bretagne", "--host", "a.example")
    changed = shell.json("set", "bretagne", "--jwks", str(keys), "--issuer", "https://id.example", "--name", "Elle")
    assert {"name", "keys", "issuer"} == set(changed["changes"])
    assert {"before": "this gateway", "after": "https://id.example"} == changed["changes"]["issuer"]
    assert 1 == len(shell.json("show", "bretagne")["jwks"]["keys"])
    bare = shell.json(
        *("set", "bretagne", "--jwks", "none", "--issuer", "none", "--host", "none", "--department", "all")
    )["partner"]
    assert ([], [], "Elle") == (bare["hosts"], bare["departments"], bare["name"])
    assert {"jwks", "issuer"}.isdisjoint({name for name, value in bare.items() if value is not None})


def test_the_day_of_joining_outlives_the_secrets(shell: Shell) -> None:
    shell("add", "bretagne")
    since = shell.json("show", "bretagne")["joined_at"]
    shell("rotate", "bretagne", "--overlap", "0")
    shell("set", "bretagne", "--name", "Elle")
    assert since == shell.json("show", "bretagne")["joined_at"]


def test_every_preset_platform_can_be_added_by_slug_alone(shell: Shell) -> None:
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
    nowhere = shell.error("list")
    assert ("There is no log in" in str(nowhere), "partner add SLUG" in nowhere.step) == (True, True)
    shell("add", "bretagne")
    for words, message, step in (
        (("show", "nobody"), "nobody is not a partner", "passerelle partner list"),
        (("rotate", "nobody"), "nobody is not a partner", "passerelle partner list"),
        (("revoke", "nobody"), "nobody is not a partner", "passerelle partner list"),
        (("add", "bretagne"), "bretagne takes part already", "passerelle partner rotate bretagne"),
        (("add", "x", "--scope", "dance"), "dance is not a scope", "run the same command again"),
        (("add", "x", "--name", "X", "--jwks", str(private)), "private", "run the same command again"),
        (("add", "x", "--jwks", str(garbled)), "is not JSON", "JWKS"),
        (("add", "x", "--jwks", str(listed)), "is not a JSON object", "JWKS"),
        (("add", "x", "--jwks", str(tmp_path / "none")), "none: No such file or directory", "JWKS"),
        (("set", "nobody", "--name", "X"), "nobody is not a partner", "passerelle partner list"),
        (("set", "bretagne", "--department", "20"), "20 is not the INSEE code", "run the same command again"),
        (("set", "bretagne", "--jwks", str(private)), "private", "run the same command again"),
        (("set", "bretagne", "--jwks", str(listed)), "is not a JSON object", "JWKS"),
        (("set", "bretagne", "--issuer", "http://id.example"), "is no issuer", "run the same command again"),
        (("set", "bretagne", "--national-delivery", "both"), "either gateway or self", "run the same command again"),
    ):
        error = shell.error(*words)
        assert message in str(error)
        assert step in error.step
    shell("revoke", "bretagne")
    for command in ("rotate", "revoke", "set"):
        assert "passerelle partner add bretagne" in shell.error(command, "bretagne").step
    assert ["bretagne"] == [one["platform"] for one in shell.json("list")]


def test_the_help_names_every_scope(shell: Shell) -> None:
    for command in ("add", "set"):
        output = " ".join(re.sub(r"[│╭╰─╮╯]", "", shell(command, "--help")).split())
        assert "offers:publish, offers:read, operate; repeat for several." in output


async def test_a_kafka_native_platform_has_its_topics_before_the_gateway_reads_its_record(shell: Shell) -> None:
    await asyncio.to_thread(shell, "add", "bretagne", "--inbox", "--feed")
    log = await SqliteLog.open(shell.data / "log.sqlite", partitions=3)
    assert [] == await log.check_topics([inbox("bretagne"), feed("bretagne")])
    await log.close()


async def test_a_platform_that_becomes_kafka_native_has_its_topics_before_the_gateway_reads_the_change(
    shell: Shell,
) -> None:
    await asyncio.to_thread(shell, "add", "bretagne")
    await asyncio.to_thread(shell, "set", "bretagne", "--inbox", "--feed")
    log = await SqliteLog.open(shell.data / "log.sqlite", partitions=3)
    assert [] == await log.check_topics([inbox("bretagne"), feed("bretagne")])
    await log.close()
    assert ["no", "no"] == [
        change["after"]
        for change in (await asyncio.to_thread(shell.json, "set", "bretagne", "--no-inbox", "--no-feed"))[
            "changes"
        ].values()
    ]


async def test_a_platform_whose_feed_is_pulled_cannot_publish_beside_it(shell: Shell) -> None:
    await asyncio.to_thread(shell, "add", "bretagne", "--scope", "offers:read")
    await saved(shell, profile=PULLED)
    for words in (("--scope", "offers:publish"), ("--inbox",)):
        error = await asyncio.to_thread(shell.error, "set", "bretagne", *words)
        assert "is pulled by its profile" in str(error)
    assert "Elle" in await asyncio.to_thread(shell, "set", "bretagne", "--name", "Elle")


@pytest.mark.parametrize("hours", ["8761", "99999999999999"])
def test_a_former_secret_stays_valid_for_a_year_at_most(shell: Shell, hours: str) -> None:
    shell("add", "bretagne")
    with pytest.raises(SystemExit) as ended:
        shell("rotate", "bretagne", "--overlap", hours)
    assert 2 == ended.value.code
