"""Who takes part: accounts at the simulated national site, and partners as the commands make them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from adapters.national.simulator import NationalSimulator
from adapters.profile.joining import Joined, join
from adapters.profile.packaged import profiles
from adapters.profile.profile import NATIVE, Profile, read_profile
from gateway import clock
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.partners.preset import presets
from gateway.protocol.identity import NATIONAL
from gateway.protocol.partner import Partner

OPERATOR = "operator"
_PASSWORD = "open sesame"


def write_accounts(
    folder: Path, site: NationalSimulator, accounts: Mapping[str, Sequence[str]], *, searcher: str | None = None
) -> Path:
    """Accounts at the simulated site, and the file that names them: each one's platforms, ``*`` for all others."""
    password = folder / "password"
    password.touch(0o600)
    password.write_text(_PASSWORD)
    entries = []
    for name, platforms in accounts.items():
        email = f"{name}@example.org"
        site.add_operator(email, _PASSWORD, full_access=name == searcher)
        entries.append(
            {"name": name, "email": email, "password": {"file": password.name}, "platforms": list(platforms)}
        )
    document: dict[str, Any] = {"url": site.url, "accounts": entries}
    if searcher is not None:
        document["search"] = {"account": searcher, "minutes": 60}
    path = folder / "accounts.json"
    path.write_bytes(orjson.dumps(document))
    return path


def profile_of(document: object) -> Profile:
    """A profile that must be sound."""
    profile = read_profile(document)
    assert isinstance(profile, Profile), profile
    return profile


def native_profile(slug: str, **changes: Any) -> Profile:
    """The packaged profile of a platform that publishes by itself, whatever its feed."""
    document = {name: value for name, value in profiles()[slug].document.items() if name not in {"format", "mapping"}}
    return profile_of({**document, "transport": {"kind": NATIVE}, **changes})


async def join_platform(partners: Partners, profile: Profile, *, inbox: bool = False) -> str:
    """Let a platform take part as ``passerelle platform add`` does; its secret."""
    joined = join(profile, partners.all())
    assert isinstance(joined, Joined), joined
    minted = mint_secret(now=clock.now(), entropy=os.urandom)
    await partners.save(replace(joined.with_secret(minted.kept), inbox=inbox))
    return minted.text


async def join_others(partners: Partners) -> str:
    """The national site, whose host is known, and the operator, whose secret is given."""
    await partners.save(presets()[NATIONAL])
    minted = mint_secret(now=clock.now(), entropy=os.urandom)
    operator = Partner(
        platform=OPERATOR, name="Operator", scopes=frozenset({"operate", "offers:read"}), secrets=(minted.kept,)
    )
    await partners.save(operator)
    return minted.text
