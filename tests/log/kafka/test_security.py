"""TLS and SASL against a real broker: which clients are accepted, and how others are refused."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.target.setup import Cluster, Setup, SetupError, TargetAccount
from conformance.target.topic import subscriber_topics
from demo.broker import Listener, LocalBroker
from gateway.errors import LogUnavailableError
from gateway.log.kafka import KafkaLog, KafkaSettings
from gateway.log.port import Output
from gateway.protocol.topic import COMMON, FEED, OFFERS, SUBMISSIONS, feed
from tests.log.contract.log_fixture import opened_log, read_keys, record
from tests.log.kafka.certificate import Authority
from tests.log.kafka.local import need_local_kafka

pytestmark = pytest.mark.kafka

PASSWORD = "a-password-for-tests"


@dataclass
class Guarded:
    """A broker with a listener that wants a password and one that wants a certificate, and their authority."""

    broker: LocalBroker
    authority: Authority

    def settings(self, listener: str, **more: Any) -> KafkaSettings:
        servers = f"127.0.0.1:{self.broker.ports[listener]}"
        return KafkaSettings(bootstrap_servers=servers, prefix=listener.lower(), **more)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    need_local_kafka()
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder)
    certificate, key = authority.issue("broker")
    keystore = folder / "broker.keystore.pem"
    keystore.write_text(key.read_text() + certificate.read_text())
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    plain = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_gateway="{PASSWORD}";'
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keystore),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "listener.name.certified.ssl.client.auth": "required",
        "listener.name.secret.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "listener.name.secret.plain.sasl.jaas.config": plain,
        "listener.name.secret.scram-sha-256.sasl.jaas.config": scram,
        "listener.name.secret.scram-sha-512.sasl.jaas.config": scram,
    }
    users = [
        option
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        for option in ("--add-scram", f"{mechanism}=[name=gateway,password={PASSWORD}]")
    ]
    listeners = [Listener("SECRET", "SASL_SSL"), Listener("CERTIFIED", "SSL")]
    with LocalBroker(listeners=listeners, properties=properties, format_options=users) as broker:
        yield Guarded(broker, authority)


async def write_and_read(settings: KafkaSettings) -> list[str]:
    """Through every kind of client that the log has."""
    async with opened_log(KafkaLog.open(settings)) as log:
        await log.append(SUBMISSIONS, 0, [record("appended")])
        owner = await log.own("relay", 0)
        await owner.commit([Output(OFFERS, 0, record("committed"))])
        await owner.close()
        membership = await log.join("relay", SUBMISSIONS)
        assert frozenset(range(3)) == await membership.changed()
        await membership.close()
        return [*(await read_keys(log, SUBMISSIONS))[:1], *(await read_keys(log, OFFERS))[:1]]


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
async def test_a_password_over_tls_opens(guarded: Guarded, mechanism: str) -> None:
    settings = guarded.settings(
        "SECRET",
        security="SASL_SSL",
        sasl_mechanism=mechanism,
        username="gateway",
        password=PASSWORD,
        ca=guarded.authority.file,
    )
    assert ["appended", "committed"] == await write_and_read(settings)


async def test_a_client_certificate_opens(guarded: Guarded) -> None:
    certificate, key = guarded.authority.issue("gateway")
    settings = guarded.settings(
        "CERTIFIED", security="SSL", ca=guarded.authority.file, certificate=certificate, key=key
    )
    assert ["appended", "committed"] == await write_and_read(settings)


def kit(guarded: Guarded, listener: str, **more: Any) -> Setup:
    """A set-up of the kit that reads the topic of the national site there."""
    servers = f"127.0.0.1:{guarded.broker.ports[listener]}"
    cluster = Cluster(servers=servers, accounts=("national",), prefix="kit", ca=str(guarded.authority.file), **more)
    account = TargetAccount(platform="national", client_id="national", secret="-")
    return Setup(role="gateway", target="http://127.0.0.1:1", accounts={"national": account}, cluster=cluster)


async def test_the_kit_reads_a_topic_with_a_password_or_a_certificate(guarded: Guarded) -> None:
    log = await KafkaLog.open(KafkaSettings(bootstrap_servers=guarded.broker.bootstrap_servers, prefix="kit"))
    await log.create_topics([*COMMON, feed("national")])
    certificate, key = guarded.authority.issue("gateway")
    with_password = kit(guarded, "SECRET", security="SASL_SSL", username="gateway", secret=PASSWORD)
    with_certificate = kit(guarded, "CERTIFIED", certificate=str(certificate), key=str(key))
    for setup in (with_password, with_certificate):
        async with subscriber_topics(setup) as topics:
            await log.append(FEED + "national", 0, [record("bretagne:1")])
            await topics["national"].read()
            assert ["bretagne:1"] == [each.key for each in topics["national"].records]
    await log.close()


async def test_the_kit_names_a_cluster_that_refuses_its_password(guarded: Guarded) -> None:
    wrong = kit(guarded, "SECRET", security="SASL_SSL", username="gateway", secret="another")
    with pytest.raises(SetupError, match="KafkaConnectionError") as caught:
        async with subscriber_topics(wrong):
            pass
    assert "another" not in str(caught.value)


async def test_a_wrong_password_does_not_and_is_not_repeated(
    guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    settings = guarded.settings(
        "SECRET",
        security="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-256",
        username="gateway",
        password="the-wrong-word",
        ca=guarded.authority.file,
    )
    with pytest.raises(LogUnavailableError) as caught:
        await KafkaLog.open(settings)
    assert "the-wrong-word" not in str(caught.value)
    assert "the-wrong-word" not in caplog.text
    assert "AuthenticationFailed" in caplog.text


async def test_a_client_without_its_certificate_is_refused(guarded: Guarded) -> None:
    with pytest.raises(LogUnavailableError):
        await KafkaLog.open(guarded.settings("CERTIFIED", security="SSL", ca=guarded.authority.file))


async def test_a_broker_certified_by_an_unknown_authority_is_not_trusted(guarded: Guarded, tmp_path: Path) -> None:
    stranger = Authority(tmp_path)
    certificate, key = guarded.authority.issue("gateway")
    settings = guarded.settings("CERTIFIED", security="SSL", ca=stranger.file, certificate=certificate, key=key)
    with pytest.raises(LogUnavailableError):
        await KafkaLog.open(settings)
