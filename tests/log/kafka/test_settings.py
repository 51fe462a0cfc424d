"""Settings of Kafka: contradictions, the arguments for aiokafka, and secrets that stay out of logs."""

import contextlib
import ssl
from pathlib import Path
from typing import Any

import pytest

from gateway.log.kafka import KafkaSettings
from gateway.log.kafka.settings import client_options
from tests.log.kafka.certificate import Authority

SERVERS = "kafka-1:9093,kafka-2:9093"
SASL: dict[str, Any] = {"sasl_mechanism": "SCRAM-SHA-512", "username": "gateway", "password": "pass-word"}


def test_plain_settings_name_the_servers_only() -> None:
    options = client_options(KafkaSettings(bootstrap_servers=SERVERS, prefix="essai", patience=2.0))
    assert {
        "bootstrap_servers": SERVERS,
        "client_id": "essai.passerelle",
        "security_protocol": "PLAINTEXT",
        "request_timeout_ms": 7_000,
    } == options


def test_requests_time_out_only_after_our_own_timeout() -> None:
    """Otherwise the library would repeat a commit while the first answer is awaited."""
    settings = KafkaSettings(bootstrap_servers=SERVERS)
    assert client_options(settings)["request_timeout_ms"] > settings.patience * 1_000


def test_names_and_passwords_reach_the_client_and_no_log() -> None:
    settings = KafkaSettings(bootstrap_servers=SERVERS, security="SASL_PLAINTEXT", **SASL)
    options = client_options(settings)
    assert ("SCRAM-SHA-512", "gateway", "pass-word") == (
        options["sasl_mechanism"],
        options["sasl_plain_username"],
        options["sasl_plain_password"],
    )
    assert "pass-word" not in repr(settings)


def test_tls_checks_the_broker_s_certificate_and_name(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("gateway")
    settings = KafkaSettings(
        bootstrap_servers=SERVERS, security="SASL_SSL", ca=authority.file, certificate=certificate, key=key, **SASL
    )
    context: ssl.SSLContext = client_options(settings)["ssl_context"]
    assert ssl.CERT_REQUIRED == context.verify_mode
    assert context.check_hostname
    assert 1 == len(context.get_ca_certs())


def test_tls_without_a_ca_file_uses_the_systems_authorities() -> None:
    context: ssl.SSLContext = client_options(KafkaSettings(bootstrap_servers=SERVERS, security="SSL"))["ssl_context"]
    assert ssl.CERT_REQUIRED == context.verify_mode


def shake_hands(client: ssl.SSLObject, broker: ssl.SSLObject) -> None:
    for side in (client, broker, client):
        with contextlib.suppress(ssl.SSLWantReadError):
            side.do_handshake()
    broker.do_handshake()


def test_a_connection_over_tls_ends_without_waiting_for_the_broker_to_say_so_too(tmp_path: Path) -> None:
    """Otherwise a slow or suspended broker keeps the sockets of closed clients."""
    authority = Authority(tmp_path)
    options = client_options(KafkaSettings(bootstrap_servers=SERVERS, security="SSL", ca=authority.file))
    context: ssl.SSLContext = options["ssl_context"]
    accepting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    accepting.load_cert_chain(*authority.issue("broker"))
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(back, there, server_hostname="127.0.0.1")
    broker = accepting.wrap_bio(there, back, server_side=True)
    shake_hands(client, broker)

    client.unwrap()

    assert b"" == broker.read()  # the broker's side


def test_a_certificate_file_that_does_not_exist_is_an_error_at_once(tmp_path: Path) -> None:
    settings = KafkaSettings(bootstrap_servers=SERVERS, security="SSL", ca=tmp_path / "nowhere.pem")
    with pytest.raises(OSError, match="No such file"):
        client_options(settings)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"security": "SASL_SSL"}, "user name and a password"),
        ({"security": "SASL_SSL", **SASL, "password": None}, "user name and a password"),
        (SASL, "PLAINTEXT does not use them"),
        ({"ca": Path("ca.pem")}, "Certificate files"),
        ({"security": "SSL", "key": Path("key.pem")}, "without its certificate"),
        ({"patience": 10.0}, "patience"),
        ({"patience": 0.0}, "patience"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        KafkaSettings(bootstrap_servers=SERVERS, **wrong)


@pytest.mark.parametrize(("replication", "min_insync"), [(1, 1), (2, 1), (3, 2), (5, 4)])
def test_one_replica_may_fail_where_there_are_several(replication: int, min_insync: int) -> None:
    assert min_insync == KafkaSettings(bootstrap_servers=SERVERS, replication=replication).min_insync


def test_names_on_the_cluster_begin_with_the_prefix() -> None:
    settings = KafkaSettings(bootstrap_servers=SERVERS, prefix="essai")
    assert "essai.inbox.bretagne.v1" == settings.topic("inbox.bretagne")
    assert "essai.intake.bretagne.2" == settings.transactional_id("intake.bretagne", 2)
