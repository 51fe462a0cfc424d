"""Cluster: the table ``kafka`` of the set-up, which says where the gateway's subscriber topics are."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from conformance.target.table import SetupError, Table
from conformance.words import say
from schemas.contract import asyncapi_document

_PREFIX = "stages"
_READERS = ("neighbour", "subscriber", "national")
_SERVERS = re.compile(r"[^\s,:]+:[0-9]+(,[^\s,:]+:[0-9]+)*")
_SECURITY = ("SSL", "SASL_SSL", "PLAINTEXT", "SASL_PLAINTEXT")
_MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The cluster with the gateway's subscriber topics. ``servers`` is ``host:port``, several separated by commas;
    ``prefix`` begins the names of topics; ``accounts`` are those whose topic is read; ``ca``, ``certificate`` and
    ``key`` name PEM files.
    """

    servers: str
    accounts: tuple[str, ...]
    prefix: str = _PREFIX
    security: str = _SECURITY[0]
    mechanism: str = _MECHANISMS[0]
    username: str | None = None
    secret: str | None = field(default=None, repr=False)
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    def topic(self, platform: str) -> str:
        """The name of a platform's subscriber topic, as the contract of the topics gives it."""
        address: str = asyncapi_document()["channels"]["feed"]["address"]
        return address.format(platform=platform).replace(f"{_PREFIX}.", f"{self.prefix}.", 1)


def read_cluster(table: Table, accounts: Collection[str], environ: Mapping[str, str]) -> Cluster:
    """The cluster of the table ``kafka``; ``accounts`` are those of the file. Where ``security`` is not chosen it is
    TLS, with SASL where there is a user name. Raises SetupError.
    """
    username = table.text("username", None)
    secret = None if username is None else table.secret(environ)
    files = ("ca", "certificate", "key")
    table.allow("servers", "prefix", "accounts", "security", "mechanism", "username", "secret_env", *files)
    servers = table.text("servers")
    if "@" in servers:  # never printed: a password may be before it
        raise SetupError(say("user-in-address", name=table.named("servers")), step=say("user-in-servers-step"))
    if not _SERVERS.fullmatch(servers):
        text = say("wrong-value", name=table.named("servers"), value=repr(servers))
        raise SetupError(text, step=say("servers-step"))
    readers = table.texts("accounts") or [name for name in _READERS if name in accounts]
    if strange := [name for name in readers if name not in _READERS]:
        text = say("wrong-value", name=table.named("accounts"), value=repr(strange[0]))
        raise SetupError(text, step=say("readers-step", allowed=", ".join(_READERS)))
    security = table.choice("security", _SECURITY, _SECURITY[username is not None])
    if security.startswith("SASL") is (username is None):
        text = say("wrong-value", name=table.named("security"), value=repr(security))
        raise SetupError(text, step=say("username-step"))
    mechanism = table.choice("mechanism", _MECHANISMS, _MECHANISMS[0])
    encrypted = security.endswith("SSL")
    needed = {"ca": encrypted, "certificate": encrypted, "key": encrypted and "certificate" in table.body}
    needed |= {"mechanism": username is not None, "secret_env": username is not None}
    for name in table.body:
        if not needed.get(name, True):
            text = say("kafka-unused", name=table.named(name))
            raise SetupError(text, step=say("kafka-unused-step", name=name))
    return Cluster(
        servers=servers,
        accounts=tuple(readers),
        prefix=table.text("prefix", _PREFIX),
        security=security,
        mechanism=mechanism,
        username=username,
        secret=secret,
        **{name: table.text(name, None) for name in files},
    )
