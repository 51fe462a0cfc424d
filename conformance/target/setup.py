"""Set-up: the partner's file ``conformance.toml``, read into values. Every error names the member and the remedy."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from conformance.model.case import ROLES, RoleName
from conformance.model.library import cases
from conformance.model.result import Announced
from conformance.script.towns import departments_in, town
from conformance.target.cluster import Cluster, read_cluster
from conformance.target.table import SetupError, Table
from conformance.words import Texts, say
from schemas.bilingual import system_reason

__all__ = [
    "ACCOUNTS",
    "PROFILES",
    "TOPICS",
    "Cluster",
    "Profile",
    "Setup",
    "SetupError",
    "TargetAccount",
    "read_setup",
    "setup_of",
]

Profile: TypeAlias = Literal["full", "core"]
PROFILES: tuple[Profile, ...] = ("full", "core")
ACCOUNTS = ("publisher", "neighbour", "subscriber", "operator", "national")
TOPICS = "topics"
"""The feature that the set-up declares by naming a cluster, not under ``[features]``."""
PUSH = "push"
_LISTEN = "127.0.0.1:8090"
_OBSERVE_SECONDS = 60.0
_TOP = (
    "role",
    "target",
    "profile",
    "patience",
    "gateway",
    "accounts",
    "partner",
    "features",
    "hooks",
    "expected_failure",
)
_WITH_TARGET: tuple[RoleName, ...] = ("gateway", "national")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAccount:
    """Credentials of the kit at the target, or of the partner at the kit. ``host`` is the platform's own host, as the
    gateway knows it, ``territory`` are the INSEE codes of the departments that it reads there without a filter of
    place; empty where the file declares none.
    """

    platform: str
    client_id: str
    secret: str = field(repr=False)
    host: str | None = None
    territory: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Configuration of one partner. ``target``: base URL of the system under test, without a trailing slash;
    ``listen``: ``address:port`` of the kit's own server; ``control``: base URL of the partner's test interface;
    ``observe``: seconds of observation without one; ``restart``: shell command that restarts the target; ``patience``
    multiplies every deadline; ``gateway``: address of a gateway whose pages explain the requirements; ``cluster``:
    where the subscriber topics are, None where they are not judged.
    """

    role: RoleName
    target: str
    profile: Profile = "full"
    accounts: Mapping[str, TargetAccount] = field(default_factory=dict)
    features: Mapping[str, bool] = field(default_factory=dict)
    listen: str = _LISTEN
    control: str | None = None
    observe: float = _OBSERVE_SECONDS
    restart: str | None = None
    patience: float = 1.0
    announced: tuple[Announced, ...] = ()
    gateway: str | None = None
    cluster: Cluster | None = None

    def supports(self, feature: str | None) -> bool:
        """Whether the partner has a feature; True unless the file declares it absent, or names no cluster of topics.
        Pushes are declared: a file from before them keeps its results.
        """
        if feature == TOPICS:
            return self.cluster is not None
        return feature is None or self.features.get(feature, feature != PUSH)

    def account(self, name: str) -> TargetAccount:
        """The account of this name. Raises SetupError."""
        if name not in self.accounts:
            raise SetupError(say("account-missing", role=name), step=say("account-missing-step", role=name))
        return self.accounts[name]


def read_setup(path: Path, environ: Mapping[str, str]) -> Setup:
    """The set-up of a file. Raises SetupError."""
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(
            say("unread", path=path, error=system_reason(error).texts), step=say("setup-unread-step")
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(say("no-toml", path=path, error=_line_of(error)), step=say("no-toml-step")) from error
    return setup_of(body, environ)


def setup_of(body: Mapping[str, Any], environ: Mapping[str, str]) -> Setup:
    """The set-up from a file's content; secrets come from the environment. Raises SetupError."""
    top = Table(body, "")
    role = cast("RoleName", top.choice("role", ROLES))
    top.allow(*_TOP, *(("kafka",) if role == "gateway" else ()))
    partner = top.table("partner")
    partner.allow("listen", "control", "observe")
    hooks = top.table("hooks")
    hooks.allow("restart")
    control, gateway = partner.text("control", None), top.text("gateway", None)
    accounts = _read_accounts(top.table("accounts"), environ)
    return Setup(
        role=role,
        target=_address("target", top.text("target")) if role in _WITH_TARGET else "",
        profile=cast("Profile", top.choice("profile", PROFILES, PROFILES[0])),
        accounts=accounts,
        features=_read_features(top.table("features")),
        listen=_listen(partner.text("listen", _LISTEN)),
        control=None if control is None else _address("partner.control", control),
        observe=partner.number("observe", _OBSERVE_SECONDS),
        restart=hooks.text("restart", None),
        patience=top.number("patience", 1.0),
        announced=tuple(
            _read_announced(Table(one, "expected_failure"), role) for one in top.tables("expected_failure")
        ),
        gateway=None if gateway is None else _address("gateway", gateway),
        cluster=read_cluster(top.table("kafka"), accounts, environ) if "kafka" in top.body else None,
    )


def _address(name: str, value: str) -> str:
    if "@" in value:  # never printed: a password may be before it
        raise SetupError(say("user-in-address", name=name), step=say("user-in-address-step"))
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SetupError(say("wrong-value", name=name, value=repr(value)), step=say("address-step"))
    return value.rstrip("/")


def _listen(value: str) -> str:
    address, _, port = value.rpartition(":")
    if not address or not port.isdecimal() or int(port) > 65_535:
        step = say("listen-step", example=_LISTEN)
        raise SetupError(say("wrong-value", name="partner.listen", value=repr(value)), step=step)
    return value


def _read_accounts(table: Table, environ: Mapping[str, str]) -> dict[str, TargetAccount]:
    table.allow(*ACCOUNTS)
    accounts = {name: _read_account(table.table(name), environ) for name in table.body}
    names = {account.platform: name for name, account in accounts.items()}
    for name, account in accounts.items():
        if names[account.platform] != name:
            text = say("same-platform", one=name, other=names[account.platform], platform=account.platform)
            raise SetupError(text, step=say("same-platform-step"))
    return accounts


def _read_account(table: Table, environ: Mapping[str, str]) -> TargetAccount:
    secret = table.secret(environ)
    table.allow("platform", "client_id", "secret_env", "host", "region", "departments")
    platform = table.text("platform")
    return TargetAccount(
        platform=platform,
        client_id=table.text("client_id", platform),
        secret=secret,
        host=table.text("host", None),
        territory=_read_territory(table),
    )


def _read_territory(table: Table) -> tuple[str, ...]:
    """The departments of ``region`` and those of ``departments``. Raises SetupError, also where they are all of France:
    then nothing is outside.
    """
    region, listed = table.text("region", None), table.texts("departments")
    if region is not None and not departments_in(region):
        raise SetupError(say("wrong-value", name=table.named("region"), value=repr(region)), step=say("region-step"))
    if unknown := [code for code in listed if not departments_in([code])]:
        text = say("wrong-value", name=table.named("departments"), value=repr(unknown[0]))
        raise SetupError(text, step=say("departments-step"))
    territory = departments_in([*listed, *departments_in(region)])
    if territory and town("outside", 1, territory) is None:
        text = say("all-departments", name=table.named("departments"))
        raise SetupError(text, step=say("all-departments-step"))
    return tuple(territory)


def _read_features(table: Table) -> dict[str, bool]:
    table.allow(*sorted({feature for case in cases() for feature in case.features} - {TOPICS}))
    for name, value in table.body.items():
        if not isinstance(value, bool):
            text = say("wrong-value", name=f"features.{name}", value=repr(value))
            raise SetupError(text, step=say("feature-step", name=name))
    return dict(table.body)


def _read_announced(table: Table, role: RoleName) -> Announced:
    table.allow("case", "reason", "until")
    until = table.body.get("until")
    if type(until) is not date:
        raise SetupError(say("until-no-day"), step=say("until-no-day-step"))
    found = Announced(table.text("case"), table.text("reason"), until)
    if all(case.id != found.case for case in cases() if role in case.roles):
        raise SetupError(say("announced-unknown", role=role, case=found.case), step=say("list-role-step", role=role))
    return found


def _line_of(error: ValueError) -> Texts:
    """Line and column of a TOML error; the parser gives none at the end of a file, nor for bytes that are not UTF-8."""
    found = re.search(r"line ([0-9]+), column ([0-9]+)", str(error))
    return say("toml-end") if found is None else say("toml-location", line=found[1], column=found[2])
