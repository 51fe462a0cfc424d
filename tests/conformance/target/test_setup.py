"""The partner's set-up file: it is read, and every mistake in it is named with its remedy."""

import re
import textwrap
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from conformance.cli.template import template_of
from conformance.model.case import ROLES, Case, RoleName
from conformance.model.library import cases
from conformance.model.result import Deviation, Exchange, Outcome
from conformance.role.runner import run_cases
from conformance.target.setup import SetupError, read_setup, setup_of
from conformance.target.topic import EXTRA, subscriber_topics
from schemas.rulebook import LANGUAGES, Language
from tests.log.kafka.certificate import Authority

ENVIRON = {
    "SECRET": "s3cret",
    **{
        f"KIT_{name}_SECRET": "s3cret"
        for name in ("PUBLISHER", "NEIGHBOUR", "SUBSCRIBER", "OPERATOR", "NATIONAL", "KAFKA")
    },
}
SOUND: dict[str, Any] = {
    "role": "gateway",
    "target": "https://gateway.example.org/",
    "accounts": {"publisher": {"platform": "bretagne", "secret_env": "SECRET"}},
    "features": {"snapshots": False},
    "hooks": {"restart": "true"},
    "expected_failure": [{"case": "feed/forged", "reason": "ticket 1", "until": date(2027, 1, 31)}],
}
SAME = {"platform": "bretagne", "secret_env": "SECRET"}


def test_a_sound_file_is_read() -> None:
    setup = setup_of(SOUND, ENVIRON)
    assert ("gateway", "https://gateway.example.org") == (setup.role, setup.target)
    assert ("bretagne", "s3cret") == (setup.accounts["publisher"].client_id, setup.accounts["publisher"].secret)
    assert (False, True, True) == (setup.supports("snapshots"), setup.supports("batch"), setup.supports(None))
    assert date(2027, 1, 31) == setup.announced[0].until


KAFKA = {"servers": "a.example:9093,b.example:9093", "username": "kit", "secret_env": "SECRET"}
NATIONAL = {"platform": "national", "secret_env": "SECRET"}


def test_a_cluster_is_read_and_its_topics_are_those_of_the_contract() -> None:
    accounts = {**SOUND["accounts"], "national": NATIONAL}
    cluster = setup_of({**SOUND, "accounts": accounts, "kafka": KAFKA}, ENVIRON).cluster
    assert cluster is not None
    assert (("national",), "SASL_SSL", "s3cret") == (cluster.accounts, cluster.security, cluster.secret)
    assert "stages.feed.national.v1" == cluster.topic("national")
    assert "essai.feed.national.v1" == replace(cluster, prefix="essai").topic("national")
    plain = setup_of({**SOUND, "kafka": {"servers": "a.example:9093"}}, ENVIRON).cluster
    assert plain is not None
    assert "SSL" == plain.security


def test_the_topics_are_judged_where_a_cluster_is_named_only() -> None:
    found = [setup_of({**SOUND, **more}, ENVIRON).supports("topics") for more in ({}, {"kafka": KAFKA})]
    assert [False, True] == found


async def test_without_a_cluster_the_topics_are_reported_as_not_judged() -> None:
    chosen = [case for case in cases() if case.family == "topic"]

    class Unasked:
        journal: list[Exchange] = []  # noqa: RUF012  # never filled

        async def play(self, case: Case) -> list[Deviation]:
            raise AssertionError(case.id)

    results = await run_cases(chosen, Unasked(), setup_of(SOUND, ENVIRON), on=date(2026, 12, 1))
    assert {Outcome.OMIT} == {each.outcome for each in results}
    reasons = {each.reason["en"] for each in results if each.reason is not None}
    assert {"the subscriber topics are not judged: conformance.toml names no Kafka cluster ([kafka])"} == reasons


async def test_a_cluster_that_does_not_answer_is_named_with_its_remedy() -> None:
    setup = setup_of({**SOUND, "kafka": {"servers": "127.0.0.1:1", "security": "PLAINTEXT"}}, ENVIRON)
    with pytest.raises(SetupError, match=r"127\.0\.0\.1:1") as caught:
        async with subscriber_topics(setup):
            pass
    assert all("servers" in caught.value.step[language] for language in LANGUAGES)


async def test_a_reader_without_an_account_is_named() -> None:
    kafka = {"servers": "127.0.0.1:1", "security": "PLAINTEXT", "accounts": ["neighbour"]}
    with pytest.raises(SetupError, match=r"accounts\.neighbour"):
        async with subscriber_topics(setup_of({**SOUND, "kafka": kafka}, ENVIRON)):
            pass


async def test_a_certificate_file_that_is_missing_is_named() -> None:
    setup = setup_of({**SOUND, "kafka": {**KAFKA, "ca": "missing.pem"}}, ENVIRON)
    with pytest.raises(SetupError, match="certificates"):
        async with subscriber_topics(setup):
            pass


async def test_a_key_with_a_passphrase_is_refused_without_asking_for_it(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path).issue("kit")
    found = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(found.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"phrase")))
    setup = setup_of({**SOUND, "kafka": {**KAFKA, "certificate": str(certificate), "key": str(key)}}, ENVIRON)
    with pytest.raises(SetupError, match="certificates") as caught:
        async with subscriber_topics(setup):
            pass
    assert "passphrase" in caught.value.step["en"]
    assert "phrase secrète" in caught.value.step["fr"]


async def test_a_cluster_that_does_not_answer_in_time_is_named_in_both_languages() -> None:
    setup = setup_of({**SOUND, "patience": 1e-6, "kafka": {"servers": "127.0.0.1:1", "security": "PLAINTEXT"}}, ENVIRON)
    with pytest.raises(SetupError, match="timed out") as caught:
        async with subscriber_topics(setup):
            pass
    assert "délai dépassé" in caught.value.text["fr"]


def test_secrets_are_not_printed() -> None:
    assert "s3cret" not in repr(setup_of({**SOUND, "kafka": KAFKA}, ENVIRON))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"role": "relay"}, "role"),
        ({"target": "gateway.example.org"}, "target"),
        ({"target": "https://user@gateway.example.org"}, "target"),
        ({"accounts": {"visitor": {}}}, "visitor"),
        ({"accounts": {"publisher": {"platform": "bretagne", "secret_env": "MISSING"}}}, "MISSING"),
        ({"accounts": {"publisher": {"secret_env": "SECRET"}}}, "platform"),
        ({"accounts": {"publisher": {"platform": "b", "secret_env": "SECRET", "secret": "x"}}}, "secret"),
        ({"features": {"teleport": True}}, "teleport"),
        ({"features": {"batch": "no"}}, "batch"),
        ({"hooks": {"reboot": "x"}}, "reboot"),
        ({"patience": 0}, "patience"),
        ({"profile": "half"}, "half"),
        ({"partner": {"observe": True}}, "observe"),
        ({"expected_failure": [{"case": "x", "reason": "y", "until": "soon"}]}, "until"),
        ({"expected_failure": [{"case": "x", "until": date(2027, 1, 31)}]}, "reason"),
        (
            {"expected_failure": [{"case": "feed/of-others", "reason": "y", "until": date(2027, 1, 31)}]},
            "feed/of-others",
        ),
        ({"expected_failure": [{"case": "subscriber/resync", "reason": "y", "until": date(2027, 1, 31)}]}, "gateway"),
        ({"expected_failure": {"case": "feed/forged"}}, "expected_failure"),
        ({"accounts": {"publisher": SAME, "neighbour": SAME}}, "same platform"),
        ({"accounts": {"publisher": "bretagne"}}, "publisher"),
        ({"partner": {"listen": "8090"}}, "listen"),
        ({"partner": {"control": "localhost:9000"}}, "control"),
        ({"colour": "blue"}, "colour"),
        ({"features": {"topics": True}}, "topics"),
        ({"role": "publisher", "kafka": {"servers": "a:9092"}}, "kafka"),
        ({"kafka": {}}, "servers"),
        ({"kafka": {"servers": "kafka.example.org"}}, "servers"),
        ({"kafka": {"servers": "a:9092", "accounts": ["operator"]}}, "operator"),
        ({"kafka": {"servers": "a:9092", "username": "kit"}}, "secret_env"),
        ({"kafka": {"servers": "a:9092", "username": "kit", "secret": "x"}}, "secret"),
        ({"kafka": {"servers": "a:9092", "username": "kit", "secret_env": "MISSING"}}, "MISSING"),
        ({"kafka": {"servers": "a:9092", "security": "SASL_SSL"}}, "security"),
        ({"kafka": {"servers": "a:9092", "security": "TLS"}}, "TLS"),
        ({"kafka": {"servers": "a:9092", "mechanism": "GSSAPI"}}, "GSSAPI"),
        ({"kafka": {"servers": "a:9092", "mechanism": "PLAIN"}}, "kafka.mechanism would"),
        ({"kafka": {"servers": "a:9092", "secret_env": "SECRET"}}, "kafka.secret_env would"),
        ({"kafka": {"servers": "a:9092", "security": "PLAINTEXT", "ca": "ca.pem"}}, "kafka.ca would"),
        (
            {"kafka": {"servers": "a:9092", "security": "PLAINTEXT", "certificate": "kit.pem"}},
            "kafka.certificate would",
        ),
        (
            {"kafka": {**KAFKA, "security": "SASL_PLAINTEXT", "certificate": "kit.pem", "key": "kit.key"}},
            "kafka.certificate would",
        ),
        ({"kafka": {**KAFKA, "key": "kit.key"}}, "kafka.key would"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(change: dict[str, Any], named: str) -> None:
    with pytest.raises(SetupError, match=named) as caught:
        setup_of({**SOUND, **change}, ENVIRON)
    assert all(caught.value.step[language] for language in LANGUAGES)


def test_a_missing_or_invalid_toml_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"conformance\.toml"):
        read_setup(tmp_path / "conformance.toml", {})
    (tmp_path / "conformance.toml").write_text("role = ", encoding="utf-8")
    with pytest.raises(SetupError, match="TOML"):
        read_setup(tmp_path / "conformance.toml", {})


@pytest.mark.parametrize("value", ["kit:depasse@a:9093", "https://kit:mot/depasse@a", "https://kit?mot:depasse@a"])
@pytest.mark.parametrize("where", [("target",), ("gateway",), ("partner", "control"), ("kafka", "servers")])
def test_a_password_in_an_address_is_refused_and_not_printed(where: tuple[str, ...], value: str) -> None:
    change: dict[str, Any] = {where[-1]: value}
    if where[:-1]:
        change = {where[0]: change}
    with pytest.raises(SetupError, match="contains a user name") as caught:
        setup_of({**SOUND, **change}, ENVIRON)
    assert ".".join(where) in str(caught.value)
    assert not [text for text in (*caught.value.text.values(), *caught.value.step.values()) if "depasse" in text]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ROLES)
def test_the_template_of_each_role_can_be_read_as_it_is(role: RoleName, language: Language, tmp_path: Path) -> None:
    path = tmp_path / "conformance.toml"
    path.write_text(template_of(role, language), encoding="utf-8")
    assert role == read_setup(path, ENVIRON).role


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_of_a_gateway_names_the_package_that_reads_every_topic(language: Language) -> None:
    assert f'pip install "{EXTRA}"' in template_of("gateway", language)


def test_the_template_of_a_publisher_has_the_test_interface_of_the_guide(tmp_path: Path) -> None:
    path = tmp_path / "conformance.toml"
    path.write_text(template_of("publisher", "en"), encoding="utf-8")
    guide = (Path(__file__).parents[3] / "docs/conformance/publisher.md").read_text()
    assert f'control = "{read_setup(path, ENVIRON).control}"' in guide


def pages() -> list[Path]:
    return sorted((Path(__file__).parents[3] / "docs/conformance").glob("*.md"))


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_the_set_ups_and_cases_of_the_guides_are_right(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = {case.id for case in cases()}
    families = {case.family for case in cases()}
    named = {name for name in re.findall(r"`([a-z-]+/[a-z0-9-]+)`", text) if name.partition("/")[0] in families}
    assert set() == named - known
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        body = tomllib.loads(textwrap.dedent(block))
        role = page.stem if page.stem in ROLES else "publisher"
        assert role == setup_of({"role": role, "target": SOUND["target"], **body}, ENVIRON).role
