"""Participants: accounts at the simulated national site, and partners as the commands create them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from adapters.profile.joining import Joined, join
from adapters.profile.profile import Profile, profiles, read_profile
from demo.national_site.simulator import NationalSimulator
from demo.site import write_accounts
from gateway import clock
from gateway.partners import Partners
from gateway.partners.credential import mint_secret
from gateway.partners.onboarding import presets
from gateway.protocol.identity import NATIONAL
from gateway.protocol.partner import Partner
from gateway.protocol.source_run import NATIVE

OPERATOR = "operator"
_PASSWORD = "open sesame"


def open_accounts(
    folder: Path, site: NationalSimulator, accounts: Mapping[str, Sequence[str]], *, searcher: str | None = None
) -> Path:
    """Accounts at the simulated site, each with its platforms, and the file for them; it is searched every hour."""
    return write_accounts(folder, site, accounts, password=_PASSWORD, searcher=searcher, minutes=60)


def profile_of(document: object) -> Profile:
    """A profile that must be sound."""
    profile = read_profile(document, loopback=True)
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
    """Add the national site, whose host is known, and the operator. Returns the operator's secret."""
    await partners.save(presets()[NATIONAL])
    minted = mint_secret(now=clock.now(), entropy=os.urandom)
    operator = Partner(
        platform=OPERATOR, name="Operator", scopes=frozenset({"operate", "offers:read"}), secrets=(minted.kept,)
    )
    await partners.save(operator)
    return minted.text
