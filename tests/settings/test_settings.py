"""Settings: every mistake is named at start, and secrets stay out of output."""

from datetime import date
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.runtime.keys import load_secret
from gateway.runtime.lock import locked
from gateway.settings import Settings

KAFKA = {
    "PASSERELLE_KAFKA": "broker:9092",
    "PASSERELLE_SECRET": "0123456789abcdef" * 2,
    "PASSERELLE_SIGNING_KEY": "keys.pem",
}

MAIL = {
    "PASSERELLE_SMTP": "smtp://user:hush@relay.example",
    "PASSERELLE_SMTP_FROM": "avis@region.example",
    "PASSERELLE_PUBLIC_URL": "https://region.example",
}


def test_nothing_set_is_the_embedded_default() -> None:
    assert Settings.from_env({"HOME": "/x"}) == Settings()


def test_values_get_their_types() -> None:
    settings = Settings.from_env({**KAFKA, "PASSERELLE_PORT": "0", "PASSERELLE_DATA": "/srv/x"})
    assert (settings.port, settings.data, settings.kafka) == (0, Path("/srv/x"), "broker:9092")


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"PASSERELLE_PROT": "1"}, "PASSERELLE_PROT"),
        ({"PASSERELLE_PORT": "http"}, "PASSERELLE_PORT"),
        ({"PASSERELLE_PORT": "65536"}, "PASSERELLE_PORT"),
        ({"PASSERELLE_PARTITIONS": "0"}, "PASSERELLE_PARTITIONS"),
        ({"PASSERELLE_KAFKA": "broker"}, "PASSERELLE_KAFKA"),
        ({"PASSERELLE_KAFKA": "broker:9092"}, "PASSERELLE_SECRET"),
        ({**KAFKA, "PASSERELLE_SIGNING_KEY": ""}, "PASSERELLE_SIGNING_KEY"),
        ({"PASSERELLE_SECRET": "short"}, "PASSERELLE_SECRET"),
        ({"PASSERELLE_KAFKA_SECURITY": "TLS"}, "PASSERELLE_KAFKA_SECURITY"),
        ({"PASSERELLE_LOG_LEVEL": "loud"}, "PASSERELLE_LOG_LEVEL"),
        ({"PASSERELLE_PAGES": "2"}, "PASSERELLE_PAGES must be 1"),
        ({"PASSERELLE_LEGAL_CONTACT": "javascript:alert(1)"}, "PASSERELLE_LEGAL_CONTACT"),
        ({"PASSERELLE_LEGAL_CONTACT": "the desk"}, "PASSERELLE_LEGAL_CONTACT"),
        ({"PASSERELLE_LEGAL_CONTACT": "mailto:a@b.example"}, "PASSERELLE_LEGAL_CONTACT"),
        ({"PASSERELLE_SECURITY_CONTACT": "http://region.example/report"}, "PASSERELLE_SECURITY_CONTACT"),
        ({"PASSERELLE_SMTP": "http://relay.example"}, "smtps://…:465"),
        ({"PASSERELLE_SMTP": "smtp://relay.example"}, "PASSERELLE_SMTP_FROM, PASSERELLE_PUBLIC_URL"),
        ({**MAIL, "PASSERELLE_PAGES": "0"}, "PASSERELLE_PAGES=1"),
        ({**MAIL, "PASSERELLE_SMTP_FROM": "a@region.example\nBcc: b@region.example"}, "PASSERELLE_SMTP_FROM"),
        ({"PASSERELLE_MAILS_PER_HOUR": "0"}, "PASSERELLE_MAILS_PER_HOUR"),
        ({"PASSERELLE_SECURITY_CONTACT": "a@b.example\nPolicy: x"}, "PASSERELLE_SECURITY_CONTACT"),
        ({"PASSERELLE_SECURITY_POLICY": "SECURITY.md"}, "PASSERELLE_SECURITY_POLICY"),
        ({"PASSERELLE_SOURCE_URL": "git@forge.example:x"}, "PASSERELLE_SOURCE_URL"),
        ({"PASSERELLE_REQUESTS_PER_MINUTE": "0"}, "PASSERELLE_REQUESTS_PER_MINUTE"),
        ({"PASSERELLE_UPLOADS_AT_ONCE": "0"}, "PASSERELLE_UPLOADS_AT_ONCE"),
        ({"PASSERELLE_PUBLIC_URL": "stages.example"}, "PASSERELLE_PUBLIC_URL"),
        ({"PASSERELLE_REQUIRE_CERTIFICATE": "soon"}, "PASSERELLE_REQUIRE_CERTIFICATE must be a date"),
        ({"PASSERELLE_REQUIRE_CERTIFICATE": "2027-02-30"}, "PASSERELLE_REQUIRE_CERTIFICATE must be a date"),
        ({"PASSERELLE_HOST": "0.0.0.0"}, "PASSERELLE_PUBLIC_URL"),
        ({"PASSERELLE_PROXIES": "10.0.0.0/8,"}, "PASSERELLE_PROXIES must be addresses or networks"),
        ({"PASSERELLE_PROXIES": "proxy.example"}, "PASSERELLE_PROXIES must be addresses or networks"),
        ({"PASSERELLE_PROXIES": "10.0.0.0/33"}, "PASSERELLE_PROXIES must be addresses or networks"),
        (
            {"PASSERELLE_PROXIES": "10.0.0.5/8"},
            "PASSERELLE_PROXIES must name whole networks.*10.0.0.0/8 is the network",
        ),
        ({"PASSERELLE_PROXIES": "2001:db8::1/32"}, "PASSERELLE_PROXIES must name whole networks"),
        ({"PASSERELLE_PROXIES": "0.0.0.0/0"}, "PASSERELLE_PROXIES must not name every address"),
        ({"PASSERELLE_PROXIES": "10.0.0.1, ::/0"}, "PASSERELLE_PROXIES must not name every address"),
        ({"PASSERELLE_LATE_EXCHANGES": "0"}, "PASSERELLE_LATE_EXCHANGES"),
        ({"PASSERELLE_DOWN_HOURS": "0"}, "PASSERELLE_DOWN_HOURS"),
        ({"PASSERELLE_PUBLISH_HOURS": "0"}, "PASSERELLE_PUBLISH_HOURS"),
        ({"PASSERELLE_MAP_CLASSES": "200,350,600"}, "PASSERELLE_MAP_CLASSES"),
        ({"PASSERELLE_MAP_CLASSES": "200,350,350,600"}, "PASSERELLE_MAP_CLASSES"),
        ({"PASSERELLE_MAP_CLASSES": "600,350,200,100"}, "PASSERELLE_MAP_CLASSES"),
        ({"PASSERELLE_MAP_CLASSES": "1,2,3,4"}, "PASSERELLE_MAP_CLASSES"),
        ({"PASSERELLE_MAP_CLASSES": "few,some,many,most"}, "PASSERELLE_MAP_CLASSES"),
        ({**KAFKA, "PASSERELLE_KAFKA_SASL_MECHANISM": "GSSAPI"}, "PASSERELLE_KAFKA_SASL_MECHANISM"),
    ],
)
def test_a_mistake_is_named(environ: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Settings.from_env(environ)


def test_the_classes_of_the_map_are_numbers() -> None:
    assert Settings().map_bounds is None
    assert Settings.from_env({"PASSERELLE_MAP_CLASSES": "2,5,10,20"}).map_bounds == (2, 5, 10, 20)


def test_a_worker_reads_the_very_settings_of_the_gateway() -> None:
    """[CER-001]: the first day on which publishing needs a certificate is among them."""
    settings = Settings.from_env(
        {
            **KAFKA,
            "PASSERELLE_REQUIRE_CERTIFICATE": "2027-03-01",
            "PASSERELLE_WORKERS": "2",
            "PASSERELLE_PROXIES": "10.0.0.0/8, 2001:db8::1",
        }
    )
    assert settings.require_certificate == date(2027, 3, 1)
    assert Settings.from_env(settings.to_environ()) == settings


def test_secrets_stay_out_of_repr() -> None:
    """T-18."""
    settings = Settings.from_env(
        {**KAFKA, "PASSERELLE_SECRET": "very-secret" * 4, "PASSERELLE_KAFKA_PASSWORD": "hush", **MAIL}
    )
    assert "very-secret" not in repr(settings)
    assert "hush" not in repr(settings)


def test_the_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    """[SEC-009]: T-21."""
    first = load_secret(None, folder=tmp_path / "data")
    assert load_secret(None, folder=tmp_path / "data") == first
    assert len(first) >= 32
    assert (tmp_path / "data/secret").stat().st_mode & 0o777 == 0o600


def test_one_gateway_at_a_time_works_in_a_folder_that_only_its_owner_can_enter(tmp_path: Path) -> None:
    """[SEC-009]: T-21."""
    with locked(tmp_path / "data"):
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0
        with pytest.raises(SettingsError, match="another gateway"), locked(tmp_path / "data"):
            pass
    with locked(tmp_path / "data"):
        pass


def test_a_given_secret_is_used_as_it_is(tmp_path: Path) -> None:
    assert load_secret("x" * 40, folder=tmp_path) == b"x" * 40
