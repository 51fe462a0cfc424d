"""Sentences and remedies name only what exists: addresses, pages with anchors, commands with options, fields."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.main import get_command

import adapters.formats
from conformance.cli.app import app as kit
from gateway.cli.app import app as gateway
from gateway.pages.check.view import PATHS as CHECK
from gateway.pages.connect.view import PATHS as CONNECT
from gateway.pages.reference.lists import list_views
from gateway.pages.reference.view import PARTS
from schemas.closed_list import closed_list
from schemas.contract import openapi_document
from schemas.packaged import ROOT
from schemas.registry import schema, schema_names
from schemas.rulebook import Language, catalogue, reading_rules

_ADDRESS = re.compile(r"(?<![\w.}>/])/(?:v1|oauth|\.well-known|en|reference|verifier|brancher)\b[\w./#{}-]*")
_QUOTED = re.compile(r"`([^`{}]+)`")
_COMMAND = re.compile(r"\b(passerelle(?:-conformance)?)((?: [a-z][a-z-]*)+)((?: [^` ;:,]+)*)")
_OPTION = re.compile(r"--[a-z-]+")
_CATALOGUES = ("offer", "protocol", "http")


def _texts(body: Any, at: str) -> Iterator[tuple[str, str, str]]:
    """Where each text is, its language, the text."""
    if isinstance(body, Mapping):
        if set(body) == {"fr", "en"}:
            yield from ((at, language, str(text)) for language, text in body.items())
            return
        for name, inner in body.items():
            yield from _texts(inner, f"{at}/{name}")


@cache
def catalogue_texts() -> tuple[tuple[str, str, str], ...]:
    read = (orjson.loads(ROOT.joinpath("catalogue", f"{name}.json").read_bytes()) for name in _CATALOGUES)
    return tuple(one for name, body in zip(_CATALOGUES, read, strict=True) for one in _texts(body, name))


@cache
def all_texts() -> tuple[tuple[str, str, str], ...]:
    """Those of the catalogue, and of the problems of feeds."""
    folder = Path(adapters.formats.__file__).parent
    feeds = (orjson.loads(path.read_bytes()) for path in (ROOT / "reading.json", folder / "author.json"))
    return (*catalogue_texts(), *(one for body in feeds for one in _texts(body, "formats")))


@cache
def served() -> re.Pattern[str]:
    """The paths of the contract, with the values that their parameters may have."""

    def pattern(path: str, item: Mapping[str, Any]) -> str:
        given = [*item.get("parameters", ()), *(one for body in item.values() for one in _parameters(body))]
        for one in given:
            values = "|".join(map(str, one.get("schema", {}).get("enum", ()))) or "[^/]+"
            path = path.replace(f"{{{one.get('name')}}}", f"(?:{values}|{{{one.get('name')}}})")
        return path

    return re.compile("|".join(pattern(path, item) for path, item in openapi_document()["paths"].items()))


def _parameters(body: Any) -> list[Mapping[str, Any]]:
    return body.get("parameters", []) if isinstance(body, Mapping) else []


@cache
def page_paths() -> Mapping[str, frozenset[str]]:
    """The addresses of pages that sentences may name, each with its anchors."""
    lists = frozenset(one["name"] for one in list_views("fr", "NAF"))
    paths = [path for known in (CHECK, CONNECT, *PARTS.values()) for path in known.values()]
    return {path: lists if path in PARTS["reference_lists"].values() else frozenset() for path in paths}


def is_known(address: str) -> bool:
    path, _, anchor = address.rstrip(".").partition("#")
    if path in page_paths():
        return not anchor or anchor in page_paths()[path]
    return not anchor and served().fullmatch(path) is not None


def test_every_address_exists() -> None:
    named = {(at, one) for at, _, text in all_texts() for one in _ADDRESS.findall(text)}
    assert len(named) > 8
    assert [] == sorted(one for one in named if not is_known(one[1]))


@pytest.mark.parametrize(
    "address", ["/v1/reference", "/v1/reference/nothing", "/reference/listes#nothing", "/reference/none", "/v1/offer"]
)
def test_an_address_that_does_not_exist_is_found(address: str) -> None:
    assert _ADDRESS.findall(f"Voyez {address}.") == [f"{address}."]
    assert not is_known(address)


def test_a_page_is_named_in_the_language_of_its_reader() -> None:
    for at, language, text in all_texts():
        for one in _ADDRESS.findall(text):
            if one.rstrip(".").partition("#")[0] in page_paths():
                assert one.startswith("/en/") == (language == "en"), at


def test_every_command_exists_with_its_options() -> None:
    found = list(_commands())
    assert len(found) >= 6
    assert [] == [one for one in found if not _is_command(*one)]


def _commands() -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """The program, the words and the options of each command: of a French sentence, only of one in backticks."""
    for _, language, text in all_texts():
        for part in _QUOTED.findall(text) if language == "fr" else [text]:
            for program, words, rest in _COMMAND.findall(part):
                yield program, tuple(words.split()), tuple(_OPTION.findall(rest))


def _is_command(program: str, words: tuple[str, ...], options: tuple[str, ...]) -> bool:
    command: Any = get_command(kit if program == "passerelle-conformance" else gateway)
    for word in words:
        if not hasattr(command, "commands"):
            break
        command = command.get_command(None, word)
        if command is None:
            return False
    known = {name for one in command.params for name in one.opts}
    return not hasattr(command, "commands") and set(options) <= known


def test_a_command_that_does_not_exist_is_found() -> None:
    assert not _is_command("passerelle", ("certify",), ())
    assert not _is_command("passerelle", ("validate",), ("--nothing",))
    assert not _is_command("passerelle", ("platform",), ())
    assert _is_command("passerelle-conformance", ("certify",), ("--nonce",))


def test_every_name_in_backticks_is_of_a_schema_or_the_contract() -> None:
    known = {name for one in (*map(schema, schema_names()), openapi_document()) for name in _members(one)}
    named = {(at, one) for at, _, text in catalogue_texts() for one in _QUOTED.findall(text) if " " not in one}
    assert len(named) > 30
    assert [] == sorted((at, one) for at, one in named if not set(one.split(".")) <= known)


def _members(part: Any) -> Iterator[str]:
    """The names of members and the values of closed lists."""
    if isinstance(part, Mapping):
        for key, inner in part.items():
            if key in ("properties", "patternProperties") and isinstance(inner, Mapping):
                yield from inner
            if key == "enum":
                yield from map(str, inner)
            if key == "const":
                yield str(inner)
            yield from _members(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _members(inner)


_REASONS = {f"withdrawn-{reason}" for reason in closed_list("withdrawn")}
"""Rules with one entry for several reasons."""


@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_rule_has_a_name_of_its_own_of_two_to_five_words(language: Language) -> None:
    rules = (*catalogue().values(), *reading_rules().values())
    known = [rule.name[language] for rule in rules if rule.code not in _REASONS]
    assert len(known) == len(set(known))
    assert [] == [name for name in known if not 2 <= len(name.split()) <= 5 or len(name) > 40]
    assert [] == [name for name in known if set(name) & set("{}`…:;.")]
