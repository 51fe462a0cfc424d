"""Settings: one frozen value, read from the environment and validated at start."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import chain
from math import log2
from pathlib import Path
from typing import TypeAlias

from gateway.errors import SettingsError

Network: TypeAlias = IPv4Network | IPv6Network

_SECRET_CHARACTERS = 32
_DIFFERENT = 8
_SECRET_BITS = 64
_ELSEWHERE = {f"PASSERELLE_{name}" for name in ("KAFKA_CACHE", "CLIENT_ID", "CLIENT_SECRET", "URL", "TEST_SAMPLES")}
"""Variables with the same prefix that are read elsewhere: by the local test broker, the partners' client, the tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings. They are documented in ``docs/install.md``; a test compares that page with this class.

    Each field is read from ``PASSERELLE_{FIELD}``. Secrets stay out of ``repr``.
    """

    data: Path = Path(".data")
    host: str = "127.0.0.1"
    port: int = 8080
    management_host: str = "127.0.0.1"
    management_port: int = 8081
    public_url: str | None = None
    proxies: str | None = None
    partitions: int = 3
    kafka: str | None = None
    kafka_prefix: str = "stages"
    kafka_replication: int = 1
    kafka_security: str = "PLAINTEXT"
    kafka_sasl_mechanism: str | None = None
    kafka_username: str | None = None
    kafka_password: str | None = field(default=None, repr=False)
    kafka_ca: Path | None = None
    kafka_certificate: Path | None = None
    kafka_key: Path | None = None
    secret: str | None = field(default=None, repr=False)
    signing_key: Path | None = None
    requests_per_minute: int = 6_000
    uploads_at_once: int = 16
    upload_processor_seconds: int = 600
    processor_percent: int = 50
    workers: int = 0
    national: Path | None = None
    smtp: str | None = field(default=None, repr=False)
    smtp_from: str | None = None
    mails_per_hour: int = 300
    feeds: Path | None = None
    feed_secrets: Path | None = None
    loopback_feeds: int = 0
    require_certificate: date | None = None
    pages: int = 1
    legal_publisher: str | None = None
    legal_address: str | None = None
    legal_director: str | None = None
    legal_contact: str | None = None
    legal_host: str | None = None
    source_url: str | None = None
    security_contact: str | None = None
    security_policy: str | None = None
    late_exchanges: int = 2
    down_hours: int = 6
    publish_hours: int = 24
    map_classes: str | None = None
    operator: str | None = None
    log_level: str = "info"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read ``PASSERELLE_*``. Raises SettingsError for an unknown variable or an invalid value."""
        known = {f"PASSERELLE_{spec.name.upper()}": spec for spec in fields(cls)}
        unknown = sorted(
            name for name in environ if name.startswith("PASSERELLE_") and name not in {*known, *_ELSEWHERE}
        )
        if unknown:
            raise SettingsError(f"{unknown[0]} is not a setting; see docs/install.md for their names, and unset it")
        values = {spec.name: _read(name, environ[name], spec.type) for name, spec in known.items() if environ.get(name)}
        settings = cls(**values)  # type: ignore[arg-type]  # _read gives each field its type
        settings._check()
        return settings

    def to_environ(self) -> dict[str, str]:
        """The environment variables for ``from_env``, secrets included. A default is left out: processes of an earlier
        version do not know each setting.
        """
        values = {spec.name: (getattr(self, spec.name), spec.default) for spec in fields(self)}
        return {
            f"PASSERELLE_{name.upper()}": str(given) for name, (given, default) in values.items() if given != default
        }

    def _check(self) -> None:
        """Raise SettingsError for the first invalid value."""
        checks = (self._numbers, self._map, self._addresses, self._mail, self._kafka, self._secrets)
        for wrong, message in chain.from_iterable(check() for check in checks):
            if wrong:
                raise SettingsError(message)

    def _numbers(self) -> Iterator[tuple[bool, str]]:
        for name in ("port", "management_port"):
            wrong = not 0 <= getattr(self, name) <= 65_535
            yield wrong, f"PASSERELLE_{name.upper()} must be a port between 0 (any free one) and 65535"
        yield not 1 <= self.partitions <= 64, "PASSERELLE_PARTITIONS must be between 1 and 64"
        positive = ("requests_per_minute", "uploads_at_once", "upload_processor_seconds")
        for name in (*positive, "late_exchanges", "down_hours", "publish_hours", "mails_per_hour"):
            yield getattr(self, name) < 1, f"PASSERELLE_{name.upper()} must be at least 1"
        yield not 1 <= self.processor_percent <= 100, "PASSERELLE_PROCESSOR_PERCENT must be between 1 and 100"
        yield not 0 <= self.workers <= 64, "PASSERELLE_WORKERS must be between 0 (no further process) and 64"
        yield self.loopback_feeds not in {0, 1}, "PASSERELLE_LOOPBACK_FEEDS must be 0 or 1 (for a demo or a test)"
        yield self.pages not in {0, 1}, "PASSERELLE_PAGES must be 1 (pages for people) or 0 (the API alone)"
        known = self.log_level in {"debug", "info", "warning", "error"}
        yield not known, "PASSERELLE_LOG_LEVEL must be debug, info, warning or error"

    @property
    def map_bounds(self) -> tuple[int, ...] | None:
        """The least numbers of offers of the map's second to fifth class; None: those of the season."""
        return None if self.map_classes is None else tuple(map(int, self.map_classes.split(",")))

    def _map(self) -> Iterator[tuple[bool, str]]:
        written = self.map_classes is None or re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9}){3}", self.map_classes)
        bounds = self.map_bounds if written else (0,)
        wrong = bounds is not None and (bounds[0] < 2 or sorted(set(bounds)) != list(bounds))
        yield wrong, "PASSERELLE_MAP_CLASSES must be four whole numbers from 2 on that grow, such as 200,350,600,1000"

    def _addresses(self) -> Iterator[tuple[bool, str]]:
        url = self.public_url
        wrong = url is not None and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url)
        yield wrong, "PASSERELLE_PUBLIC_URL must be the http or https URL that partners use"
        web = re.compile(r"https?://[^\s/?#@]+([/?#]\S*)?")
        wrong = self.source_url is not None and not web.fullmatch(self.source_url)
        yield wrong, "PASSERELLE_SOURCE_URL must be the http or https URL of the source code"
        email = re.compile(r"[^\s@:/?&]+@[^\s@:/?&]+")
        contact = self.legal_contact
        wrong = contact is not None and not (web.fullmatch(contact) or email.fullmatch(contact))
        yield wrong, "PASSERELLE_LEGAL_CONTACT must be an e-mail address, or an http or https URL"
        https = re.compile(r"https://[^\s/?#@]+([/?#]\S*)?")
        contact, policy = self.security_contact, self.security_policy
        wrong = contact is not None and not (https.fullmatch(contact) or email.fullmatch(contact))
        yield wrong, "PASSERELLE_SECURITY_CONTACT must be an e-mail address, or an https URL"
        wrong = policy is not None and not https.fullmatch(policy)
        yield wrong, "PASSERELLE_SECURITY_POLICY must be an https URL"
        fault = _proxies_fault(self.proxies)
        yield fault is not None, f"PASSERELLE_PROXIES {fault}"
        everywhere = self.host in {"0.0.0.0", "::"}  # noqa: S104  # compared, not bound
        yield everywhere and url is None, "PASSERELLE_PUBLIC_URL is required if PASSERELLE_HOST is every address"

    def _mail(self) -> Iterator[tuple[bool, str]]:
        relay = self.smtp is None or re.fullmatch(r"smtps?://([^\s/@]+@)?[^\s/?#@]+/?", self.smtp)
        yield not relay, "PASSERELLE_SMTP must be smtp://user:password@host:587 (STARTTLS) or smtps://…:465"
        sender = self.smtp_from is None or re.fullmatch(r"[\x21-\x7e]+@[a-z0-9.-]+", self.smtp_from)
        yield not sender, "PASSERELLE_SMTP_FROM must be an e-mail address, such as avis@example.org"
        lacking = [name for name in ("smtp_from", "public_url") if getattr(self, name) is None]
        names = ", ".join(f"PASSERELLE_{name.upper()}" for name in lacking) or "PASSERELLE_PAGES=1"
        wrong = self.smtp is not None and (bool(lacking) or not self.pages)
        yield wrong, f"PASSERELLE_SMTP needs {names}: mails name the sender and pages of the gateway"

    def _kafka(self) -> Iterator[tuple[bool, str]]:
        wrong = self.kafka is not None and not re.fullmatch(r"[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*", self.kafka)
        yield wrong, "PASSERELLE_KAFKA must be host:port, or several with commas between them"
        known = self.kafka_security in {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}
        yield not known, "PASSERELLE_KAFKA_SECURITY must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
        known = self.kafka_sasl_mechanism in {None, "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}
        yield not known, "PASSERELLE_KAFKA_SASL_MECHANISM must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"

    def _secrets(self) -> Iterator[tuple[bool, str]]:
        shared = self.kafka is not None
        yield (
            shared and self.secret is None,
            "PASSERELLE_SECRET is required with Kafka, the same for every replica: at least 32 random characters",
        )
        yield (
            shared and self.signing_key is None,
            (
                "PASSERELLE_SIGNING_KEY is required with Kafka, the same file for every replica; create one with "
                "`openssl ecparam -name prime256v1 -genkey -noout -out signing.pem` and chmod 600"
            ),
        )
        weak = None if self.secret is None else weakness(self.secret)
        yield weak is not None, f"PASSERELLE_SECRET {weak}: at least 32 random characters are required"


def loopback_feeds(environ: Mapping[str, str]) -> bool:
    """Whether feeds may be fetched over http from this machine; for commands that read no other setting."""
    return environ.get("PASSERELLE_LOOPBACK_FEEDS", "0").strip() == "1"


def proxy_networks(text: str | None) -> tuple[Network, ...]:
    """The networks of ``PASSERELLE_PROXIES``. Raises ValueError for a text that names none."""
    return tuple(ip_network(entry.strip()) for entry in text.split(",")) if text else ()


def _proxies_fault(text: str | None) -> str | None:
    """The fault of a list of proxies, as the predicate of a sentence."""
    for entry in map(str.strip, text.split(",") if text else ()):
        try:
            network = ip_network(entry, strict=False)
        except ValueError:
            return f"must be addresses or networks with commas between them, such as 10.0.0.0/8,2001:db8::1: {entry!r}"
        if network.prefixlen == 0:
            return f"must not name every address ({entry}): each client could then choose its own"
        if not _is_whole(entry):
            return f"must name whole networks: {entry} has bits beyond its prefix; {network} is the network"
    return None


def _is_whole(network: str) -> bool:
    try:
        ip_network(network)
    except ValueError:
        return False
    return True


def weakness(secret: str) -> str | None:
    """The weakness of a secret that is to seal, as the predicate of a sentence; None if it is strong enough.

    32 random bytes or letters practically always have 8 different characters; 32 random decimal digits have fewer once
    in 800 times, zeros and ones always. With fewer, the entropy of their distribution must suffice (32 random digits
    have about 90 bits, 128 random zeros and ones about 128), and the secret must not repeat a substring.
    """
    if not secret.strip():
        return "is empty"
    if len(secret) < _SECRET_CHARACTERS:
        return f"has fewer than {_SECRET_CHARACTERS} characters"
    counts = Counter(secret)
    if len(counts) >= _DIFFERENT:
        return None
    if -sum(count * log2(count / len(secret)) for count in counts.values()) < _SECRET_BITS:
        return "has too few different characters"
    if any(secret[period:] == secret[:-period] for period in range(1, len(secret) // 2 + 1)):
        return "repeats a shorter piece"
    return None


def _read(name: str, text: str, kind: object) -> object:
    if kind is int:
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise SettingsError(f"{name} must be a whole number")
        return int(text)
    if kind in (Path, Path | None):
        return Path(text)
    if kind == date | None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise SettingsError(f"{name} must be a date such as 2027-03-01") from None
    return text
