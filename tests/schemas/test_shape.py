"""The shape of an offer: what is required, what is refused, both sides of every limit (OFR-003 to OFR-017)."""

from typing import Any

import pytest

from tests.schemas.documents import changed, check, codes, errors, found


def test_a_sound_offer_has_no_problem() -> None:
    """OFR-038"""
    verdict = check(changed())
    assert (verdict.accepted, verdict.problems) == (True, ())
    assert (verdict.id, verdict.revision) == ("bretagne:S-2027-000123", 1764000000000)
    assert verdict.document == changed()
    assert verdict.territory == {"department": "29", "region": "53", "academie": "rennes"}
    assert (verdict.expires_on, verdict.withdrawal) == ("2027-06-27", None)


LIMITS: list[tuple[str, Any, Any, str]] = [
    ("title", "x" * 150, "x" * 151, "too-long"),
    ("description", "x" * 1500, "x" * 1501, "too-long"),
    ("employer.name", "x" * 150, "x" * 151, "too-long"),
    ("employer.description", "x" * 275, "x" * 276, "too-long"),
    ("employer.website", "https://a.fr/" + "x" * 547, "https://a.fr/" + "x" * 548, "too-long"),
    ("location.street", "x" * 200, "x" * 201, "too-long"),
    ("schedule.lunch_break", "x" * 250, "x" * 251, "too-long"),
    ("apply_url", "https://a.fr/" + "x" * 187, "https://a.fr/" + "x" * 188, "too-long"),
    ("source_id", "x" * 120, "x" * 121, "too-long"),
    ("national_remote_id", "x" * 60, "x" * 61, "too-long"),
    ("title", "😀" * 150, "😀" * 151, "too-long"),
    ("id", "a:" + "x" * 60, "a:" + "x" * 61, "id-malformed"),
    ("id", "a" * 40 + ":x", "a" * 41 + ":x", "id-malformed"),
    ("revision", 1, 0, "out-of-range"),
    ("revision", 2**53 - 1, 2**53, "out-of-range"),
    ("seats", 1, 0, "out-of-range"),
    ("seats", 6000, 6001, "out-of-range"),
    ("stay_weeks", 1, 0, "out-of-range"),
    ("stay_weeks", 2, 3, "out-of-range"),
    ("levels", ["seconde"], [], "too-few"),
    ("weeks", ["2027-W24", "2027-W25"], [], "too-few"),
    ("restrictions.schools", ["0750655E"], [], "too-few"),
    ("extensions", {"bretagne": None}, {}, "too-few"),
    (
        "restrictions.schools",
        [f"{n:07}{'ABCDEFGHJKLMNPRSTUVWXYZ'[n % 23]}" for n in range(200)],
        [f"{n:07}{'ABCDEFGHJKLMNPRSTUVWXYZ'[n % 23]}" for n in range(201)],
        "too-many",
    ),
    ("extensions", {f"a{n}": 1 for n in range(20)}, {f"a{n}": 1 for n in range(21)}, "too-many"),
    ("extensions", {"a": "x" * 3992}, {"a": "x" * 3993}, "extensions-too-large"),
    ("extensions", {"a" * 40: 1}, {"a" * 41: 1}, "extension-key"),
    (
        "schedule.monday",
        {"start": "09:00", "end": "17:00", "break_minutes": 300},
        {"start": "09:00", "end": "17:00", "break_minutes": 301},
        "out-of-range",
    ),
    ("rome", {"code": "A1101", "version": "4"}, {"code": "Z1101", "version": "4"}, "rome-malformed"),
    ("rome", {"code": "N4403", "version": "4.2"}, {"code": "N4403", "version": "four"}, "rome-malformed"),
    ("expires_on", "2027-06-27", "2027-06-31", "date-malformed"),
    ("expires_on", "2027-06-01", "2027-6-1", "date-malformed"),
    ("accessibility", "yes", "Yes", "not-in-list"),
    ("sector", "s51", "s52", "not-in-list"),
    ("sector", "s1", "s01", "not-in-list"),
    ("employer.naf", "62.01Z", "6201Z", "naf-malformed"),
    ("employer.siret", "73282932000074", "732 829 320 00074", "siret-malformed"),
    ("employer.siret", "73282932000074", "7328293200007", "siret-malformed"),
    ("location.insee_commune", "29117", "2A17", "insee-malformed"),
    ("location.postal_code", "29870", "29 870", "postal-code-malformed"),
]


@pytest.mark.parametrize(("field", "allowed", "refused", "code"), LIMITS)
def test_both_sides_of_each_limit(field: str, allowed: Any, refused: Any, code: str) -> None:
    """OFR-005, OFR-006, OFR-007, OFR-008, OFR-014, OFR-015, OFR-017, OFR-036, OFR-037, OFR-040, IDN-001"""
    assert errors(check(changed({field: allowed}))) == []
    assert code in {name for name, _ in errors(check(changed({field: refused})))}


def test_a_city_has_at_most_fifty_characters() -> None:
    """OFR-006"""
    assert "too-long" not in codes(check(changed({"location.city": "x" * 50})))
    assert ("too-long", "/location/city") in errors(check(changed({"location.city": "x" * 51})))


@pytest.mark.parametrize(
    ("field", "pointer", "hint"),
    [
        ("titel", "/titel", "title"),
        ("Title", "/Title", "title"),
        ("apply-url", "/apply-url", "apply_url"),
        ("zipcode", "/zipcode", "location.postal_code"),
        ("siret", "/siret", "employer.siret"),
        ("grades", "/grades", "levels"),
        ("permalink", "/permalink", "apply_url"),
        ("employer.sirett", "/employer/sirett", "siret"),
        ("employer.city", "/employer/city", "location.city"),
        ("location.zip_code", "/location/zip_code", "postal_code"),
        ("schedule.mondy", "/schedule/mondy", "monday"),
        ("redistribution.nationale", "/redistribution/nationale", "national"),
    ],
)
def test_a_misspelt_field_is_refused_with_the_nearest_name(field: str, pointer: str, hint: str) -> None:
    """OFR-003"""
    verdict = check(changed({field: "x"}))
    assert errors(verdict) == [("field-misnamed", pointer)]
    assert verdict.problems[0].expected == hint


@pytest.mark.parametrize("field", ["contact", "phone", "x" * 5000, "provenance", "employer.e~mail/x"])
def test_an_unknown_field_is_refused(field: str) -> None:
    """OFR-003"""
    verdict = check(changed({field: "x"}))
    assert [code for code, _ in errors(verdict)] == ["field-unknown"]
    assert len(verdict.problems[0].pointer) < 100


def test_pointers_escape_slashes_and_tildes() -> None:
    assert found(check(changed({"employer.a~b/c": 1}))) == [("field-unknown", "/employer/a~0b~1c")]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("title", 7, "wrong-type"),
        ("title", None, "wrong-type"),
        ("employer", [], "wrong-type"),
        ("weeks", "2027-W24", "wrong-type"),
        ("revision", "7", "wrong-type"),
        ("revision", True, "wrong-type"),
        ("seats", 1.5, "not-whole"),
        ("employer.public", "false", "wrong-type"),
        ("location.latitude", "48.5", "wrong-type"),
        ("location.postal_code", 29870, "code-as-number"),
        ("location.insee_commune", 29117, "code-as-number"),
        ("employer.siret", 73282932000074, "code-as-number"),
        ("schedule", {"monday": {"start": 540, "end": "17:00"}}, "wrong-type"),
    ],
)
def test_a_wrong_type_is_one_problem(field: str, value: Any, code: str) -> None:
    """OFR-005"""
    verdict = check(changed({field: value}))
    assert [name for name, _ in errors(verdict)] == [code]


@pytest.mark.parametrize("field", ["levels", "weeks"])
def test_repeated_items_are_refused(field: str) -> None:
    """OFR-009, OFR-022"""
    items = changed()[field]
    assert errors(check(changed({field: [*items, items[0]]}))) == [("repeated-item", f"/{field}")]


def test_only_three_levels_exist() -> None:
    """OFR-022, OFR-008"""
    assert errors(check(changed(levels=["quatrieme", "troisieme", "seconde"], stay_weeks=1))) == []
    assert errors(check(changed(levels=["premiere"]))) == [("not-in-list", "/levels/0")]


def test_a_sector_is_one_of_the_fifty_one() -> None:
    """OFR-028"""
    assert all(check(changed(sector=f"s{number}")).accepted for number in range(1, 52))
    assert [errors(check(changed(sector=code))) for code in ("s0", "s52", "S24")] == [[("not-in-list", "/sector")]] * 3


TEXTS = ["title", "description", "employer.name", "employer.description", "location.street", "location.city"]
TEXTS_AND_LUNCH = [*TEXTS, "schedule.lunch_break"]
LINES = ["title", "employer.name", "location.street", "location.city"]


@pytest.mark.parametrize("field", TEXTS_AND_LUNCH)
@pytest.mark.parametrize(
    "markup",
    ["<b>gras</b>", "avant<br/>", "</p>", "<!-- x -->", "<?php", "R&amp;D", "l&#39;été", "&#xE9;t", "a&nbsp;b"],
)
def test_html_is_refused_in_every_text(field: str, markup: str) -> None:
    """OFR-010"""
    pointer = "/" + field.replace(".", "/")
    assert ("text-markup", pointer) in errors(check(changed({field: markup})))


@pytest.mark.parametrize("text", ["moins de < 5 élèves", "R&D et AT&T", "3 < 5 > 2", "Q&R ; suite", "a & b;"])
def test_signs_that_are_not_html_are_text(text: str) -> None:
    """OFR-010"""
    assert errors(check(changed(description=text))) == []


@pytest.mark.parametrize("field", TEXTS_AND_LUNCH)
@pytest.mark.parametrize(
    "sign", ["\x00", "\t", "\r", "\x1b", "\x7f", "\x85", "\x9f", "\u2028", "\u202e", "\u2066", "\ufeff"]
)
def test_control_characters_are_refused_in_every_text(field: str, sign: str) -> None:
    """OFR-011"""
    verdict = check(changed({field: f"Ren{sign}nes"}))
    pointer = "/" + field.replace(".", "/")
    assert ("text-control", pointer) in errors(verdict)
    message = next(trouble for trouble in verdict.problems if trouble.code == "text-control").to_json()["message"]
    assert f"U+{ord(sign):04X}" in message["en"]
    assert "character 4" in message["en"]


def test_line_feeds_are_for_long_texts_only() -> None:
    """OFR-011"""
    for field in TEXTS_AND_LUNCH:
        verdict = check(changed({field: "une\nautre\n"}))
        expected = [("text-line-feed", "/" + field.replace(".", "/"))] if field in LINES else []
        assert errors(verdict) == expected


@pytest.mark.parametrize("field", TEXTS_AND_LUNCH)
def test_accents_apart_from_their_letters_are_refused(field: str) -> None:
    """OFR-012"""
    pointer = "/" + field.replace(".", "/")
    assert errors(check(changed({field: "e\u0301te\u0301"}))) == [("text-not-nfc", pointer)]
    assert errors(check(changed({field: "été, œuvre, l’atelier – 5 € « ici » 😀"}))) == []


def test_accents_apart_are_found_beside_other_errors() -> None:
    """OFR-012, OFR-038"""
    assert errors(check(changed(title="e\u0301te\u0301", seats=0))) == [
        ("out-of-range", "/seats"),
        ("text-not-nfc", "/title"),
    ]


@pytest.mark.parametrize("field", TEXTS_AND_LUNCH)
@pytest.mark.parametrize("blank", ["", " ", "\u00a0\u202f", "\u200b"])
def test_blank_texts_are_refused(field: str, blank: str) -> None:
    """OFR-013"""
    assert ("text-blank", "/" + field.replace(".", "/")) in errors(check(changed({field: blank})))


@pytest.mark.parametrize("field", ["apply_url", "employer.website"])
@pytest.mark.parametrize(
    "address",
    [
        "https://a.fr",
        "https://A.FR/",
        "https://a.fr:443/x",
        "https://a.fr:65535/x",
        "https://xn--caf-dma.fr/",
        "https://a-b.c.bzh/p/%C3%A9?x=1&y=[2]".replace("[2]", "2"),
        "https://a.fr?x#y/z?",
        "https://a.fr/~(x)!$&'*+,;=:@",
    ],
)
def test_https_addresses_of_public_hosts_are_taken(field: str, address: str) -> None:
    """OFR-016"""
    assert errors(check(changed({field: address}))) == []


@pytest.mark.parametrize("field", ["apply_url", "employer.website"])
@pytest.mark.parametrize(
    "address",
    [
        "",
        "a.fr",
        "http://a.fr",
        "HTTPS://a.fr",
        "ftp://a.fr",
        "https://",
        "https://localhost",
        "https://intranet/x",
        "https://192.168.0.1/",
        "https://8.8.8.8/",
        "https://127.1/",
        "https://0x7f.0.0.0x1/",
        "https://2130706433/",
        "https://[::1]/",
        "https://u:p@a.fr/",
        "https://u@a.fr/",
        "https://a.fr:0/",
        "https://a.fr:/",
        "https://a.fr:99999/",
        "https://a.fr:65536/",
        "https://a.fr:0443/",
        "https://a.fr/é",
        "https://été.fr/",
        "https://a.fr/ x",
        "https://a.fr/%zz",
        "https://a.fr/<x>",
        "https://a.fr/\n",
        "https://a.fr\n",
        "https://-a.fr/",
        "https://a..fr/",
        "https://a.fr\\@b.fr/",
        " https://a.fr/",
        "javascript:alert(1)",
    ],
)
def test_other_addresses_are_refused(field: str, address: str) -> None:
    """OFR-016"""
    assert errors(check(changed({field: address}))) == [("url-malformed", "/" + field.replace(".", "/"))]


@pytest.mark.parametrize(
    "host", ["pc.local", "a.LOCALHOST", "x.internal", "srv.lan", "x.corp", "nas.home.arpa", "a.invalid"]
)
def test_private_hosts_are_refused(host: str) -> None:
    """OFR-016"""
    for address in (f"https://{host}", f"https://{host}:443/x", f"https://{host}?x"):
        assert errors(check(changed(apply_url=address))) == [("url-private", "/apply_url")]
    assert errors(check(changed(apply_url=f"https://a.fr/{host}"))) == []


@pytest.mark.parametrize(
    "offer_id",
    [
        "",
        "bretagne",
        "bretagne:",
        ":x",
        "Bretagne:x",
        "bretagne:é",
        "bretagne:a b",
        "bretagne:a/b",
        "bretagne:a%2fb",
        "-a:x",
        "a--b:x",
        "a-:x",
        "1a:x",
        "gateway:x",
        "bretagne:x\n",
        "bretagne:x:y",
        "bretagne:\u0660",
    ],
)
def test_malformed_ids_are_refused_and_not_repeated_as_ids(offer_id: str) -> None:
    """IDN-001"""
    verdict = check(changed(id=offer_id))
    assert errors(verdict) == [("id-malformed", "/id")]
    assert (verdict.id, verdict.revision) == (None, 1764000000000)


@pytest.mark.parametrize("offer_id", ["a:x", "a1-b2:.", "bretagne:S_2027~1.b-c", "gateway-x:1", "pays-de-la-loire:0"])
def test_well_formed_ids_are_taken(offer_id: str) -> None:
    """IDN-001"""
    assert check(changed(id=offer_id)).id == offer_id


@pytest.mark.parametrize("text", ["a b", "é", "a@b.fr", "a\n", ""])
def test_ids_of_others_are_visible_ascii(text: str) -> None:
    """OFR-037"""
    for field in ("source_id", "national_remote_id"):
        assert "foreign-id-malformed" in codes(check(changed({field: text})))
        assert errors(check(changed({field: "Réf".replace("é", "e") + ":/#12~x"}))) == []


def test_all_problems_come_at_once_errors_first() -> None:
    """OFR-038"""
    verdict = check(
        changed(
            {"employer.siret": "73282932000075", "location.latitude": 0, "location.longitude": 0, "titel": "x"},
            weeks=["2027-W9"],
            apply_url="http://a.fr",
            description="Écrire à jean@exemple.fr",
            restrictions={"schools": ["0750655A"]},
        )
    )
    severities = [trouble.severity for trouble in verdict.problems]
    assert severities == sorted(severities)
    assert {
        "siret-checksum",
        "coordinates-null-island",
        "field-misnamed",
        "week-malformed",
        "url-malformed",
        "uai-checksum",
        "personal-data",
        "not-deliverable:reserved-schools",
    } == codes(verdict)


def test_thousands_of_errors_are_capped() -> None:
    """OFR-038"""
    for many in (
        {f"field{number}": number for number in range(3000)},
        {"extensions": {"-" * 70 + str(n): n for n in range(600)}},
    ):
        verdict = check(changed(many, weeks=7, levels={}, location="", employer=0, schedule=[], apply_url=None))
        assert len(verdict.problems) <= 101
        assert "more-problems" in codes(verdict)
    assert not check(changed(weeks=[{}] * 20_000)).accepted
    assert "too-many" in codes(check(changed(weeks=[{}] * 20_000)))
    assert next(t for t in check(changed(weeks=[{}] * 20_000)).problems if t.code == "too-many").actual == 20_000


def test_what_is_shown_is_short_and_holds_no_personal_data() -> None:
    """OFR-034, OFR-038"""
    verdict = check(
        changed(
            {"jean.dupont@exemple.fr": 1},
            sector="x" * 1000,
            accessibility="appelez le 06 12 34 56 78",
            id="jean.dupont@exemple.fr",
            extensions={"jean.dupont@exemple.fr": 1},
        )
    )
    written = str([trouble.to_json() for trouble in verdict.problems])
    assert "exemple.fr" not in written
    assert "34 56" not in written
    assert max(len(str(trouble.actual)) for trouble in verdict.problems) <= 80
