"""The accounts file: accounts at the national site, the platforms that each delivers for, their terms, and search.

It holds no secrets: it names environment variables, or files that only their owner can read.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema_rs
from yarl import URL

from adapters.national.mapping.deliverability import DeliveryTerms
from gateway.protocol.delivery_order import ANY_PLATFORM
from gateway.runtime.private_files import ExposedError, read_private

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account: ``name`` identifies it in logs and messages, ``url`` is the site's origin. ``repr`` omits secrets.

    ``v1_token`` opens the old interface, the only one that takes offers of one week for seconde. ``formerly`` are
    e-mails that the account had at the site before.
    """

    name: str
    url: str
    email: str = field(repr=False)
    password: str = field(repr=False)
    v1_token: str | None = field(default=None, repr=False)
    formerly: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Credentials are sent over TLS or to the loopback interface only. Raises ValueError."""
        url = URL(self.url)
        if url.origin() != url or not (url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK)):
            raise ValueError(f"{self.url} is not the origin of a site: expected https://host, without path")


class AccountsError(Exception):
    """The accounts file cannot be used; the message names the entry and the remedy."""


@dataclass(frozen=True, slots=True)
class SearchAccount:
    """The account that reads the offers created at the site, the interval, and whether those of unknown partners
    (``others``) are imported too.

    ``public_url`` is the address of the site for pupils, independent of that of its API.
    """

    account: str
    minutes: int = 60
    public_url: str = "https://1eleve1stage.education.gouv.fr"
    others: bool = False


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts by name, the account of each platform, and each platform's terms."""

    accounts: Mapping[str, Account]
    platforms: Mapping[str, str]
    terms: Mapping[str, DeliveryTerms] = field(default_factory=dict)
    search: SearchAccount | None = None

    def account_of(self, platform: str) -> str | None:
        """The account that delivers a platform's offers; None if there is none."""
        return self.platforms.get(platform) or self.platforms.get(ANY_PLATFORM)

    def terms_of(self, platform: str) -> DeliveryTerms:
        """The terms from the platform's profile and its account."""
        account = self.account_of(platform)
        old = account is not None and self.accounts[account].v1_token is not None
        return replace(self.terms.get(platform, DeliveryTerms()), one_week=old)


def read_accounts(path: Path, environ: Mapping[str, str]) -> Accounts:
    """Read the file. Raises AccountsError for the first invalid entry."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AccountsError(f"{path} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise AccountsError(f"{path} is not JSON: {error}") from error
    for wrong in _validator().iter_errors(body):
        pointer = "/".join(map(str, wrong.instance_path)) or "the whole"
        raise AccountsError(f"{path}, {pointer}: {wrong.message}")
    try:
        return _accounts(body, path.parent, environ)
    except AccountsError as error:
        raise AccountsError(f"{path}, {error}") from error


def _accounts(body: Mapping[str, Any], folder: Path, environ: Mapping[str, str]) -> Accounts:
    accounts: dict[str, Account] = {}
    platforms: dict[str, str] = {}
    for entry in body["accounts"]:
        name = entry["name"]
        if name in accounts:
            raise AccountsError(f"accounts: the name {name} is there twice")
        accounts[name] = _account(entry, body["url"], folder, environ)
        for platform in entry["platforms"]:
            if platform in platforms:
                raise AccountsError(f"accounts: {platform} is delivered by both {platforms[platform]} and {name}")
            platforms[platform] = name
    search = SearchAccount(**body["search"]) if "search" in body else None
    if search is not None and search.account not in accounts:
        raise AccountsError(f"search/account: there is no account {search.account}")
    terms = {platform: DeliveryTerms(**entry) for platform, entry in body.get("platforms", {}).items()}
    return Accounts(accounts, platforms, terms, search)


def _account(entry: Mapping[str, Any], url: str, folder: Path, environ: Mapping[str, str]) -> Account:
    secrets = {
        name: _secret(f"{entry['name']}/{name}", entry[name], folder, environ)
        for name in ("password", "v1_token")
        if name in entry
    }
    try:
        former = tuple(entry.get("formerly", ()))
        return Account(name=entry["name"], url=url, email=entry["email"], formerly=former, **secrets)
    except ValueError as error:
        raise AccountsError(f"url: {error}") from error


def _secret(pointer: str, source: Mapping[str, str], folder: Path, environ: Mapping[str, str]) -> str:
    if "env" in source:
        value = environ.get(source["env"], "")
        if not value:
            raise AccountsError(f"{pointer}: the environment variable {source['env']} is not set")
        return value
    path = folder / source["file"]
    try:
        value = read_private(path).decode("utf-8").strip()
    except ExposedError as error:
        raise AccountsError(f"{pointer}: {error}") from error
    except OSError as error:
        raise AccountsError(f"{pointer}: {path} cannot be read ({error.strerror})") from error
    if not value:
        raise AccountsError(f"{pointer}: {path} is empty")
    return value


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    document = files(__package__).joinpath("accounts.schema.json").read_text(encoding="utf-8")
    return jsonschema_rs.Draft202012Validator(json.loads(document))
