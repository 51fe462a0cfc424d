"""``passerelle reference``: every list, in both languages and as JSON, equal to what the gateway serves."""

import json

import pytest
from typer.testing import CliRunner

import schemas
from gateway.cli.reference import app
from tests.cli.test_languages import both

LISTS = ("sectors", "levels", "departments", "regions", "academies", "weeks")


def text(*words: str) -> str:
    ended = CliRunner().invoke(app, list(words))
    assert 0 == ended.exit_code, ended.output
    return ended.stdout


def test_without_a_list_it_names_them_all() -> None:
    for language in ("fr", "en"):
        output = text("--lang", language)
        assert all(name in output for name in (*LISTS, "profile-schema"))
    assert {*LISTS, "profile-schema"} == set(json.loads(text("--json")))


@pytest.mark.slow
def test_every_sector_is_listed_by_code_and_name() -> None:
    for item in schemas.reference("sectors")["items"]:
        assert [item["code"], *item["name"].split()] in [line.split() for line in text("sectors").splitlines()]
        assert item["name_en"] in text("sectors", "--lang", "en")


@pytest.mark.parametrize("name", ["sectors", "departments", "regions", "academies"])
def test_a_list_as_json_equals_the_one_that_is_served(name: str) -> None:
    assert schemas.reference(name) == json.loads(text(name, "--json"))


def test_levels_and_weeks_are_those_of_the_schema_and_the_calendar() -> None:
    levels = json.loads(text("levels", "--json"))
    assert schemas.schema("offer")["$defs"]["level"]["enum"] == [item["code"] for item in levels["items"]]
    assert schemas.reference("calendar") == json.loads(text("weeks", "--json"))
    assert "2027-W24" in text("weeks")


@pytest.mark.parametrize("words", [(), ("levels",)])
async def test_the_list_is_in_one_language(words: tuple[str, ...]) -> None:
    await both({}, "reference", *words)
