"""The schema of profiles for editors: one self-contained document, described throughout, and equal wherever it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

import schemas
from adapters.profile.profile import Profile, profiles, read_profile
from gateway.cli.reference import app
from schemas.build_reference import PAGES, ROOT
from schemas.bundle import DIALECT, FRENCH, bundled_schema, self_contained

BUNDLE = bundled_schema("profile")


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, list):
        for item in value:
            yield from parts(item)


def test_it_is_json_schema_and_refers_to_nothing_outside() -> None:
    Draft202012Validator.check_schema(BUNDLE)
    assert DIALECT == BUNDLE["$schema"]
    references = [one["$ref"] for one in parts(BUNDLE) if isinstance(one.get("$ref"), str)]
    assert len(references) > 80
    for reference in references:
        target: Any = BUNDLE
        assert reference.startswith("#/"), reference
        for step in reference[2:].split("/"):
            target = target[step]
    assert [BUNDLE] == [one for one in parts(BUNDLE) if isinstance(one.get("$id"), str)]


@pytest.mark.parametrize("slug", sorted(profiles()))
def test_every_packaged_profile_follows_it(slug: str) -> None:
    document = orjson.loads(orjson.dumps(profiles()[slug].document))
    assert [] == list(Draft202012Validator(BUNDLE).iter_errors(document))
    assert [] == list(Draft202012Validator(BUNDLE).iter_errors({"$schema": "https://g.example/p.json", **document}))
    assert list(Draft202012Validator(BUNDLE).iter_errors({**document, "nmae": "x"}))


def test_it_refuses_what_the_gateway_refuses() -> None:
    base = {"platform": "bretagne", "name": "B", "transport": {"kind": "https", "url": "https://a.example/x"}}
    wrong: list[dict[str, Any]] = [
        {**base},
        {**base, "format": "csv", "mapping": {"fields": {"titel": {"path": "x"}}}},
        {**base, "format": "csv", "mapping": {"fields": {"title": {"constant": "<b>x</b>"}}}},
        {**base, "format": "csv", "transport": {"kind": "ftp"}},
    ]
    for document in wrong:
        assert list(Draft202012Validator(BUNDLE).iter_errors(document)), document
        assert not isinstance(read_profile(document), Profile)


def keys_of(name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key of our schema, except conditions and definitions of the offer schema."""
    body = {key: part for key, part in schemas.schema(name).items() if key not in ("if", "then", "else")}
    for part in parts(body):
        if isinstance(part.get("properties"), dict) and "const" not in str(part.get("properties", {}).get("kind")):
            for key, inner in part["properties"].items():
                if isinstance(inner, dict) and not str(inner.get("$ref", "")).startswith("urn:fr:stages:schema:offer"):
                    yield key, inner


@pytest.mark.parametrize("name", ["profile", "mapping"])
def test_every_key_is_described_in_both_languages(name: str) -> None:
    definitions = schemas.schema(name)["$defs"]
    listed = list(keys_of(name))
    assert len(listed) > 20
    missing = []
    for key, inner in listed:
        if "then" in inner or (key in ("constant", "default") and "path" not in inner and "description" not in inner):
            continue
        reference = str(inner.get("$ref", "")).rpartition("/")[2]
        described = inner if "description" in inner else definitions.get(reference, inner)
        if not (described.get("description") and described.get(FRENCH)):
            missing.append(key)
    assert [] == missing


def test_descriptions_are_french_then_english_and_the_keyword_is_gone() -> None:
    assert BUNDLE["properties"]["name"]["description"].startswith("Le nom de la plateforme")
    assert BUNDLE["properties"]["name"]["description"].endswith("for people.")
    assert [] == [one for one in parts(BUNDLE) if FRENCH in one]
    assert FRENCH in self_contained("profile")["properties"]["name"]


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_those_that_the_data_make(path: str) -> None:
    """Otherwise: make contract."""
    assert PAGES[path]() == (ROOT / path).read_text(encoding="utf-8")
    assert Path(ROOT / "docs").is_dir()


def test_the_command_prints_it() -> None:
    assert BUNDLE == orjson.loads(CliRunner().invoke(app, ["profile-schema"]).stdout)


def test_a_profile_and_its_mapping_may_name_their_schema() -> None:
    document = {
        "$schema": "../profile.schema.json",
        "platform": "bretagne",
        "name": "Bretagne",
        "transport": {"kind": "https", "url": "https://a.example/x"},
        "format": "csv",
        "mapping": {"$schema": "x", "id": {"path": "id"}, "fields": {"title": {"path": "t"}}},
    }
    assert isinstance(read_profile(document), Profile)
    assert not isinstance(read_profile({**document, "$schema": 3}), Profile)


def test_faults_of_the_profile_and_of_its_mapping_are_reported_together() -> None:
    document = {
        "platform": "Bretagne !",
        "name": "Bretagne",
        "transport": {"kind": "https", "url": "http://a.example/x"},
        "format": "csv",
        "mapping": {"id": {"path": "id"}, "fields": {"titel": {"path": "t"}}},
    }
    found = read_profile(document)
    assert isinstance(found, tuple)
    assert {"/platform", "/transport/url", "/mapping/fields/titel"} == {problem.pointer for problem in found}
    assert all("extensions" not in problem.to_json()["message"]["fr"] for problem in found)
