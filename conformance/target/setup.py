"""The set-up: the partner's one file, ``conformance.toml``, read into values; every mistake in it is named."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from conformance.model.case import ROLES, Role
from conformance.model.expected import Announced
from conformance.model.library import cases

Profile: TypeAlias = Literal["full", "core"]
PROFILES: tuple[Profile, ...] = ("full", "core")
ACCOUNTS = ("publisher", "neighbour", "subscriber", "operator", "national")
_LISTEN = "127.0.0.1:8090"
_OBSERVE_SECONDS = 60.0
_WITH_TARGET: tuple[Role, ...] = ("gateway", "national")


class SetupError(Exception):
    """The partner's set-up is not as it must be; ``step`` says how to mend it."""

    def __init__(self, message: str, *, step: str) -> None:
        super().__init__(message)
        self.step = step


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who the kit is to the target, or who the partner is to the kit. ``host`` is the platform's own, as the gateway
    knows it.
    """

    platform: str
    client_id: str
    secret: str = field(repr=False)
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """All that the kit knows of a partner. ``target``: the address that is driven, without a slash at its end;
    ``listen``: where the kit itself listens; ``control``: the partner's test interface; ``observe``: seconds of looking
    on without one; ``restart``: the command that ends and starts the target; ``patience`` multiplies every deadline.
    """

    role: Role
    target: str
    profile: Profile = "full"
    accounts: Mapping[str, Account] = field(default_factory=dict)
    features: Mapping[str, bool] = field(default_factory=dict)
    listen: str = _LISTEN
    control: str | None = None
    observe: float = _OBSERVE_SECONDS
    restart: str | None = None
    patience: float = 1.0
    announced: tuple[Announced, ...] = ()

    def supports(self, feature: str | None) -> bool:
        """Whether the partner has a feature, which it has unless the file says no."""
        return feature is None or self.features.get(feature, True)


def read_setup(path: Path, environ: Mapping[str, str]) -> Setup:
    """The set-up in a file. Raises SetupError."""
    try:
        body = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(
            f"{path} cannot be read ({error.strerror}).", step="write it with `passerelle-conformance init ROLE`"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} is not TOML: {error}.", step="mend that line") from error
    return setup_of(body, environ)


def setup_of(body: Mapping[str, Any], environ: Mapping[str, str]) -> Setup:
    """The set-up that a file's content says; secrets are taken from the environment. Raises SetupError."""
    top = _Table(body, "the file")
    top.allow("role", "target", "profile", "patience", "accounts", "partner", "features", "hooks", "expected_failure")
    role = cast("Role", top.choice("role", ROLES))
    partner = top.table("partner")
    partner.allow("listen", "control", "observe")
    hooks = top.table("hooks")
    hooks.allow("restart")
    control = partner.text("control", None)
    return Setup(
        role=role,
        target=_address("target", top.text("target")) if role in _WITH_TARGET else "",
        profile=cast("Profile", top.choice("profile", PROFILES, PROFILES[0])),
        accounts=_read_accounts(top.table("accounts"), environ),
        features=_read_features(top.table("features")),
        listen=_listen(partner.text("listen", _LISTEN)),
        control=None if control is None else _address("partner.control", control),
        observe=partner.number("observe", _OBSERVE_SECONDS),
        restart=hooks.text("restart", None),
        patience=top.number("patience", 1.0),
        announced=tuple(
            _read_announced(_Table(one, "expected_failure"), role) for one in top.tables("expected_failure")
        ),
    )


class _Table:
    """One table of the file, from which members are taken by name and kind."""

    def __init__(self, body: object, place: str) -> None:
        if not isinstance(body, Mapping):
            raise SetupError(f"{place} is no table.", step=f"write [{place}] on a line of its own")
        self.body: Mapping[str, Any] = body
        self.place = place

    def allow(self, *names: str) -> None:
        for name in self.body:
            if name not in names:
                raise SetupError(
                    f"{self.named(name)} is not known here.", step=f"take it out; known are {', '.join(names)}"
                )

    def named(self, name: str) -> str:
        return name if self.place == "the file" else f"{self.place}.{name}"

    def table(self, name: str) -> "_Table":
        return _Table(self.body.get(name, {}), self.named(name))

    def tables(self, name: str) -> list[Any]:
        found = self.body.get(name, [])
        if not isinstance(found, list):
            raise SetupError(f"{self.named(name)} is no list.", step=f"write [[{self.named(name)}]], in two brackets")
        return found

    def text(self, name: str, *default: str | None) -> Any:
        """A text that is not empty; without a default it has to be there."""
        if name not in self.body and default:
            return default[0]
        value = self.body.get(name)
        if not isinstance(value, str) or not value.strip():
            raise SetupError(f"{self.named(name)} is missing, or no text.", step=f'write {name} = "…"')
        return value

    def choice(self, name: str, allowed: tuple[str, ...], *default: str) -> str:
        value = self.text(name, *default)
        if value not in allowed:
            raise SetupError(f"{self.named(name)} is {value!r}.", step=f"give one of {', '.join(allowed)}")
        return str(value)

    def number(self, name: str, default: float) -> float:
        value = self.body.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _MOST:
            raise SetupError(f"{self.named(name)} is {value!r}.", step=f"give a number above 0, as {name} = {default}")
        return float(value)


_MOST = 86_400.0


def _address(name: str, value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SetupError(f"{name} is {value!r}.", step="give an address as https://gateway.example.org")
    if "@" in parts.netloc:
        raise SetupError(f"{name} holds a user name.", step="give the bare address; accounts stand in [accounts.…]")
    return value.rstrip("/")


def _listen(value: str) -> str:
    address, _, port = value.rpartition(":")
    if not address or not port.isdecimal() or int(port) > 65_535:
        raise SetupError(f"partner.listen is {value!r}.", step=f'write an address and a port, as "{_LISTEN}"')
    return value


def _read_accounts(table: _Table, environ: Mapping[str, str]) -> dict[str, Account]:
    table.allow(*ACCOUNTS)
    accounts = {name: _read_account(table.table(name), environ) for name in table.body}
    names = {account.platform: name for name, account in accounts.items()}
    for name, account in accounts.items():
        if names[account.platform] != name:
            raise SetupError(
                f"accounts.{name} and accounts.{names[account.platform]} are the same platform {account.platform!r}.",
                step="give each account a platform of its own",
            )
    return accounts


def _read_account(table: _Table, environ: Mapping[str, str]) -> Account:
    if "secret" in table.body:
        raise SetupError(
            f"{table.place}.secret stands in the file.",
            step="put the secret into a variable of the environment, and name that as secret_env",
        )
    table.allow("platform", "client_id", "secret_env", "host")
    platform = table.text("platform")
    variable = table.text("secret_env")
    secret = environ.get(variable, "")
    if not secret:
        raise SetupError(
            f"{table.place}: the variable {variable} of the environment is empty.", step=f"export {variable}=…"
        )
    return Account(
        platform=platform,
        client_id=table.text("client_id", platform),
        secret=secret,
        host=table.text("host", None),
    )


def _read_features(table: _Table) -> dict[str, bool]:
    table.allow(*sorted({case.feature for case in cases() if case.feature is not None}))
    for name, value in table.body.items():
        if not isinstance(value, bool):
            raise SetupError(f"features.{name} is {value!r}.", step=f"write {name} = true, or false")
    return dict(table.body)


def _read_announced(table: _Table, role: Role) -> Announced:
    table.allow("case", "reason", "until")
    until = table.body.get("until")
    if type(until) is not date:
        raise SetupError("expected_failure.until is missing, or no day.", step="write until = 2027-01-31, unquoted")
    found = Announced(table.text("case"), table.text("reason"), until)
    if all(case.id != found.case for case in cases() if role in case.roles):
        raise SetupError(
            f"expected_failure: the role {role} has no case {found.case!r}.",
            step=f"see `passerelle-conformance list --role {role}`",
        )
    return found
