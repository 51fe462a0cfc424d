"""What comes instead of a feed is named for what it is; nothing is called near that has nothing in common."""

import re

import orjson
import pytest

from adapters.formats.inference.draft import read_sample
from adapters.formats.item import FeedUnusable
from adapters.formats.other_form import refuse
from adapters.formats.problem import UnusableFeedError
from tests.formats.feeds import FORMS, flat, items, row, unusable, written
from tests.fuzz.growth import STEEP, steepness

CALENDAR = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Stage\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
YAML = "---\noffres:\n  - id: 1\n    titre: Découverte\n    ville: Rennes\n  - id: 2\n    titre: Atelier\n"
PLAIN_YAML = "# offres\n- id: 1\n  titre: Découverte\n- id: 2\n  titre: Atelier\n  liens: [a, b]\n"
TABLE = "<!DOCTYPE html>\n<html><body><table><tr><th>Titre</th></tr><tr><td>Stage</td></tr></table></body></html>"
PAGE = "<!doctype html><html><head><title>503</title></head><body><h1>Indisponible</h1></body></html>"
OTHERS = [
    (CALENDAR, "feed-is-calendar"), (YAML, "feed-is-yaml"), (PLAIN_YAML, "feed-is-yaml"),
    (TABLE, "feed-is-table"), (PAGE, "feed-is-html"),
]  # fmt: skip
ERRORS = [
    ('{"error": "invalid_token"}', "invalid_token"),
    ('{"error": {"code": 500}}', "500"),
    ("<error>no</error>", "no"),
    ('{"error": {"code": 403, "message": "Quota dépassé"}}', "Quota dépassé"),
    ('{"errors": [{"status": "404", "title": "Not Found", "detail": "No such list"}]}', "No such list"),
    ('{"type": "about:blank", "title": "Too Many Requests", "status": 429}', "Too Many Requests"),
    ('{"detail": "Authentication credentials were not provided."}', "Authentication credentials were not provided."),
    ('{"message": "API rate limit exceeded", "documentation_url": "https://x.example"}', "API rate limit exceeded"),
    ('{"success": false, "message": "Clé inconnue", "data": null}', "Clé inconnue"),
    ('{"code": "rest_no_route", "message": "Aucune route", "data": {"status": 404}, "status": 404}', "Aucune route"),
    ("<?xml version='1.0'?><error><code>12</code><message>Accès refusé</message></error>", "Accès refusé"),
    ("<s:Envelope><s:Body><s:Fault><faultstring>Refus</faultstring></s:Fault></s:Body></s:Envelope>", "Refus"),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("content", "code"), OTHERS)
def test_another_form_is_refused_by_its_name(content: str, code: str, form: str) -> None:
    """[FMT-002]: by the reader and by the draft."""
    assert code == unusable(content.encode(), flat(form))
    with pytest.raises(UnusableFeedError) as refused:
        read_sample([content.encode()])
    assert code == refused.value.problem.code


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("content", "message"), ERRORS)
def test_the_body_of_an_error_is_no_offer(content: str, message: str, form: str) -> None:
    """[FMT-002]: its sentence is shown."""
    end = items(content.encode(), flat(form))[-1]
    assert isinstance(end, FeedUnusable)
    assert ("feed-is-error", message) == (end.problems[0].code, end.problems[0].actual)
    with pytest.raises(UnusableFeedError) as refused:
        read_sample([content.encode()])
    assert "feed-is-error" == refused.value.problem.code


@pytest.mark.parametrize(
    "document",
    [
        {"offres": [row(1), row(2)], "errors": [], "message": "ok"},
        {"status": 200, "error": None, "offres": [row(1), row(2)]},
        {"offres": [row(1), row(2)], "error": "deux offres sans ville"},
    ],
)
def test_a_feed_that_speaks_of_errors_is_read(document: object) -> None:
    """[FMT-002]"""
    found = items(orjson.dumps(document), flat("json", source={"items": "offres"}))
    assert 3 == len(found)
    assert 2 == len(read_sample([orjson.dumps(document)]).items)


def test_comments_before_the_root_element_take_time_in_proportion_to_their_number() -> None:
    """[FMT-002]"""
    assert STEEP > steepness(
        lambda text: refuse(text, pages=False), lambda number: "<!--a-->" * number + "<offers/>", 5
    )


def test_a_table_with_colons_and_an_offer_alone_are_read() -> None:
    """[FMT-002]"""
    rows = [row(number, title=f"Stage : atelier {number}") for number in range(6)]
    assert 7 == len(items(written("csv", rows), flat("csv")))
    assert 1 == len(read_sample([orjson.dumps({**row(1), "message": "Bienvenue", "detail": "À voir"})]).items)


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize("path", ["a-completer", "zzz", "kwyjibo/qux"])
def test_a_path_that_has_nothing_in_common_with_another_is_not_called_near(path: str, form: str) -> None:
    """[FMT-014]"""
    feed = written(form, [{**row(number), "nombrePlaces": "3"} for number in range(3)])
    for mapping in (flat(form, id={"path": path}), flat(form, fields={"title": {"path": path}})):
        end = items(feed, mapping)[-1]
        assert isinstance(end, FeedUnusable)
        body = end.problems[0].to_json()
        assert ("path-not-found", "–") == (end.problems[0].code, end.problems[0].actual)
        assert not re.search("nearest|le plus proche", body["message"]["fr"] + body["message"]["en"])


def test_items_that_nothing_resembles_are_named_by_how_often_they_occur() -> None:
    """[FMT-014]"""
    feed = written("xml", [row(number) for number in range(3)])
    end = items(feed, flat("xml", source={"items": "kwyjibo/qux"}))[-1]
    assert isinstance(end, FeedUnusable)
    message = end.problems[0].to_json()["message"]["en"]
    assert "Nothing resembles it; “offers/offer” occurs 3 times" in message
