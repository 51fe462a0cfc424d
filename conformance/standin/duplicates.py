"""Possible duplicates (RTE-007): offers of one apply address, or of one establishment for the same stay. Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlencode, urlsplit

from conformance.standin.offers import State, masked, may_read

_WORDS = re.compile(r"[a-z0-9]+")
_LEGAL_FORMS = frozenset(
    {"sa", "sas", "sasu", "sarl", "eurl", "sci", "scop", "snc", "ei", "eirl", "gie", "ets", "etablissements", "societe"}
)
_TRACKING = ("utm_", "mtm_", "pk_")
_MAX_NAMED = 10

Key: TypeAlias = tuple[Any, ...]


class Duplicates:
    """An index of live offers by their keys."""

    def __init__(self) -> None:
        self._by_key: dict[Key, dict[str, State]] = {}
        self._keys: dict[str, tuple[Key, ...]] = {}

    def update(self, state: State) -> None:
        """Index the present state of an offer."""
        for key in self._keys.pop(state.id, ()):
            del self._by_key[key][state.id]
        if state.offer is not None:
            keys = self._keys[state.id] = tuple(_keys_of(state))
            for key in keys:
                self._by_key.setdefault(key, {})[state.id] = state

    def of(self, state: State, reader: str) -> list[str]:
        """The ids of the offers that may be the same as this one, and that the reader may see."""
        alike = {other.id: other for key in _keys_for(state) for other in self._by_key.get(key, {}).values()}
        visible = [other.id for other in alike.values() if other.id != state.id and _is_visible(other, reader)]
        return sorted(visible)[:_MAX_NAMED]


def _is_visible(state: State, reader: str) -> bool:
    return state.platform == reader or may_read(reader, state.offer or {}, state.provenance)


def _keys_of(state: State) -> Iterator[Key]:
    """The keys under which an offer is found. ``alone``: by its name, by offers that have a SIRET."""
    keys = dict(_keys(state))
    yield from keys.items()
    if "firm" in keys and "site" not in keys:
        yield "alone", keys["firm"]


def _keys_for(state: State) -> Iterator[Key]:
    """The keys under which its possible duplicates are found: names count where one of the two has no SIRET."""
    keys = dict(_keys(state))
    for name, value in keys.items():
        yield ("alone" if name == "firm" and "site" in keys else name), value


def _keys(state: State) -> Iterator[tuple[str, Any]]:
    """The keys of an offer as an outsider sees it: a masked employer has neither SIRET nor name."""
    offer = masked(state.offer or {}, reader="", publisher=state.platform)
    stay = offer["location"]["postal_code"], tuple(sorted(offer["levels"])), tuple(sorted(offer["weeks"]))
    employer: Mapping[str, Any] = offer["employer"]
    yield "link", _canonical_url(offer["apply_url"])
    if employer.get("siret"):
        yield "site", (employer["siret"], *stay)
    name = _similar_name(employer.get("name", ""))
    if name:
        yield "firm", (name, *stay)


def _canonical_url(url: str) -> str:
    """The address without the parts that do not change its target."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    authority = host if parts.port in {None, 443} else f"{host}:{parts.port}"
    query = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not pair[0].startswith(_TRACKING))
    return f"{authority}{parts.path.rstrip('/')}?{urlencode(query)}"


def _similar_name(name: str) -> str:
    """The words of a name in one order, without accents, case, punctuation and legal form."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode().replace(".", "")
    words = set(_WORDS.findall(plain))
    return " ".join(sorted(words - _LEGAL_FORMS) or sorted(words))
