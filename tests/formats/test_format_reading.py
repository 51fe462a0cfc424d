"""Every reading ends in one result, every item is accounted for, and one bad item hides no other."""

from collections.abc import Iterator

import pytest

from adapters.formats.item import (
    FEED_ITEMS,
    BrokenItem,
    FeedComplete,
    FeedUnusable,
    ItemPosition,
    OfferItem,
    PassedItem,
    judge,
)
from schemas.registry import _fast
from schemas.rulebook import reading_rules
from tests.formats.feeds import FORMS, ON, codes, flat, items, load, offers, only, row, unusable, written

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("form", FORMS)
def test_a_sound_item_becomes_an_offer_that_the_verdict_accepts(form: str) -> None:
    """[FMT-001]"""
    offer = only(written(form, [row()]), flat(form))
    assert {
        "id": "bretagne:S-1",
        "title": "Découverte d'un atelier",
        "description": "Observer la fabrication d'un meuble.",
        "employer": {"name": "Atelier du Port"},
        "location": {"postal_code": "35000", "city": "Rennes"},
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "sector": "s5",
        "apply_url": "https://stages.ideo.bretagne.bzh/offres/1",
    } == offer.document
    assert () == offer.problems
    verdict = judge(offer, revision=7, on=ON)
    assert (True, "bretagne:S-1", 7) == (verdict.accepted, verdict.id, verdict.revision)


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_reads_the_same_however_its_bytes_arrive(form: str) -> None:
    """[FMT-001]"""
    content = written(form, [row(number) for number in range(3)])
    whole = items(content, flat(form))
    assert whole == items([content[at : at + 1] for at in range(len(content))], flat(form))
    assert whole == items([b"", content[:50], b"", content[50:], b""], flat(form))
    assert FeedComplete(3) == whole[-1]


@pytest.mark.parametrize("form", FORMS)
def test_items_have_their_number_and_line(form: str) -> None:
    """[FMT-006]"""
    found = offers(written(form, [row(1), row(2)]), flat(form))
    lines = {"xml": (2, 13), "csv": (2, 3), "json": (1, 1)}[form]
    assert [ItemPosition(0, lines[0]), ItemPosition(1, lines[1])] == [offer.position for offer in found]
    assert f"1 (l. {lines[1]})" == str(found[1].position)


@pytest.mark.parametrize("form", FORMS)
def test_an_item_without_id_is_reported_and_hides_no_other(form: str) -> None:
    """[FMT-006] [FMT-007]"""
    first, second, end = items(written(form, [row(1, id=" "), row(2)]), flat(form))
    assert isinstance(first, BrokenItem)
    assert (None, ["id-missing"]) == (first.id, codes(first))
    assert isinstance(second, OfferItem)
    assert FeedComplete(2) == end


@pytest.mark.parametrize("form", FORMS)
def test_items_that_the_conditions_leave_out_are_passed_over_by_name(form: str) -> None:
    """[FMT-006]"""
    mapping = flat(form, only=[{"path": "sector", "in": ["S5"]}, {"path": ["none", "city"], "in": ["rennes"]}])
    if form == "csv":
        content = written(form, [row(1, none=""), row(2, sector="s9", none="")])
    else:
        content = written(form, [row(1), row(2, sector="s9")])
    first, second, end = items(content, mapping)
    assert isinstance(first, OfferItem)
    assert isinstance(second, PassedItem)
    assert PassedItem(ItemPosition(1, second.position.line), "bretagne:S-2") == second
    assert FeedComplete(2) == end


@pytest.mark.parametrize("form", FORMS)
def test_a_feed_without_items_is_whole_and_says_so(form: str) -> None:
    """[FMT-002]"""
    empty = {"xml": b"<offers>\n</offers>", "json": b" [ ] ", "csv": written("csv", [row()]).splitlines()[0]}[form]
    [end] = items(empty, flat(form))
    assert isinstance(end, FeedComplete)
    assert (0, ["feed-without-items"]) == (end.count, codes(end))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("content", [b"", b"  \n\r\n ", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_an_empty_feed_changes_nothing(form: str, content: bytes) -> None:
    """[FMT-002]"""
    assert "feed-empty" == unusable(content, flat(form))


PAGE = b"<!DOCTYPE html>\n<html><head><title>503</title></head><body><h1>Service indisponible</h1></body></html>"


@pytest.mark.parametrize("form", [*FORMS, "cleverconnect"])
@pytest.mark.parametrize("page", [PAGE, b"\n  <HTML lang='fr'><body>Connexion</body></HTML>", b"\xef\xbb\xbf" + PAGE])
def test_an_error_page_instead_of_a_feed_changes_nothing(form: str, page: bytes) -> None:
    """[FMT-002]"""
    assert "feed-is-html" == unusable(page, load(form) if form == "cleverconnect" else flat(form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x1f\x8b\x08\x00\x00", "gzip"),
        (b"PK\x03\x04\x14\x00", "zip, xlsx"),
        (b"%PDF-1.7", "pdf"),
        (b"\xd0\xcf\x11\xe0\xa1", "xls"),
        (b"id;title\x00", "NUL"),
    ],
)
def test_a_feed_that_is_no_text_changes_nothing_and_is_named(form: str, content: bytes, kind: str) -> None:
    """[FMT-002]"""
    [end] = items(content, flat(form))
    assert isinstance(end, FeedUnusable)
    assert ("feed-not-text", kind) == (end.problems[0].code, end.problems[0].actual)


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_feed_ends_as_unusable_after_its_complete_items(form: str) -> None:
    """[FMT-002]"""
    content = written(form, [row(number) for number in range(5)])
    *found, end = items(content[: len(content) * 3 // 5], flat(form))
    assert isinstance(end, FeedUnusable)
    assert "feed-cut" == end.problems[0].code
    assert len(found) == end.count
    assert found != []


def test_a_failure_of_the_source_itself_passes_through() -> None:
    def broken() -> Iterator[bytes]:
        yield b"<offers><offer>"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        items(broken(), flat("xml"))


def test_a_feed_of_more_items_than_all_regions_have_changes_nothing() -> None:
    """[FMT-005]"""
    line = b'{"no": 1}\n'
    mapping = flat("json", source={"lines": True})
    *_, end = items((line * 1000 for _ in range(FEED_ITEMS // 1000 + 1)), mapping)
    assert isinstance(end, FeedUnusable)
    assert (FEED_ITEMS, "feed-too-long") == (end.count, end.problems[0].code)


def test_a_value_that_cannot_be_read_refuses_the_offer_and_is_reported_once() -> None:
    """[FMT-009]"""
    offer = only(written("json", [row(weeks="bientôt", title="x" * 151)]), flat("json"))
    assert offer.refused
    [problem] = offer.problems
    assert ("weeks-unreadable", "/weeks", "bientôt", "weeks") == (
        problem.code,
        problem.pointer,
        problem.actual,
        problem.args["source"],
    )
    assert "weeks" not in offer.document
    verdict = judge(offer, revision=1, on=ON)
    assert not verdict.accepted
    errors = [(one.code, one.pointer) for one in verdict.problems if one.severity == "error"]
    assert [("weeks-unreadable", "/weeks"), ("too-long", "/title")] == errors


def test_a_refused_reading_refuses_even_what_the_verdict_alone_would_accept() -> None:
    """[FMT-009]: a restriction that cannot be read must not open the offer to all."""
    mapping = flat("json", fields={"restrictions.qpv": {"path": "qpv"}})
    offer = only(written("json", [row(qpv="peut-être")]), mapping)
    verdict = judge(offer, revision=1, on=ON)
    assert not verdict.accepted
    assert ("bretagne:S-1", 1) == (verdict.id, verdict.revision)
    assert "yes-no-unreadable" == verdict.problems[0].code


def test_an_optional_value_that_cannot_be_read_is_left_out_with_a_warning() -> None:
    """[FMT-009]"""
    mapping = flat("json", fields={"seats": {"path": "seats", "optional": True}})
    offer = only(written("json", [row(seats="beaucoup")]), mapping)
    assert not offer.refused
    assert (["field-left-out"], "/seats") == (codes(offer), offer.problems[0].pointer)
    assert judge(offer, revision=1, on=ON).accepted


def test_warnings_of_reading_reach_the_verdict_on_an_accepted_offer() -> None:
    """[FMT-008]"""
    offer = only(written("json", [row(zip="1000", city="Bourg-en-Bresse")]), flat("json"))
    verdict = judge(offer, revision=1, on=ON)
    assert verdict.accepted
    assert verdict.offer is not None
    assert "01000" == verdict.offer["location"]["postal_code"]
    assert "leading-zero-restored" in [one.code for one in verdict.problems]


def test_a_problem_of_reading_is_written_like_any_other() -> None:
    """[FMT-009]: it never shows personal data."""
    offer = only(written("json", [row(weeks="écrire à jean@exemple.fr")]), flat("json"))
    body = offer.problems[0].to_json()
    assert {"code", "requirement", "severity", "pointer", "message", "actual", "fix"} == set(body)
    assert ("FMT-009", "error", "écrire à […]") == (body["requirement"], body["severity"], body["actual"])
    assert "jean" not in str(body)
    assert _fast({"$ref": "urn:fr:stages:schema:problem:1#/$defs/stored_problem"}).is_valid(body)
    assert reading_rules()["weeks-unreadable"] is offer.problems[0].rule
