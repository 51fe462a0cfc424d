"""Profiles: a document valid against its schema, or all its problems; and the packaged profiles of nine Regions."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

import orjson
from yarl import URL

import schemas
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.mapping_document import FORMATS
from adapters.formats.problem import for_profile
from gateway.protocol.source_run import DEFAULT_MINUTES, NATIVE
from gateway.runtime.public_host import url_fault
from schemas import Problem, problem
from schemas.bilingual import Bilingual, json_type
from schemas.decode import type_name
from schemas.failure import NO_NEAR_VALUE, translate
from schemas.rulebook import LANGUAGES

DEFAULT_MEGABYTES = 100
_SUFFIX = ".json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A valid profile. ``transport`` has the shape of the schema. ``mapping`` is ready for use; None without a feed.

    ``territory`` holds departments: those of the document, else those of the region, else none, which means all.
    """

    platform: str
    name: str
    region: str | None
    hosts: tuple[str, ...]
    territory: frozenset[str]
    national_delivery: Literal["gateway", "self"]
    transport: Mapping[str, Any] = field(hash=False)
    format: str | None
    mapping: FeedMapping | None = field(hash=False, repr=False)
    document: dict[str, Any] = field(hash=False, repr=False)

    @property
    def pulled(self) -> bool:
        """Whether the gateway pulls the platform's feed; otherwise the platform publishes by itself."""
        return bool(self.transport["kind"] != NATIVE)

    @property
    def every_ms(self) -> int:
        """Milliseconds from the start of one run to the start of the next."""
        return int(self.transport.get("every_minutes", DEFAULT_MINUTES)) * 60_000

    @property
    def most_megabytes(self) -> int:
        """Largest size of the inflated feed."""
        return int(self.transport.get("most_megabytes", DEFAULT_MEGABYTES))

    @property
    def digest(self) -> str:
        """Digest of transport, format, mapping and rules version; if it changes, the feed must be read again."""
        parts = [self.transport, self.format, self.document.get("mapping"), schemas.RULES_VERSION]
        return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def read_profile(document: object, *, loopback: bool = False, stored: bool = False) -> Profile | tuple[Problem, ...]:
    """The profile of a decoded document, or all its problems.

    ``loopback`` allows feeds by http from this machine (``PASSERELLE_LOOPBACK_FEEDS``). ``stored``: the profile is
    already in use, so mapping keys without effect are no problems.
    """
    if not isinstance(document, dict):
        wrong = problem("wrong-type", expected=json_type("object"), actual=type_name(document))
        return (for_profile(wrong, "profile", document),)
    problems = [*_find_problems(document), *_find_address_faults(document, loopback=loopback)]
    mistyped = {found.pointer for found in problems if found.code == "wrong-type"}
    problems = [
        for_profile(found, "profile", document)
        for found in problems
        if found.code == "wrong-type" or found.pointer not in mistyped
    ]
    mapping = _load_mapping(document, stored=stored)
    if isinstance(mapping, tuple):
        problems += (replace(found, pointer=f"/mapping{found.pointer}") for found in mapping)
    if problems or isinstance(mapping, tuple):
        return tuple(problems)
    region = document.get("region")
    return Profile(
        platform=document["platform"],
        name=document["name"],
        region=region,
        hosts=tuple(document.get("hosts", ())),
        territory=frozenset(document.get("territory", ())) or _departments(region),
        national_delivery=document.get("national_delivery", "gateway"),
        transport=document["transport"],
        format=document.get("format"),
        mapping=mapping,
        document=document,
    )


def explain_profile(problems: tuple[Problem, ...]) -> dict[str, str]:
    """The problems of a profile as one text per language."""
    bodies = [one.to_json() for one in problems]
    return {
        language: " ".join(f"{body['pointer'] or '/'} : {body['message'][language]}" for body in bodies)
        for language in LANGUAGES
    }


def _find_problems(document: dict[str, Any]) -> Iterator[Problem]:
    seen = set()
    for error in schemas.validator("profile").iter_errors(document):
        if list(error.absolute_path)[:1] == ["mapping"]:
            continue  # load_mapping reports these with better texts
        for found in translate(error, document):
            if (found.pointer, found.code) not in seen:
                seen.add((found.pointer, found.code))
                yield found
    for pointer, code in _codes(document):
        name = "regions" if pointer == "/region" else "departments"
        known = [one["code"] for one in schemas.reference(name)["items"]]
        if isinstance(code, str) and code not in known:
            listed = f"{known[0]} … {known[-1]}"
            yield problem(
                "not-in-list", pointer=pointer, expected=known, actual=code, allowed=listed, near=NO_NEAR_VALUE
            )


def _load_mapping(document: dict[str, Any], *, stored: bool) -> FeedMapping | tuple[Problem, ...] | None:
    """The mapping of a profile with a feed, or its problems; None without a feed or a format."""
    transport = document.get("transport")
    native = isinstance(transport, dict) and transport.get("kind") == NATIVE
    form = document.get("format")
    return None if native or form not in FORMATS else load_mapping(form, document.get("mapping"), stored=stored)


def _find_address_faults(document: dict[str, Any], *, loopback: bool) -> Iterator[Problem]:
    """The problems of the feed's URL. http is refused: the network could read and change the feed."""
    transport = document.get("transport")
    if not isinstance(transport, dict) or transport.get("kind") != "https":
        return
    address = transport.get("url")
    if not isinstance(address, str) or not address.startswith(("http://", "https://")):
        return  # reported by the schema
    try:
        fault = url_fault(URL(address), loopback=loopback)
    except ValueError:
        fault = Bilingual("its form is wrong", "sa forme est fausse")
    if fault is not None:
        displayed = address.partition("://")[0] + "://…" if "@" in address else address
        yield problem("url-malformed", pointer="/transport/url", actual=displayed, reason=fault)


def _codes(document: dict[str, Any]) -> Iterator[tuple[str, object]]:
    """Pointer and value of the INSEE codes that the schema checks by pattern only."""
    if "region" in document:
        yield "/region", document["region"]
    territory = document.get("territory")
    if isinstance(territory, list):
        yield from ((f"/territory/{index}", code) for index, code in enumerate(territory))


def _departments(region: str | None) -> frozenset[str]:
    listed = schemas.reference("departments")["items"]
    return frozenset(one["code"] for one in listed if one["region"] == region)


@cache
def profiles() -> Mapping[str, Profile]:
    """The packaged profiles by slug. Raises ValueError for an invalid file."""
    found: dict[str, Profile] = {}
    folder = files(__package__).joinpath("data")
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(_SUFFIX):
            profile = read_profile(orjson.loads(entry.read_bytes()))
            if not isinstance(profile, Profile):
                raise ValueError(f"{entry.name} is no profile: {profile}")
            found[profile.platform] = profile
    return MappingProxyType(found)
