"""Settings of the Kafka connection: plain values, and the options of aiokafka's clients."""

import contextlib
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from gateway.protocol.topic import full_name

Security: TypeAlias = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism: TypeAlias = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]

TRANSACTION_SECONDS = 10
"""Transaction time-out: the broker then aborts a transaction whose owner is gone. Until then it holds readers back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSettings:
    """Addresses of the cluster, credentials, and the names and replication of topics.

    ``bootstrap_servers`` is ``host:port``, several separated by commas. ``prefix`` begins the names of topics, groups
    and transactional ids. ``patience`` is the time-out in seconds after which an append or a commit has an unknown
    outcome; less than the transaction time-out. ``members`` is a folder of this process alone, in which its memberships
    of groups are kept for the next process. Raises ValueError for settings that contradict each other.
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
    members: Path | None = None

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
        """``min.insync.replicas``: all replicas but one, so that one may fail."""
        return max(1, self.replication - 1)

    def topic(self, name: str) -> str:
        """The full name of a topic."""
        return full_name(self.prefix, name)

    def transactional_id(self, role: str, partition: int) -> str:
        """The transactional id by which owners of a role and partition fence each other."""
        return f"{self.prefix}.{role}.{partition}"


class _OneSidedClose(ssl.SSLObject):
    """Sends ``close_notify`` without waiting for the broker's, which RFC 8446 (6.1) permits.

    aiokafka does not wait for the end of every connection that it closes, so the socket to a slow broker would outlive
    the client; where it does wait, a broker that is frozen would delay it by half a minute.
    """

    def unwrap(self) -> None:
        """As ``SSLObject.unwrap``, without waiting for an answer."""
        with contextlib.suppress(ssl.SSLWantReadError):
            super().unwrap()


def client_options(settings: KafkaSettings) -> dict[str, Any]:
    """The keyword arguments common to all aiokafka clients. Reads the certificate files; raises OSError.

    The request time-out is well above ``patience``, so that aiokafka never resends a request that is still awaited.
    """
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap_servers,
        "client_id": f"{settings.prefix}.passerelle",
        "security_protocol": settings.security,
        "request_timeout_ms": int(settings.patience * 1_000) + 5_000,
    }
    if settings.security.endswith("SSL"):
        context = ssl.create_default_context(cafile=settings.ca)
        context.sslobject_class = _OneSidedClose
        if settings.certificate is not None:
            context.load_cert_chain(settings.certificate, settings.key)
        options["ssl_context"] = context
    if settings.security.startswith("SASL_"):
        options["sasl_mechanism"] = settings.sasl_mechanism
        options["sasl_plain_username"] = settings.username
        options["sasl_plain_password"] = settings.password
    return options
