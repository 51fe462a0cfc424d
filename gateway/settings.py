"""Settings: one frozen value read from the environment at start, where every mistake is named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path


class SettingsError(Exception):
    """A variable is missing or wrong; the message names it and says how to mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an operator can set; documented in ``docs/operations.md``, which a test holds to this class.

    Each field is read from ``PASSERELLE_{FIELD}``. Secrets stay out of ``repr``.
    """

    data: Path = Path(".data")
    host: str = "127.0.0.1"
    port: int = 8080
    management_host: str = "127.0.0.1"
    management_port: int = 8081
    public_url: str | None = None
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
    log_level: str = "info"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read ``PASSERELLE_*``. Raises SettingsError for an unknown variable and for a value that cannot be used."""
        known = {f"PASSERELLE_{spec.name.upper()}": spec for spec in fields(cls)}
        unknown = sorted(
            name for name in environ if name.startswith("PASSERELLE_") and name not in {*known, *_ELSEWHERE}
        )
        if unknown:
            raise SettingsError(f"{unknown[0]} is not a setting; see docs/operations.md for their names, and unset it")
        values = {spec.name: _read(name, environ[name], spec.type) for name, spec in known.items() if environ.get(name)}
        settings = cls(**values)  # type: ignore[arg-type]  # _read gives each field its type
        settings._check()
        return settings

    def _check(self) -> None:
        for name in ("port", "management_port"):
            if not 0 <= getattr(self, name) <= 65_535:
                raise SettingsError(f"PASSERELLE_{name.upper()} must be a port between 0 (any free one) and 65535")
        if not 1 <= self.partitions <= 64:
            raise SettingsError("PASSERELLE_PARTITIONS must lie between 1 and 64")
        if self.kafka is not None and not re.fullmatch(r"[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*", self.kafka):
            raise SettingsError("PASSERELLE_KAFKA must be host:port, or several with commas between them")
        if self.kafka is not None and self.secret is None:
            raise SettingsError(
                "PASSERELLE_SECRET is needed with Kafka, the same for every replica: at least 32 random characters"
            )
        if self.kafka is not None and self.signing_key is None:
            raise SettingsError(
                "PASSERELLE_SIGNING_KEY is needed with Kafka, the same file for every replica; make one with "
                "`openssl ecparam -name prime256v1 -genkey -noout -out signing.pem` and chmod 600"
            )
        if self.secret is not None and len(self.secret) < 32:
            raise SettingsError("PASSERELLE_SECRET must have at least 32 characters, random ones")
        if self.kafka_security not in {"PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"}:
            raise SettingsError("PASSERELLE_KAFKA_SECURITY must be PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL")
        if self.log_level not in {"debug", "info", "warning", "error"}:
            raise SettingsError("PASSERELLE_LOG_LEVEL must be debug, info, warning or error")


_ELSEWHERE = {"PASSERELLE_KAFKA_CACHE", "PASSERELLE_CLIENT_ID", "PASSERELLE_CLIENT_SECRET", "PASSERELLE_URL"}
"""Variables of the same prefix that other parts read: the local test broker, the publishing client."""


def _read(name: str, text: str, kind: object) -> object:
    if kind is int:
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise SettingsError(f"{name} must be a whole number")
        return int(text)
    if kind in (Path, Path | None):
        return Path(text)
    return text
