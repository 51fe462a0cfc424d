"""How to reach Kafka: plain values, and what aiokafka makes of them."""

import contextlib
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from gateway.protocol.topic import full_name

Security: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

TRANSACTION_SECONDS = 10
"""After this time the broker aborts a transaction whose owner has gone: until then it holds readers back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Where the cluster is, how to prove who we are, and how the topics are named and kept.

    ``bootstrap_servers`` is ``host:port``, several with commas between. ``prefix`` begins the names of topics, groups
    and transactional ids. ``patience`` is how many seconds an append or a commit may take before its outcome counts
    as unknown; less than the transaction's own time-out. Raises ValueError for settings that contradict each other.
    """

    bootstrap_servers: str
    prefix: str = "stages"
    partitions: int = 3
    replication: int = 1
    security: Security = "PLAINTEXT"
    sasl_mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    patience: float = 8.0

    def __post_init__(self) -> None:
        if self.security.startswith("SASL_"):
            if None in (self.sasl_mechanism, self.username, self.password):
                raise ValueError(f"{self.security} needs a SASL mechanism, a user name and a password.")
        elif any((self.sasl_mechanism, self.username, self.password)):
            raise ValueError(f"A SASL mechanism, user name or password is set, but {self.security} does not use them.")
        if not self.security.endswith("SSL") and any((self.ca, self.certificate, self.key)):
            raise ValueError(f"Certificate files are set, but {self.security} does not use them.")
        if self.key is not None and self.certificate is None:
            raise ValueError("A private key is set without its certificate.")
        if not 0 < self.patience < TRANSACTION_SECONDS:
            raise ValueError(f"The patience must be less than the transactions' {TRANSACTION_SECONDS} s.")

    @property
    def min_insync(self) -> int:
        """How many replicas must have a record before it counts as written: all but one, so that one may fail."""
        return max(1, self.replication - 1)

    def topic(self, name: str) -> str:
        """The full name of a topic."""
        return full_name(self.prefix, name)

    def transactional_id(self, role: str, partition: int) -> str:
        """What fences the owners of a role and partition against each other."""
        return f"{self.prefix}.{role}.{partition}"


class _OneSided(ssl.SSLObject):
    """Says that it closes and does not wait for the broker to say so as well, which RFC 8446 (6.1) leaves open.

    aiokafka does not wait for the end of every connection that it closes, so a slow broker's socket would outlive the
    client; and where it does wait, a frozen broker would keep it for half a minute.
    """

    def unwrap(self) -> None:
        """As ``SSLObject.unwrap``, without an answer."""
        with contextlib.suppress(ssl.SSLWantReadError):
            super().unwrap()


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """The keyword arguments that every aiokafka client takes. Reads the certificate files; raises OSError.

    The request time-out lies well above our patience, so that aiokafka never sends again what we still wait for.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "client_id": f"{settings.prefix}.passerelle",
        "security_protocol": settings.security,
        "request_timeout_ms": int(settings.patience * 1_000) + 5_000,
    }
    if settings.security.endswith("SSL"):
        context = ssl.create_default_context(cafile=settings.ca)
        context.sslobject_class = _OneSided
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key)
        options["ssl_context"] = context
    if settings.security.startswith("SASL_"):
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.username
        options["sasl_plain_password"] = settings.password
    return options
