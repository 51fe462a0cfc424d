"""Drafts: formats, items, evidence, ties, corrections, and the bounds for any sample."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.formats.field import FIELDS
from adapters.formats.inference.draft import MappingDraft, Sample, draft, read_sample, rehearse
from adapters.formats.inference.evidence import texts
from adapters.formats.inference.guess import ORDER, REQUIRED
from adapters.formats.inference.names import name_score, tokens, words
from adapters.formats.inference.sample import MAX_ITEMS, MAX_STATE_BYTES, close_json
from adapters.formats.item import OfferItem, judge
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.mapping_document import FORMATS
from adapters.formats.problem import UnusableFeedError
from adapters.formats.reading import read

pytestmark = pytest.mark.slow

ON = date(2026, 11, 24)


def item(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A sound item; a change to None removes a member."""
    whole = {
        "id": f"A-{number}",
        "titre": f"Découverte d'un atelier, groupe {number}",
        "description": f"Observer la fabrication d'un meuble, du dessin à la pose, avec l'équipe {number}.",
        "entreprise": "Atelier du Port",
        "cp": "35000",
        "ville": "Rennes",
        "niveau": "2de",
        "semaines": "2027-W24, 2027-W25",
        "secteur": "Artisanat d'art",
        "lien": f"https://stages.example/offres/{number}",
        **changes,
    }
    return {name: value for name, value in whole.items() if value is not None}


def items(count: int = 3, **changes: Any) -> list[dict[str, Any]]:
    return [item(number, **changes) for number in range(1, count + 1)]


def of(document: Any, **corrections: Any) -> MappingDraft:
    content = document if isinstance(document, bytes) else orjson.dumps(document)
    return draft(read_sample([content]), on=ON, corrections=corrections)


def paths(made: MappingDraft) -> dict[str, str]:
    return {name: one.path for name, one in made.guesses.items() if one.rule is not None}


def csv(rows: list[dict[str, Any]], separator: str) -> str:
    lines = [list(rows[0]), *([f'"{value}"' for value in row.values()] for row in rows)]
    return "".join(separator.join(line) + "\r\n" for line in lines)


def xml(rows: list[dict[str, Any]]) -> str:
    inner = "".join(
        "<offre>" + "".join(f"<{key}>{value}</{key}>" for key, value in row.items()) + "</offre>" for row in rows
    )
    return f"<flux><titre>Stages</titre><offres>{inner}</offres></flux>"


STYLES: Mapping[str, tuple[bytes, str, Mapping[str, Any]]] = {
    "array": (orjson.dumps(items()), "json", {}),
    "nested": (orjson.dumps({"meta": {"n": 3}, "data": {"offres": items()}}), "json", {"items": "data/offres"}),
    "lines": (b"\n".join(map(orjson.dumps, items())) + b"\n", "json", {"lines": True}),
    "lone": (orjson.dumps(item()), "json", {}),
    "keyed": (
        orjson.dumps({"offres": {one.pop("id"): one for one in items()}}),
        "json",
        {"items": "offres", "keyed": True},
    ),
    "xml": (xml(items()).encode(), "xml", {"items": "flux/offres/offre"}),
    "comma": (csv(items(), ",").encode(), "csv", {"separator": ","}),
    "tab": (csv(items(), "\t").encode("utf-16"), "csv", {"separator": "\t"}),
    "cp1252": (csv(items(), ";").encode("cp1252"), "csv", {"separator": ";", "encoding": "windows-1252"}),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_sample_of_each_style_becomes_a_mapping_that_publishes_its_offers(style: str) -> None:
    """[FMT-015]"""
    content, form, source = STYLES[style]
    made = of(content)
    assert (form, source, ()) == (made.form, made.sample.source, made.missing)
    assert set(REQUIRED) <= set(paths(made))
    mapping = load_mapping(made.form, made.mapping)
    assert isinstance(mapping, FeedMapping), mapping
    *found, _ = read([content], mapping, platform="essai", on=ON)
    offers = [one for one in found if isinstance(one, OfferItem)]
    assert (1 if style == "lone" else 3) == len(offers)
    assert all(judge(one, revision=1, on=ON).accepted for one in offers)


@pytest.mark.parametrize(("source", "inner"), [({}, "@graph"), ({"items": "data/liste"}, "data/liste")])
def test_postings_anywhere_in_a_json_document_are_of_the_ready_made_format(
    source: Mapping[str, Any], inner: str
) -> None:
    """[FMT-015]"""
    postings: Any = [
        {"@type": "JobPosting", "url": f"https://x.example/{number}", "title": f"Découverte {number}"}
        for number in range(3)
    ]
    for name in reversed(inner.split("/")):
        postings = {name: postings}
    made = of(postings)
    assert ("jobposting", source) == (made.form, made.sample.source)
    assert {"title": "title", "apply_url": "url"}.items() <= paths(made).items()


def test_each_guess_has_evidence_and_redacted_examples() -> None:
    """[FMT-015]"""
    text = "Observer la fabrication et écrire à jean@example.org ou au 02 99 00 00 01 pour plus de détails."
    made = of([item(number, description=f"{text} {number}") for number in range(5)])
    for one in made.guesses.values():
        assert (one.rule is None) == (not one.evidence)
        assert (one.rule is None) == (one.reason is not None)
        assert len(one.examples) <= 3
    whole = repr([made.guesses, made.paths])
    assert "jean@" not in whole
    assert "00 00 01" not in whole


@pytest.mark.parametrize("name", ["contact_nom", "tuteur", "email", "nom_du_responsable", "telephone"])
def test_values_about_persons_are_neither_mapped_nor_displayed(name: str) -> None:
    """[FMT-015]"""
    made = of([{**item(number), name: f"Camille {number}"} for number in range(3)])
    assert name not in paths(made).values()
    assert "Camille" not in repr([made.guesses, made.paths])


def test_equal_paths_are_a_tie_unless_their_values_are_equal() -> None:
    """[FMT-015]"""
    rows = [item(number, lien=None, lien_a=f"https://a.example/{number}") for number in range(3)]
    tied = of([{**row, "lien_b": f"https://b.example/{index}"} for index, row in enumerate(rows)])
    assert ({"lien_a", "lien_b"}, None) == (set(tied.guesses["apply_url"].tied), tied.guesses["apply_url"].rule)
    assert "apply_url" in tied.missing
    same = of([{**row, "lien_b": row["lien_a"]} for row in rows])
    assert "lien_a" == paths(same)["apply_url"]


def test_nothing_is_guessed_without_evidence() -> None:
    """[FMT-015]"""
    made = of([{"x1": f"abc {number}", "x2": number, "x3": "https://x.example", "x4": True} for number in range(4)])
    assert {} == paths(made)
    assert set(made.missing) == set(REQUIRED)


@pytest.mark.parametrize(
    ("changes", "field", "rule"),
    [
        ({"description": "<p>Observer &amp; comprendre le travail du bois.</p>"}, "description", {"html": True}),
        ({"description": "mot " * 500}, "description", {"cut": 1500}),
        ({"semaines": None, "debut": "2027-06-14", "fin": "2027-06-25"}, "weeks", {"join": ...}),
        ({"semaines": None, "debut": "06/14/2027", "fin": "06/25/2027"}, "weeks", {"join": ...}),
        ({"semaines": None, "debut": "14/06/2027", "duree_semaines": 2}, "weeks", {"join": ...}),
        ({"semaines": None, "debut": "14/06/2027", "duree_jours": 12}, "weeks", {"join": ...}),
        ({"semaines": None, "periodes": [{"du": "14/06/2027", "au": "25/06/2027"}]}, "weeks", {"join": ...}),
        (
            {"semaines": None, "periodes": [{"du": f"{day}/06/2027", "au": f"{day + 4}/06/2027"} for day in (14, 21)]},
            "weeks",
            {"each": "periodes"},
        ),
        ({"semaines": [{"annee": 2027, "numero": 24}, {"annee": 2027, "numero": 25}]}, "weeks", {"each": "semaines"}),
        ({"semaines": None, "annee": 2027, "semaine": 24}, "weeks", {"join": ...}),
        ({"niveau": None, "3e": "non", "2de": "oui"}, "levels", {"join": ...}),
        ({"cp": None, "ville": None, "lieu": "35000 Rennes"}, "location.postal_code", {"path": "lieu"}),
        ({"cp": None, "ville": None, "insee": "35238"}, "location.insee_commune", {"path": "insee"}),
        (
            {
                "lieux": [{"cp": "35000", "ville": "Rennes"}, {"cp": "44000", "ville": "Nantes"}],
                "cp": None,
                "ville": None,
            },
            "location.city",
            {"path": "lieux/#1/ville"},
        ),
        (
            {"lien": "https://clic.example/{n}?t=" + "x" * 200 + "&url=https%3A%2F%2Fstages.example%2F{n}"},
            "apply_url",
            {"take": {"parameter": "url"}, "unmatched": "keep"},
        ),
    ],
)
def test_rules_have_the_keys_that_the_values_need(
    changes: Mapping[str, Any], field: str, rule: Mapping[str, Any]
) -> None:
    """[FMT-015]: and the mapping publishes the offers."""
    rows = [
        item(
            n,
            **{
                key: value.replace("{n}", str(n)) if isinstance(value, str) else value for key, value in changes.items()
            },
        )
        for n in range(1, 4)
    ]
    made = of(rows)
    found = made.guesses[field].rule
    assert found is not None, made.guesses[field].reason
    for key, value in rule.items():
        assert key in found
        assert value is ... or value == found[key]
    mapping = load_mapping(made.form, made.mapping)
    assert isinstance(mapping, FeedMapping), mapping
    *offers, _ = read([orjson.dumps(rows)], mapping, platform="essai", on=ON)
    for one in offers:
        assert isinstance(one, OfferItem)
        verdict = judge(one, revision=1, on=ON)
        assert verdict.accepted, [problem.to_json() for problem in verdict.problems]
        assert "2027-W24" in one.document["weeks"]


@pytest.mark.parametrize(
    "noise",
    [
        {"date_publication": "2026-10-01"},
        {"date_creation": "01/10/2026", "date_maj": "02/10/2026"},
        {"url_image": "https://x.example/i.png", "logo": "https://x.example/l.png"},
        {"description_courte": "Observer un atelier pendant une semaine"},
        {"contact": {"nom": "Z", "ville": "Lyon", "cp": "69003", "email": "z@x.example"}},
        {"siege": {"cp": "75001", "ville": "Paris"}},
        {"nb_candidatures": 12, "places_restantes": 1},
        {"_links": {"self": {"href": "https://api.example/1"}}},
        {"type": "stage", "statut": "publié", "version": 3},
    ],
    ids=lambda noise: next(iter(noise)),
)
def test_fields_that_look_alike_change_nothing(noise: Mapping[str, Any]) -> None:
    """[FMT-015]"""
    assert paths(of(items())) == paths(of([{**one, **noise} for one in items()]))


def test_corrections_prevail_and_free_their_paths() -> None:
    """[FMT-015]"""
    rows = [{**one, "texte": one["description"]} for one in items()]
    whole = {"constant": ["seconde"]}
    made = of(rows, description="texte", sector=None, levels=whole, weeks="semaines")
    assert ("texte", 1.0) == (made.guesses["description"].path, made.guesses["description"].score)
    assert (None, whole) == (made.guesses["sector"].rule, made.mapping["fields"]["levels"])
    assert "sector" in made.missing
    assert "niveau" not in paths(made).values()


def test_the_paths_of_a_tie_and_of_a_correction_go_to_no_other_field() -> None:
    """[FMT-015]"""
    rows = [
        {
            **item(number, id=None, lien=None),
            "lien_a": f"https://a.example/{number}",
            "lien_b": f"https://b.example/{number}",
        }
        for number in range(3)
    ]
    assert {"lien_a", "lien_b"}.isdisjoint(paths(of(rows)).values())
    chosen = of(rows, apply_url="lien_b")
    assert "lien_b" not in [path for name, path in paths(chosen).items() if name != "apply_url"]
    assert {"lien_a", "lien_b"} == {option.path for option in chosen.guesses["apply_url"].options}


def test_the_parts_of_an_address_share_its_column() -> None:
    """Choosing it for the street, too, takes neither the postal code nor the locality from it."""
    towns = (("12 rue Pasteur", "29000 Quimper"), ("3 place Hoche", "35000 Rennes"), ("8 quai Nord", "56100 Lorient"))
    items = [{"id": str(number), "ou": f"{street}, {town}"} for number, (street, town) in enumerate(towns)]
    before, after = of(items), of(items, **{"location.street": "ou"})
    names = ("location.postal_code", "location.city")
    assert ["ou", "ou"] == [before.guesses[name].path for name in names]
    assert ["ou", "ou", "ou"] == [after.guesses[name].path for name in (*names, "location.street")]


def test_a_pair_of_paths_can_be_chosen_as_the_options_name_it() -> None:
    """[FMT-015]"""
    dates = {"debut": "2027-06-14", "fin": "2027-06-18"}
    rows = [{**one, **dates} for one in items()]
    free = of(rows).guesses["weeks"]
    assert ("semaines", "debut + fin") == (free.path, free.options[1].path)
    made = of(rows, weeks="debut + fin")
    assert {"parts": [{"path": "debut"}, {"path": "fin"}], "with": " - "} == made.mapping["fields"]["weeks"]["join"]


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%Y-%m-%d", "%m/%d/%Y", "%Y%m%d"])
@pytest.mark.parametrize("side", ["debut", "fin"])
def test_one_unreadable_day_among_others_hides_no_path_and_its_offer_is_refused(form: str, side: str) -> None:
    """[FMT-009] The other offers keep their weeks."""
    days = {"debut": date(2027, 6, 14).strftime(form), "fin": date(2027, 6, 25).strftime(form)}
    rows = [item(number, semaines=None, **days) for number in range(1, 5)]
    rows[2][side] = "bientôt"
    made = of(rows)
    assert "debut + fin" == made.guesses["weeks"].path
    mapping, lines = rehearse(made)
    assert isinstance(mapping, FeedMapping)
    offers = [one for one in read(lines, mapping, platform="essai", on=ON) if isinstance(one, OfferItem)]
    assert [[], [], ["weeks-unreadable" if form in ("%d/%m/%Y", "%Y-%m-%d") else "date-unreadable"], []] == [
        [one.code for one in offer.problems if one.severity == "error"] for offer in offers
    ]


def test_another_list_of_items_can_be_named() -> None:
    """[FMT-015]"""
    content = orjson.dumps({"offres": items(), "archives": items(2)})
    chosen = read_sample([content])
    assert ("offres", ("archives",)) == (chosen.source["items"], tuple(one for one in chosen.others if one))
    assert "archives" == read_sample([content], items="archives").source["items"]


def test_a_sample_survives_as_json() -> None:
    """[FMT-015]"""
    sample = read_sample([orjson.dumps(items())])
    again = Sample.from_json(json.loads(json.dumps(asdict(sample))))
    assert draft(sample, on=ON).mapping == draft(again, on=ON).mapping


def test_a_column_of_states_is_noted() -> None:
    """[FMT-015]"""
    made = of(
        [{**one, "statut": state} for one, state in zip(items(), ("en ligne", "brouillon", "en ligne"), strict=True)]
    )
    assert any("statut" in note and "brouillon" in note for note in made.notes)


@pytest.mark.parametrize("time", ["2026-11-0{}T10:00:00Z", "2026-11-0{}", "0{}/11/2026 10:00"])
def test_a_time_of_publication_is_no_column_of_states(time: str) -> None:
    """[FMT-015]"""
    made = of([{**one, "published_at": time.format(1 + number % 2)} for number, one in enumerate(items())])
    assert not any("published_at" in note for note in made.notes)


@pytest.mark.parametrize(
    "content",
    [
        orjson.dumps(items(400)),
        orjson.dumps([item(number, description="mot " * 50_000) for number in range(60)]),
        csv(items(400), ";").encode() * 3,
        xml(items(3000)).encode(),
        orjson.dumps({"a": {"b": items(6000)}}),
    ],
    ids=["many", "long", "csv", "xml", "cut"],
)
def test_a_sample_keeps_few_items_and_a_bounded_state(content: bytes) -> None:
    """[FMT-015]"""
    sample = read_sample([content])
    assert 1 <= len(sample.items) <= MAX_ITEMS
    assert len(orjson.dumps(sample.items)) <= MAX_STATE_BYTES
    assert set(REQUIRED) <= set(paths(draft(sample, on=ON)))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "feed-empty"),
        (b"\0\1\2", "feed-not-text"),
        (b"[]", "items-not-found"),
        (b"{}", "items-not-found"),
        (b"bonjour", "items-not-found"),
        (b"<!doctype html><p>Bonjour</p>", "feed-is-html"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a><b>&x;</b></a>", "feed-doctype"),
        (b"<a>" * 5000, "feed-malformed"),
        (b"[" * 5000, "feed-cut"),
    ],
)
def test_what_is_no_sample_is_named(content: bytes, code: str) -> None:
    """[FMT-002]"""
    with pytest.raises(UnusableFeedError) as caught:
        read_sample([content])
    assert code == caught.value.problem.code


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"suite":', "}")])
@pytest.mark.parametrize("levels", [60, 200, 500, 1000])
@pytest.mark.parametrize("style", ["json", "keyed", "lines", "jobposting", "page"])
def test_values_nested_too_deeply_are_no_paths(style: str, levels: int, opening: str, closing: str) -> None:
    """[FMT-015] [T-31]: a sample of a few kilobytes cannot exhaust the stack."""
    deep = opening * levels + "1" + closing * levels
    one = f'{{"@type": "JobPosting", "title": "Stage", "suite": {deep}}}'
    text = {
        "json": f"[{one}, {one}]",
        "keyed": f'{{"a": {one}, "b": {one}}}',
        "lines": f"{one}\n{one}\n",
        "jobposting": f'{{"@context": "https://schema.org", "@graph": [{one}]}}',
        "page": f'<html><script type="application/ld+json">{one}</script></html>',
    }[style]
    try:
        made = of(text.encode())
        rehearse(made)
    except UnusableFeedError as error:
        found = {error.problem.code}
    else:
        found = {one.path for one in made.paths}
    assert found & {"title", "items-not-found", "feed-malformed"}


SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200) | TREES.map(orjson.dumps) | st.text(max_size=200).map(str.encode))
def test_no_sample_raises_anything_else(content: bytes) -> None:
    """[FMT-006]"""
    try:
        made = of(content)
    except UnusableFeedError:
        return
    if "id" in made.mapping:
        assert isinstance(load_mapping(made.form, made.mapping), FeedMapping)


@given(TREES)
def test_json_that_is_cut_is_closed_after_a_whole_value(tree: Any) -> None:
    """[FMT-015]"""
    text = json.dumps([tree, {"a": 1}, tree])
    end = text.index("}", text.index('{"a": 1')) + 1
    assert isinstance(json.loads(close_json(text[:end] + ', "')), list)


def test_the_words_name_fields_that_exist_and_all_forms_are_known() -> None:
    """[FMT-015]"""
    assert set(words()["fields"]) <= {"id", *FIELDS}
    assert set(REQUIRED) <= set(ORDER) == {"id", *FIELDS}
    assert {"kinds", "evidence", "reasons", "notes", "confidence"} == set(texts())
    assert {made.form for made in map(of, (content for content, _, _ in STYLES.values()))} <= set(FORMATS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("codePostal", ("code", "postal")),
        ("codepostal", ("code", "postal")),
        ("CODE_POSTAL", ("code", "postal")),
        ("st:code-postal", ("code", "postal")),
        ("@URLCandidature", ("url", "candidature")),
        ("N° de l'offre", ("numero", "offre")),
        ("Où ?", ("ou",)),
        ("du", ("du",)),
        ("recordid", ("record", "id")),
    ],
)
def test_names_are_split_into_words(name: str, expected: tuple[str, ...]) -> None:
    """[FMT-015]"""
    assert expected == tokens(name)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        (("titre", "rendered"), "title"),
        (("company", "description"), "employer.description"),
        (("hiringOrganization", "name"), "employer.name"),
        (("lieu", "@cp"), "location.postal_code"),
        (("secteur", "libelle"), "sector"),
        (("links", "apply"), "apply_url"),
        (("nb_places",), "seats"),
        (("pour qui ?",), "levels"),
    ],
)
def test_a_path_is_best_for_its_field(path: tuple[str, ...], field: str) -> None:
    """[FMT-015]"""
    assert field == max(words()["fields"], key=lambda one: name_score(one, path))


def test_a_few_impossible_days_are_dates_all_the_same() -> None:
    """[FMT-015]: the offers with them are refused; the guess is weaker, and says so by its confidence."""
    days = [("2027-06-14", last) for last in ("2027-06-25", "2027-06-31", "2027-06-18", "2027-06-25")]
    dated = [item(number, semaines=None, debut=first, fin=last) for number, (first, last) in enumerate(days)]
    assert "debut + fin" == of(dated).guesses["weeks"].path
    sound = of([one for one in dated if one["fin"] != "2027-06-31"]).guesses["weeks"]
    assert of(dated).guesses["weeks"].score < sound.score
    assert of([{**one, "fin": "2027-06-31"} for one in dated]).guesses["weeks"].path != "debut + fin"


SOUND = ["73282932000074", "55208131766522", "35600000000048", "35600000049837"]
"""Two with Luhn's check digits, La Poste's head office, and an establishment of it: a digit sum divisible by 5."""
BROKEN = "73282932000075"


@pytest.mark.parametrize(
    ("values", "confidence", "right"),
    [
        (SOUND, "certain", "4 sur 4"),
        ([*SOUND[:3], BROKEN], "likely", "3 sur 4"),
        ([BROKEN] * 3 + SOUND[:1], "verify", "1 sur 4"),
        ([BROKEN, "12345678901234", "98765432109876", "35600000000049"], "verify", "0 sur 4"),
    ],
)
def test_a_siret_is_certain_only_with_right_check_digits(values: list[str], confidence: str, right: str) -> None:
    made = of([item(number, siret=value) for number, value in enumerate(values)]).guesses["employer.siret"]
    assert ("siret", confidence) == (made.path, made.confidence)
    assert any(f"SIRET\u00a0: {right}" in texts["fr"] for texts in (one.texts for one in made.evidence))


@pytest.mark.parametrize(("letter", "certain"), [("L", True), ("A", False)])
def test_schools_are_certain_only_with_the_right_check_letter(letter: str, certain: bool) -> None:  # noqa: FBT001
    made = of(items(4, uai=f"0350001{letter}")).guesses["restrictions.schools"]
    assert certain == (made.confidence == "certain")


def test_seats_are_recognised_with_a_word_for_them() -> None:
    made = of([item(number, places=f"{number} places") for number in (1, 2, 3)])
    assert "places" == made.guesses["seats"].path
    assert "certain" == made.guesses["seats"].confidence
