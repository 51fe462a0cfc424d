"""A mapping that does not fit its feed: the feed is unusable, and the nearest path that exists is named."""

import json
from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from adapters.formats.item import FeedComplete, FeedUnusable, OfferItem, PassedItem
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.nearest_path import nearest
from adapters.formats.path import parse_path
from adapters.formats.problem import ReadingProblem
from adapters.formats.reading import read
from tests.formats.feeds import FIELDS, FORMS, ON, PLATFORM, codes, flat, items, load, row, unusable, written

ROWS = [row(number) for number in range(3)]


def misfits(content: bytes, mapping: FeedMapping) -> list[ReadingProblem]:
    """The errors of a feed that its mapping does not fit."""
    end = items(content, mapping)[-1]
    assert isinstance(end, FeedUnusable), end
    found = [one for one in end.problems if one.severity == "error"]
    for one in found:
        body = one.to_json()
        assert one.actual == "–" or str(one.actual) in body["message"]["fr"]
        assert one.actual == "–" or str(one.actual) in body["message"]["en"]
        assert body["message"]["fr"] != body["message"]["en"]
    return found


def reported(content: bytes, mapping: FeedMapping) -> list[tuple[str, str, Any]]:
    return [(one.code, one.pointer, one.actual) for one in misfits(content, mapping)]


def nested(rows: list[dict[str, str]]) -> bytes:
    return json.dumps({"meta": {"count": 3}, "data": {"offers": rows}}).encode()


ATOM = b"""<a:feed xmlns:a="http://www.w3.org/2005/Atom" xmlns:j="urn:jobs"><a:title>Flux</a:title><a:id>x</a:id>
<a:link href="https://x.example/" rel="self"/><a:entry j:ref="7"><a:title>Un</a:title></a:entry>
<a:entry j:ref="8"><a:title>Deux</a:title></a:entry></a:feed>"""
RSS_EMPTY = (
    b"<rss><channel><title>t</title><link>https://x.example/</link><category>a</category><category>b</category>"
    b"<image><url>u</url></image></channel></rss>"
)


@pytest.mark.parametrize(
    ("form", "content", "path", "near", "reason"),
    [
        ("xml", written("xml", ROWS), "offers/offre", "offers/offer", "spelled"),
        ("xml", written("xml", ROWS[:1]), "offers/stage", "offers/offer", "last name"),
        ("xml", written("xml", ROWS), "offers/Offer", "offers/offer", "case"),
        ("xml", written("xml", ROWS), "offer", "offers/offer", "missing"),
        ("xml", written("xml", ROWS), "rss/offers/offer", "offers/offer", "does not exist"),
        ("xml", written("xml", ROWS), "jobs/job", "offers/offer", "3 times"),
        ("xml", ATOM, "feed/entry", "a:feed/a:entry", "prefix"),
        ("xml", ATOM, "a:feed/a:enrty", "a:feed/a:entry", "spelled"),
        ("xml", b'<jobs><job id="1" title="a"/><job id="2" title="b"/></jobs>', "jobs/offer", "jobs/job", ""),
        ("json", nested(ROWS), "data/offres", "data/offers", "spelled"),
        ("json", nested(ROWS), "data/stages", "data/offers", "last name"),
        ("json", nested(ROWS), "Data/Offers", "data/offers", "case"),
        ("json", nested(ROWS), "offers", "data/offers", "missing"),
        ("json", nested(ROWS), "data/offers/list", "data/offers", "does not exist"),
        ("json", nested(ROWS), "data", "data/offers", "missing"),
        ("json", nested(ROWS), "", "data/offers", "missing"),
        ("json", json.dumps(ROWS).encode(), "data", "", "does not exist"),
    ],
)
def test_a_feed_without_the_path_of_its_items_is_unusable(
    form: str, content: bytes, path: str, near: str, reason: str
) -> None:
    """[FMT-014]"""
    mapping = flat(form, source={"items": path})
    [problem] = misfits(content, mapping)
    assert ("items-not-found", "/mapping/source/items", near) == (problem.code, problem.pointer, problem.actual)
    assert (problem.expected or '""') in (path, '""')
    assert reason in problem.to_json()["message"]["en"]


@pytest.mark.parametrize(
    ("form", "content", "items_at"),
    [
        ("xml", b"<offers/>", "offers/offer"),
        ("xml", b"<offers>\n</offers>", "offers/offer"),
        ("xml", b"<offers><publisher>x</publisher><date>2027</date></offers>", "offers/offer"),
        ("xml", b'<offers><meta count="0"/></offers>', "offers/offer"),
        ("xml", RSS_EMPTY, "rss/channel/item"),
        ("json", b'{"data": {"offers": [], "total": 0}}', "data/offers"),
        ("json", b'{"data": {"offers": null}}', "data/offers"),
        ("json", b"[]", ""),
    ],
)
def test_a_feed_whose_list_of_items_is_there_and_empty_is_whole(form: str, content: bytes, items_at: str) -> None:
    """[FMT-002] [FMT-014]"""
    [end] = items(content, flat(form, source={"items": items_at}))
    assert isinstance(end, FeedComplete)
    assert (0, ["feed-without-items"]) == (end.count, codes(end))


@pytest.mark.parametrize("content", [b'{"@graph": []}', b'{"@type": "ItemList", "itemListElement": []}', b"[]"])
def test_an_empty_list_of_postings_is_whole(content: bytes) -> None:
    """[FMT-002] [FMT-014]"""
    assert isinstance(items(content, load("jobposting"))[-1], FeedComplete)


def test_a_parent_with_other_elements_is_an_empty_feed_only_if_an_operator_confirms() -> None:
    """[FMT-014]"""
    content = b"<offers><notice><text>Fermeture</text></notice></offers>"
    mapping = flat("xml")
    assert "items-not-found" == unusable(content, mapping)
    [end] = read([content], mapping, platform=PLATFORM, on=ON, confirmed=True)
    assert isinstance(end, FeedComplete)


PATHS = [
    ("Title", "title", "case"),
    ("titre", "title", "spelled"),
    ("tilte", "title", "spelled"),
    ("offer/title", "title", "does not exist"),
    ("qzx", "–", "nothing like it"),
]


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize(("path", "near", "reason"), PATHS)
def test_the_path_of_a_required_field_that_no_item_has_is_an_error(
    form: str, path: str, near: str | None, reason: str
) -> None:
    """[FMT-014]"""
    [problem] = misfits(written(form, ROWS), flat(form, fields={"title": {"path": path}}))
    assert ("path-not-found", "/mapping/fields/title/path", path) == (problem.code, problem.pointer, problem.expected)
    assert near is None or near == problem.actual
    assert problem.actual in {*FIELDS, *ROWS[0], "–"}
    assert reason in problem.to_json()["message"]["en"]


@pytest.mark.parametrize("path", ["Title", "titre"])
def test_a_missing_column_is_reported_with_the_nearest_one(path: str) -> None:
    """[FMT-014]"""
    [problem] = misfits_of_columns(written("csv", ROWS), flat("csv", fields={"title": {"path": path}}))
    assert ("columns-missing", [path]) == (problem.code, problem.expected)
    assert f"“{path}” is “title”" in problem.to_json()["message"]["en"]


def misfits_of_columns(content: bytes, mapping: FeedMapping) -> list[ReadingProblem]:
    end = items(content, mapping)[-1]
    assert isinstance(end, FeedUnusable)
    return list(end.problems)


def test_a_wrong_separator_is_reported() -> None:
    """[FMT-014]"""
    content = written("csv", ROWS).replace(b'"', b"")
    [problem] = misfits_of_columns(content, flat("csv", source={"separator": "\t"}))
    assert "separator may be “;”" in problem.to_json()["message"]["en"]


def test_a_column_with_a_slash_in_its_name_is_offered_as_a_mapping_writes_it() -> None:
    """[FMT-014]"""
    content = written("csv", [{**row(), "lieu": "x", "lieu/rue": "4 quai"}])
    mapping = flat("csv", fields={"location.department": {"path": "lieu/rue"}})
    assert [("path-not-found", "/mapping/fields/location.department/path", "lieu~1rue")] == reported(content, mapping)


@pytest.mark.parametrize("form", ["xml", "json"])
def test_the_path_of_the_id_is_required(form: str) -> None:
    """[FMT-014]"""
    mapping = load(form, {"source": {"items": "offers/offer"} if form == "xml" else {}, "id": {"path": "@id"},
                          "fields": dict(FIELDS)})  # fmt: skip
    [(code, pointer, near)] = reported(written(form, ROWS), mapping)
    assert ("path-not-found", "/mapping/id/path", "id") == (code, pointer, near)


@pytest.mark.parametrize("form", FORMS)
def test_a_required_path_with_a_fallback_that_exists_is_no_error(form: str) -> None:
    """[FMT-014]"""
    mapping = flat(form, fields={"title": {"path": ["intitule", "title"]}})
    assert isinstance(items(written(form, ROWS), mapping)[-1], FeedComplete)


@pytest.mark.parametrize(
    ("rule", "pointer", "near"),
    [
        ({"path": "place"}, "/path", "place/town"),
        ({"path": "place/city"}, "/path", "place/zip"),
        ({"path": "town"}, "/path", "place/town"),
        ({"path": "places/#1/town"}, "/path", "place/town"),
        ({"each": "plaec", "path": "town"}, "/path", "place/town"),
        ({"join": {"parts": [{"path": "twn"}, {"path": "cty"}], "with": " "}}, "/join", "place/town"),
        (
            {"join": {"parts": [{"path": "place/town"}, {"path": "place/zpi"}], "with": " "}},
            "/join/parts/1/path",
            "place/zip",
        ),
    ],
)
def test_a_path_that_ends_at_an_object_or_beside_its_value_is_an_error(
    rule: Mapping[str, Any], pointer: str, near: str
) -> None:
    """[FMT-014]"""
    item = {key: value for key, value in row().items() if key != "city"}
    content = json.dumps([{**item, "place": {"town": "Rennes", "zip": "35000"}}]).encode()
    [(code, where, nearest_path)] = reported(content, flat("json", fields={"location.city": rule}))
    assert ("path-not-found", f"/mapping/fields/location.city{pointer}", near) == (code, where, nearest_path)


@pytest.mark.parametrize(
    "item",
    [{"title": None}, {"title": ""}, {"title": []}, {"title": [None]}, {"title": {}}, {"title": {"@lang": "fr"}}],
)
def test_a_value_that_is_blank_everywhere_is_no_wrong_path(item: Mapping[str, Any]) -> None:
    """[FMT-014]: the verdict says that it is missing, item by item."""
    assert isinstance(items(json.dumps([{**row(), **item}]).encode(), flat("json"))[-1], FeedComplete)


def test_one_item_that_has_the_path_is_enough() -> None:
    """[FMT-014]"""
    rows: list[dict[str, str]] = [{"id": str(number)} for number in range(300)]
    content = json.dumps([*rows, row(301)]).encode()
    assert isinstance(items(content, flat("json"))[-1], FeedComplete)


def test_a_path_that_may_be_missing_is_a_warning_unless_another_one_is_the_same_but_for_its_spelling() -> None:
    """[FMT-014]: an error only where more would be published than is meant."""
    content = json.dumps([{**row(), "rep_seulement": "non"}]).encode()
    strict, misspelt = (
        {"restrictions.rep": {"path": "zone_prioritaire"}},
        {"restrictions.qpv": {"path": "rep_seulemnt"}},
    )
    end = items(content, flat("json", fields=strict))[-1]
    assert isinstance(end, FeedComplete)
    assert [("path-unseen", "/mapping/fields/restrictions.rep/path")] == [(p.code, p.pointer) for p in end.problems]
    found = [("path-not-found", "/mapping/fields/restrictions.qpv/path", "rep_seulement")]
    assert found == reported(content, flat("json", fields=misspelt))
    excused = {name: {**rule, "optional": True} for name, rule in {**strict, **misspelt}.items()}
    end = items(content, flat("json", fields=excused))[-1]
    assert isinstance(end, FeedComplete)
    assert [("path-unseen", "rep_seulement")] == [(one.code, one.actual) for one in end.problems]


OPTIONAL = {
    "seats": ("places", "nb_places", "3"),
    "employer.description": ("presentation", "presentations", "Douze personnes."),
    "employer.siret": ("siret", "numero_siret", "73282932000074"),
    "location.street": ("rue", "rues", "4 quai Lamennais"),
    "accessibility": ("pmr", "PMR", "oui"),
    "extensions": ("agence", "agences", "Var"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("field", OPTIONAL)
def test_an_optional_field_that_is_renamed_stops_nothing(form: str, field: str) -> None:
    """[FMT-014]: the items go on without it, with one notice that names the path."""
    name, renamed, value = OPTIONAL[field]
    rule = {name: {"path": name}}
    more = {"extensions": rule} if field == "extensions" else {"fields": {field: {"path": name}}}
    mapping = flat(form, **more)
    *before, _ = items(written(form, [{**one, name: value} for one in ROWS]), mapping)
    *after, end = items(written(form, [{**one, renamed: value} for one in ROWS]), mapping)
    assert isinstance(end, FeedComplete)
    assert [OfferItem] * 3 == [type(one) for one in after] == [type(one) for one in before]
    assert [("path-unseen", "warning", name)] == [(one.code, one.severity, one.expected) for one in end.problems]


GUARDED = {
    "expires_on": ("fin", "fin_", "2027-05-31"),
    "redistribution.mask_employer": ("anonyme", "Anonyme", "oui"),
    "restrictions.rep": ("rep", "reps", "oui"),
    "location.country": ("pays", "Pays", "FR"),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("field", GUARDED)
def test_a_field_that_restricts_what_is_published_stops_the_feed_when_it_is_renamed(form: str, field: str) -> None:
    """[FMT-014]: without it an expired, foreign or reserved offer would go out, or a hidden employer be shown."""
    name, renamed, value = GUARDED[field]
    feed = written(form, [{**one, renamed: value} for one in ROWS])
    end = items(feed, flat(form, fields={field: {"path": name}}))[-1]
    assert isinstance(end, FeedUnusable)
    assert renamed == end.problems[0].actual or renamed in str(end.problems[0].args)


def test_a_path_that_another_rule_uses_is_no_evidence_of_a_misspelling() -> None:
    """[FMT-014]"""
    content = json.dumps([{**row(), "place": "4 quai"}]).encode()
    fields = {"location.street": {"path": "place"}, "seats": {"path": "places"}}
    end = items(content, flat("json", fields=fields))[-1]
    assert isinstance(end, FeedComplete)
    assert ["path-unseen"] == codes(end)


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize(
    ("only", "code", "pointer", "actual"),
    [
        ([{"path": "sectr", "in": ["s5"]}], "path-not-found", "/mapping/only/0/path", "sector"),
        ([{"path": "sector", "in": ["s9"]}], "only-passes-all", "/mapping/only/0/in", "s5"),
        (
            [{"path": "city", "in": ["rennes"]}, {"path": "levels", "in": ["3e", "4e"]}],
            "only-passes-all",
            "/mapping/only/1/in",
            "2de",
        ),
        ([{"path": "id", "in": ["S-0"]}, {"path": "title", "in": ["autre"]}], "only-passes-all", "/mapping/only", None),
    ],
)
def test_conditions_that_pass_over_every_item_make_the_feed_unusable(
    form: str, only: list[dict[str, Any]], code: str, pointer: str, actual: str | None
) -> None:
    """[FMT-014]"""
    content = written(form, [*ROWS, row(9, title="Autre", id="x")])
    end = items(content, flat(form, only=only))[-1]
    assert isinstance(end, FeedUnusable)
    [problem] = end.problems
    assert (code, pointer) == (problem.code, problem.pointer)
    assert actual is None or actual in str(problem.actual)
    assert actual is None or actual in problem.to_json()["message"]["fr"]


def test_an_operator_may_confirm_that_all_items_are_passed_over_but_not_a_wrong_path() -> None:
    """[FMT-014]"""
    content = written("json", ROWS)
    for path, ends in (("sector", FeedComplete), ("sectr", FeedUnusable)):
        mapping = flat("json", only=[{"path": path, "in": ["s9"]}])
        *found, end = read([content], mapping, platform=PLATFORM, on=ON, confirmed=True)
        assert all(isinstance(one, PassedItem) for one in found)
        assert isinstance(end, ends)


def test_values_at_a_condition_never_show_personal_data() -> None:
    """[FMT-014]"""
    content = json.dumps([{**row(), "contact": "marie.durand@atelier.example"}]).encode()
    end = items(content, flat("json", only=[{"path": "contact", "in": ["x"]}]))[-1]
    assert isinstance(end, FeedUnusable)
    assert "marie" not in orjson.dumps([one.to_json() for one in end.problems]).decode()


POSTING = {
    "@type": "JobPosting",
    "identifier": "1",
    "title": "Atelier",
    "description": "Observer.",
    "hiringOrganization": {"name": "Atelier du Port"},
    "jobLocation": {"address": {"postalCode": "35000", "addressLocality": "Rennes", "addressCountry": "FR"}},
    "industry": "s5",
    "educationRequirements": "Seconde",
    "url": "https://x.example/1",
}


def page(*documents: object) -> bytes:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(one)}</script>' for one in documents)
    return f"<html><head>{scripts}</head></html>".encode()


def test_a_page_without_posting_names_the_types_of_its_json_ld() -> None:
    """[FMT-014]"""
    content = page({"@type": "BreadcrumbList"}, {"@type": "Organization", "name": "x"})
    end = items(content, load("jobposting"))[-1]
    assert isinstance(end, FeedUnusable)
    assert ("only-passes-all", "BreadcrumbList, Organization") == (end.problems[0].code, end.problems[0].actual)


def test_a_wrong_path_in_a_posting_s_mapping_is_an_error() -> None:
    """[FMT-014]"""
    mapping = load("jobposting", {"fields": {"title": {"path": "Title"}, "weeks": {"school_weeks": True}}})
    assert [("path-not-found", "/mapping/fields/title/path", "title")] == reported(page(POSTING), mapping)


def test_a_path_missing_from_a_ready_made_mapping_is_an_error_only_if_a_similar_one_exists() -> None:
    """[FMT-013] [FMT-014]"""
    mapping = load("jobposting", {"fields": {"weeks": {"school_weeks": True}}})
    without = {name: value for name, value in POSTING.items() if name != "industry"}
    assert isinstance(items(page(without), mapping)[-1], FeedComplete)
    assert [("path-not-found", "/mapping/fields/sector/path", "Industry")] == reported(
        page({**without, "Industry": "s5"}), mapping
    )


def test_a_wrong_path_on_top_of_clever_connect_is_an_error() -> None:
    """[FMT-014]"""
    content = b'<source><job id="1"><title>t</title><secteur>s5</secteur></job></source>'
    mapping = load("cleverconnect", {"fields": {"sector": {"path": "Secteur"}}})
    assert ("path-not-found", "/mapping/fields/sector/path", "secteur") in reported(content, mapping)
    renamed = b'<jobs><job id="1"><title>t</title></job></jobs>'
    assert [("items-not-found", "/mapping/source/items", "jobs/job")] == reported(renamed, load("cleverconnect"))


def test_json_lines_and_namespaces_have_nearest_paths_too() -> None:
    """[FMT-014]"""
    lines = b"\n".join(json.dumps(one).encode() for one in ROWS)
    mapping = flat("json", source={"lines": True}, fields={"title": {"path": "libelle/title"}})
    assert [("path-not-found", "/mapping/fields/title/path", "title")] == reported(lines, mapping)
    xml = written("xml", ROWS).replace(b"<title>", b"<j:title>").replace(b"</title>", b"</j:title>")
    xml = xml.replace(b"<offers>", b'<offers xmlns:j="urn:j">')
    [problem] = misfits(xml, flat("xml"))
    assert ("path-not-found", "j:title") == (problem.code, problem.actual)
    assert "prefix" in problem.to_json()["message"]["en"]


def test_the_search_for_the_nearest_path_is_bounded() -> None:
    """[FMT-005]: thousands of long names in an item of a partner do not keep a processor busy."""
    wide = {f"{number:05}-{'n' * 60}": {f"{number}{'m' * 40}": "x"} for number in range(5_000)}
    mapping = load_mapping(
        "json", {"id": {"path": "id"}, "fields": {name: {"path": "z" * 60 + name} for name in FIELDS}}
    )
    assert isinstance(mapping, FeedMapping)
    found = misfits(json.dumps([{"id": "1", **wide}]).encode(), mapping)
    assert len(FIELDS) == len(found)


@pytest.mark.parametrize(
    ("wanted", "known", "near"),
    [
        ("id", ["offers/id", "ref"], "offers/id"),
        ("id", ["uid", "offers/other"], "uid"),
        ("titre", ["title", "titres", "texte"], "titres"),
        ("entreprise/nom", ["nom", "entreprise/libelle", "entreprise/Nom"], "entreprise/Nom"),
        ("@id", ["id", "name"], "id"),
        ("code_postal", ["codePostal", "code"], "codePostal"),
        ("Intitulé", ["intitule", "titre"], "intitule"),
        ("a/b", [], None),
    ],
)
def test_the_nearest_path_is_the_one_a_person_would_name(wanted: str, known: list[str], near: str | None) -> None:
    """[FMT-014]"""
    found = nearest(parse_path(wanted), map(parse_path, known))
    assert near == (None if found is None else "/".join(found.path))
