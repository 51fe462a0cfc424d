"""The form that checks one offer: its fields are those of the schema, its verdict is that of the text."""

from collections.abc import AsyncIterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest

import schemas
from demo.generator import generate
from gateway.pages.base.upload import Form, FormPart
from gateway.pages.check.form_fields import document_of, form_fields, path_of, values_in
from gateway.protocol.paris_time import paris_date
from schemas.rulebook import LANGUAGES, Language
from tests.pages.check.offers import DAY
from tests.pages.site import PageHarness, opened

PATHS: Mapping[Language, str] = {"fr": "/verifier/formulaire", "en": "/en/check/form"}
HTML = {"Accept": "text/html"}
BY_ITSELF = {"revision", "schedule", "extensions", "rome", "source_id", "national_remote_id"}


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[PageHarness]:
    async with opened(tmp_path) as site:
        yield site


def sent(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """An offer as its form is sent."""
    found: list[tuple[str, str]] = []
    for name, value in document.items():
        if name in BY_ITSELF:
            continue
        for path, member in (
            {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        ).items():
            texts = member if isinstance(member, list) else [member]
            found += [
                (path, {True: "yes", False: "no"}.get(one, str(one)) if isinstance(one, bool) else str(one))
                for one in texts
            ]
    return found


def test_an_offer_is_the_same_in_the_form_and_as_a_document() -> None:
    for one in generate(5, "bretagne", 60, DAY, wrong=0):
        document = {name: value for name, value in orjson.loads(one.raw).items() if name not in BY_ITSELF}
        form = Form(tuple(FormPart(name, text.encode()) for name, text in sent(document)))
        assert {**document, "revision": 1} == document_of(values_in(form))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_field_has_a_label_a_meaning_and_a_widget(language: Language) -> None:
    fields = form_fields(language, DAY, ())
    paths = [one.path for one in fields]
    assert len(paths) == len(set(paths))
    assert set(schemas.schema("offer")["properties"]) - BY_ITSELF == {path.partition(".")[0] for path in paths}
    for one in fields:
        assert one.label != one.path
        assert one.meaning
        assert "`" not in one.meaning
        assert one.choices or one.widget in {"line", "text", "day"}
    required = [one.path for one in fields if one.required]
    assert required == paths[: len(required)]
    assert {"title", "employer.name", "location.city", "levels", "weeks", "sector", "apply_url"} < set(required)


@pytest.mark.parametrize(
    "day", [date(2026, 9, 1), date(2027, 3, 9), date(2027, 6, 20), date(2027, 7, 2), date(2060, 1, 1)]
)
def test_the_weeks_are_ahead_and_the_mandatory_ones_first(day: date) -> None:
    weeks = next(one for one in form_fields("fr", day, ()) if one.path == "weeks")
    mandatory = [*weeks.choices][: weeks.some]
    known = {week for year in schemas.schoolyear.years() for week in year.weeks}
    assert set(mandatory) <= known
    for week in weeks.choices:
        monday = schemas.schoolyear.monday_of(week)
        assert monday is not None
        assert monday > day


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("/title", "title"),
        ("/weeks/0", "weeks"),
        ("/employer/siret", "employer.siret"),
        ("/restrictions/schools/3", "restrictions.schools"),
        ("/extensions/x", ""),
        ("/employer", ""),
        ("", ""),
    ],
)
def test_a_problem_is_about_a_field(pointer: str, expected: str) -> None:
    assert expected == path_of(pointer)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.slow
async def test_each_error_is_at_its_field(site: PageHarness, language: Language) -> None:
    data = {"id": "bretagne:1", "title": "Atelier", "seats": "many", "weeks": "2027-W24", "employer.siret": "12"}
    answer = await site.client.post(PATHS[language], data=data, headers=HTML)
    text = await answer.text()
    assert 200 == answer.status
    for name in ("seats", "employer.siret", "employer.name", "location.city", "description", "levels", "apply_url"):
        assert f'id="{name}-error"' in text, name
    for name in ("title", "weeks", "id"):
        assert f'id="{name}-error"' not in text, name
    assert 'value="many"' in text
    assert "Atelier" in text
    form = text.partition("<form")[2]
    assert "field-missing" not in text, "said at the field, in words for a person"
    assert ("Remplissez ce champ" if language == "fr" else "Fill this field in") in form


@pytest.mark.slow
async def test_a_sound_offer_is_accepted_and_nothing_is_stored(site: PageHarness) -> None:
    log = site.harness.federation.log
    topics = ("submissions", "statistics", "offers")
    before = [await log.ends(topic) for topic in topics]
    today = date.fromisoformat(paris_date(site.harness.federation.clock()))
    one = next(iter(generate(5, "bretagne", 1, today, wrong=0)))
    answer = await site.client.post(PATHS["fr"], data=sent(orjson.loads(one.raw)), headers=HTML)
    text = await answer.text()
    assert "-error" not in text
    assert "verdict fine" in text or "verdict look" in text
    assert before == [await log.ends(topic) for topic in topics]


@pytest.mark.parametrize(
    "body", [b"", b"title=%FF%00&seats=1&seats=2&nothing=1", b"weeks=" + b"2027-W24+" * 3_000, b"id=" + b"a" * 60_000]
)
@pytest.mark.slow
async def test_a_hostile_form_gets_a_verdict(site: PageHarness, body: bytes) -> None:
    headers = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}
    answer = await site.client.post(PATHS["fr"], data=body, headers=headers)
    assert 200 == answer.status
    assert 'id="title-error"' in await answer.text() or body.startswith(b"title")
