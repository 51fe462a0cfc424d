"""The reference: all that schemas, catalogue, calendars, contracts and protocol have, in both languages."""

import gzip
import re
from collections.abc import Sequence
from datetime import date
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

import pytest

import schemas
from gateway.pages.base.markup import coded, without_values
from gateway.pages.base.page import Page
from gateway.pages.base.static import assets
from gateway.pages.base.templates import Templates
from gateway.pages.reference.calendars import school_years
from gateway.pages.reference.interfaces import operations, topics
from gateway.pages.reference.lists import list_views
from gateway.pages.reference.rules import families, fields, search
from gateway.pages.reference.rules import topics as pages_of_rules
from gateway.pages.reference.view import PARTS, RULE, VIEWS, pages
from schemas.codelist import reference, sectors_by_naf
from schemas.contract import openapi_document
from schemas.reference_pages import offer_fields
from schemas.requirements import sentences
from schemas.rulebook import LANGUAGES, Language, catalogue, reading_rules
from tests.pages.site import registered_pages

MAX_BYTES = 50_000
ON = date(2026, 11, 28)
NAMES = list(VIEWS)


class Anchors(HTMLParser):
    """The ids of a page, and the targets of its links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.targets += [given["href"] or ""] if tag == "a" else []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Page]:
    return registered_pages(tmp_path_factory.mktemp("parts"))


@pytest.fixture(scope="module")
def templates(site: Sequence[Page]) -> Templates:
    return Templates(site, prefix="", about={"version": "1", "source": None})


def rendered(templates: Templates, name: str, language: Language) -> str:
    """A page of the reference; that of a requirement or a rule by its id or code."""
    if name in VIEWS:
        values: dict[str, Any] = {"parts": list(PARTS), **VIEWS[name](language, ON)}
        return templates.render(f"reference/{name}.html", values, language, page=name)
    values = {"name": name, "topic": pages_of_rules(language)[name], "parts": list(PARTS)}
    return templates.render("reference/reference_rule.html", values, language, page="reference_rule", part=name)


def test_the_roles_of_a_certificate_come_first_in_its_order() -> None:
    assert ["publisher", "subscriber", "gateway", "national"] == list(VIEWS["reference_kit"]("en", ON)["cases"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_requirement_and_every_rule_has_its_page_and_its_line_in_the_index(
    templates: Templates, language: Language
) -> None:
    """The anchors of the index are those to which reports of the kit link."""
    found = Anchors(rendered(templates, "reference", language))
    assert len(found.ids) == len(set(found.ids))
    assert set() == set(sentences()) - set(found.ids)
    expected = {*sentences(), *catalogue(), *reading_rules()}
    assert expected == set(pages_of_rules(language))
    below = "/reference/" if language == "fr" else "/en/reference/"
    assert {*sentences(), *catalogue()} <= {one.removeprefix(below) for one in found.targets}
    fields_page = Anchors(rendered(templates, "reference_fields", language))
    assert len(list(offer_fields())) == sum(one.startswith("field-") for one in fields_page.ids)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_in_its_language(templates: Templates, language: Language) -> None:
    for requirement in ("OFR-014", "FEED-001", "NAT-007"):
        text = re.sub("<[^>]+>", "", rendered(templates, requirement, language))
        sentence = str(coded(sentences()[requirement][language]))
        assert re.sub("<[^>]+>", "", sentence) in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", [*NAMES, "OFR-014", "expired", "weeks-unreadable"])
def test_a_page_is_small_and_its_links_lead_somewhere(
    site: Sequence[Page], templates: Templates, name: str, language: Language
) -> None:
    text = rendered(templates, name, language)
    style = assets()["passerelle.css"].compressed
    assert len(gzip.compress(text.encode())) + len(style) < MAX_BYTES
    own = Anchors(text)
    addresses = {path for page in site for path in page.paths.values()}
    served = set(openapi_document()["paths"])
    lists = {f"/v1/reference/{each}" for each in ("sectors", "regions", "departments", "calendar")}
    for target in own.targets:
        path, _, anchor = target.partition("#")
        rule = unquote(path.rpartition("/")[2]) in pages_of_rules(language)
        assert rule or path in {"", *addresses, *served, *lists}, target
        if not path:
            assert anchor in own.ids, target


def test_a_rule_is_below_its_requirement_with_its_remedy() -> None:
    for language in LANGUAGES:
        listed = [one for family in families(language).values() for one in family]
        found = {rule["code"]: (one["id"], rule) for one in listed for rule in one["rules"]}
        assert catalogue().keys() == found.keys()
        for code, rule in catalogue().items():
            requirement, entry = found[code]
            assert (rule.requirement, rule.severity, rule.status) == (requirement, entry["severity"], entry["status"])
            assert str(entry["remedy"])
            assert not re.search(r"\{\w+\}|\{\{", f"{entry['sentence']} {entry['consequence']} {entry['remedy']}"), code


def test_every_field_is_there_with_the_requirements_about_it() -> None:
    for language in LANGUAGES:
        assert [field.path for field in offer_fields()] == [entry.path for entry in fields(language)]
        [siret] = [entry for entry in fields(language) if entry.path == "employer.siret"]
        assert ["OFR-014"] == list(siret.requirements)
        assert not siret.required


def test_every_list_is_whole_and_counts_its_rows() -> None:
    for language in LANGUAGES:
        found = {one["name"]: one for one in list_views(language, "NAF")}
        for name in ("sectors", "regions", "departments", "academies"):
            assert len(reference(name)["items"]) == len(found[name]["rows"])
        assert schemas.schema("offer")["$defs"]["level"]["enum"] == [
            str(row[0]).removeprefix("<code>").removesuffix("</code>") for row in found["levels"]["rows"]
        ]
        assert all(len(one["heads"]) == len(row) for one in found.values() for row in one["rows"])
        by_code = {str(row[0]): row for row in found["sectors"]["rows"]}
        assert "16" in str(by_code["<code>s24</code>"][-1])
    assert len(sectors_by_naf()) > 700


def test_the_calendars_have_the_days_of_each_week_and_zone() -> None:
    for language in LANGUAGES:
        years = {year["name"]: year for year in school_years(language, ON)}
        assert [one["school_year"] for one in reference("calendar")["items"]] == sorted(years)
        year = years["2026-2027"]
        assert [
            ("2027-W24", date(2027, 6, 14), date(2027, 6, 18)),
            ("2027-W25", date(2027, 6, 21), date(2027, 6, 25)),
        ] == [(code, *days) for code, days in year["weeks"]]
        winter = year["holidays"]["vacances d’hiver" if language == "fr" else "winter holidays"]
        assert {"A": date(2027, 2, 13), "B": date(2027, 2, 20), "C": date(2027, 2, 6)} == {
            zone: span[0] for zone, span in winter.items()
        }
        assert ({}, None) == (years["2027-2028"]["holidays"], years["2027-2028"]["holidays_basis"])


def test_the_interfaces_are_those_of_the_contracts() -> None:
    for language in LANGUAGES:
        listed = [(one["method"], one["path"]) for subject in operations(language).values() for one in subject]
        paths = openapi_document()["paths"]
        known = [(method.upper(), path) for path, item in paths.items() for method in item if method != "parameters"]
        assert sorted(known) == sorted(listed)
    [publish] = [
        one for one in operations("fr")["publish"] if (one["method"], one["path"]) == ("PUT", "/v1/offers/{id}")
    ]
    assert ("Publier une offre, ou une nouvelle révision", ["offers:publish"]) == (
        publish["summary"],
        publish["scopes"],
    )
    assert {"inbox", "feed"} == set(topics())


def test_texts_of_the_catalogue_become_html() -> None:
    assert "<code>a&lt;b</code> &amp; c" == str(coded("`a<b` & c"))
    text = "«\u00a0<var>caractère</var>\u00a0» au caractère <var>position</var>."
    assert text == str(without_values("« {sign} » au caractère {place}.", "fr"))
    assert "non\u202f; <code>a ; b</code>\u00a0: oui" == str(coded("non ; `a ; b` : oui"))
    assert "<var>valeur</var> octets" == str(without_values("{actual} octets", "fr"))
    assert "(<code><var>mot-clé</var></code>)" == str(without_values("(`{keyword}`)", "fr"))
    assert "la forme {…}" == str(without_values("la forme {{…}}", "fr"))


def test_the_pages_have_an_address_each() -> None:
    assert {**PARTS, "reference_rule": RULE} == {page.name: page.paths for page in pages(lambda: 0)}


@pytest.mark.parametrize(
    ("query", "language", "expected"),
    [
        ("OFR-014", "fr", {"OFR-014"}),
        ("siret 14 chiffres", "fr", {"OFR-014", "siret-malformed"}),
        ("check digit siret", "en", {"OFR-014"}),
        ("url-malformed", "fr", {"url-malformed"}),
        ("zzzz", "fr", set()),
    ],
)
def test_rules_are_found_by_their_words(query: str, language: Language, expected: set[str]) -> None:
    found = {name for name, _ in search(query, language)[1]}
    assert expected <= found
    assert len(found) < 10


def test_fields_are_found_by_their_words() -> None:
    assert "employer.siret" in [field.path for field in search("SIRET établissement", "fr")[0]]


@pytest.mark.parametrize(
    ("on", "first", "when"),
    [
        (
            date(2026, 11, 28),
            ["2026-2027", "2027-2028", "2025-2026", "2024-2025"],
            ["current", "coming", "past", "past"],
        ),
        (date(2024, 1, 10), ["2023-2024", "2024-2025", "2025-2026"], ["current", "coming", "coming"]),
        (date(2031, 1, 1), ["2027-2028", "2026-2027"], ["past", "past"]),
    ],
)
def test_the_current_year_is_first_then_those_to_come_then_past_ones(
    on: date, first: list[str], when: list[str]
) -> None:
    found = school_years("fr", on)
    assert (first, when) == (
        [year["name"] for year in found][: len(first)],
        [year["when"] for year in found][: len(when)],
    )
    assert len(reference("calendar")["items"]) == len(found)


def test_the_sources_of_lists_are_in_the_language_of_the_page() -> None:
    for name in ("sectors", "regions", "departments", "academies"):
        french, english = (
            next(one["source"] for one in list_views(language, "NAF") if one["name"] == name) for language in LANGUAGES
        )
        assert reference(name)["source"].partition(";")[0] in english
        assert not re.search(r"\b(?:of|the|see|list|names|and|their)\b", french), french
        assert reference(name)["version"] in french


def test_what_most_readers_do_not_need_is_folded(templates: Templates) -> None:
    """Past school years, and the operations of operators; nothing is left out."""
    calendars = rendered(templates, "reference_calendars", "fr")
    open_part, _, folded = calendars.partition('<details class="more" id="past">')
    assert re.findall(r'<h2 id="y([\d-]+)">', open_part)[:2] == ["2026-2027", "2027-2028"]
    assert {"2025-2026", "2024-2025"} <= set(re.findall(r'<h2 id="y([\d-]+)">', folded))
    open_part, _, folded = rendered(templates, "reference_interfaces", "fr").partition(
        '<details class="more" id="operate">'
    )
    assert "PUT /v1/offers/{id}" in open_part
    assert "POST /v1/partners" not in open_part
    assert "POST /v1/partners" in folded
