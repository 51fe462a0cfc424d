"""The conformance kit as gateways know it: its version, its cases by role, the seed that follows from a nonce. Pure.

``python -m conformance.build_cases`` writes ``schemas/kit/cases.json`` from the kit's library; a test compares both.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from schemas.packaged import read_json

_SEED_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class KitCase:
    """The conditions under which a case of the kit is required: not without one of its ``features`` (``unsupported``:
    with all of them). A ``situational`` one may be left out of any run: it is for some targets or days only.
    """

    features: Sequence[str] = ()
    unsupported: bool = False
    situational: bool = False

    def is_omitted(self, off: Collection[str]) -> bool:
        """Whether the kit leaves the case out of a run with these features declared off."""
        absent = any(feature in off for feature in self.features)
        return bool(self.features) and absent is not self.unsupported


def kit_version() -> str:
    """The version of the kit whose cases are known here."""
    return str(read_json("kit", "cases.json")["kit"])


@cache
def kit_cases(role: str) -> Mapping[str, KitCase]:
    """The cases of a role by id; empty for an unknown role."""
    listed = read_json("kit", "cases.json")["roles"].get(role, {})
    return {case: KitCase(**values) for case, values in listed.items()}


def features_of(role: str) -> frozenset[str]:
    """The optional features that cases of a role know."""
    return frozenset(feature for case in kit_cases(role).values() for feature in case.features)


def seed_of(nonce: str, *, platform: str, role: str) -> str:
    """The seed of a run for a certificate: its ids depend on the nonce, the platform and the role."""
    return hashlib.sha256(f"{nonce}\n{platform}\n{role}".encode()).hexdigest()[:_SEED_DIGITS]
