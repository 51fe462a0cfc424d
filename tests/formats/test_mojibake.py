"""Texts that were garbled before they arrived: noticed, mended where the mapping says so, and drafted so."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.inference.draft import draft, read_sample
from adapters.formats.item import judge
from adapters.formats.mapping import FeedMapping, load_mapping
from adapters.formats.mojibake import garbled, mend, mend_pieces
from tests.formats.feeds import FORMS, ON, codes, flat, items, offers, only, row, unusable, written

TEXT = "Découverte de l’œuvre : « bœuf à l’étal », 10 € – ça plaît… Ÿ É À Ï Î"
TWICE = {"source": {"encoding": "utf-8-twice"}}


def spoilt(text: str, *, times: int = 1, encoding: str = "cp1252") -> str:
    """UTF-8 read by another encoding, as browsers and databases read it: bytes without a character stay."""
    for _ in range(times):
        text = "".join(
            chr(byte)
            if encoding == "latin-1" or byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
            else bytes([byte]).decode("cp1252")
            for byte in text.encode()
        )
    return text


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_text_is_mended_however_often_it_was_read_wrongly(times: int, encoding: str) -> None:
    """[FMT-003]"""
    assert TEXT == mend(spoilt(TEXT, times=times, encoding=encoding))
    assert garbled(spoilt("é", times=times, encoding=encoding)) is not None


@pytest.mark.parametrize(
    "text",
    [TEXT, "CAFÉ\u00a0!", "L’ÎLE-D’YEU", "PÂTISSERIE « CHEZ ÂNE »", "Ça\u00a0: là\u00a0; où\u00a0?", "À\u00a0Évreux",
     "Žižek", "São Tomé", "naïveté", "Straße", "12\u00a0°C ± 2", "Ā ē ī", "NOËL\u00a0», dit-elle", "MAÏS…", "FÊTES’"],
)  # fmt: skip
def test_texts_that_are_right_stay_as_they_are(text: str) -> None:
    """[FMT-003]"""
    assert (text, None) == (mend(text), garbled(text))


@given(st.text(st.sampled_from("abc éèàçùêîôûëïüÉÈÀÇœŒ«»’“”…–—€° \u00a0!?:;,.'-"), max_size=60))
def test_a_french_text_is_never_mended_and_comes_back_from_one_mistake(text: str) -> None:
    """[FMT-003]"""
    assert text == mend(text) == mend(spoilt(text))


@given(st.lists(st.integers(0, 80), max_size=5), st.integers(1, 3))
def test_pieces_are_mended_like_the_whole(cuts: list[int], times: int) -> None:
    """[FMT-003]"""
    text = spoilt(TEXT, times=times)
    points = sorted({0, len(text), *(min(one, len(text)) for one in cuts)})
    pieces = [text[begin:end] for begin, end in pairwise(points)]
    assert TEXT == "".join(mend_pieces(pieces))


@pytest.mark.parametrize("form", FORMS)
def test_a_garbled_text_is_published_with_a_warning_that_shows_both(form: str) -> None:
    """[FMT-003]"""
    offer = only(written(form, [row(title=spoilt("Découverte d’un atelier"))]), flat(form))
    [found] = [one for one in offer.problems if one.code == "text-garbled"]
    assert ("/title", spoilt("Découverte d’un atelier"), "Découverte d’un atelier") == (
        found.pointer,
        found.actual,
        found.expected,
    )
    assert judge(offer, revision=1, on=ON).accepted


def test_lost_signs_are_a_warning() -> None:
    """[FMT-003]"""
    offer = only(written("json", [row(title="D\ufffdcouverte", description="Tout va bien, dit-on.")]), flat("json"))
    noted = draft(read_sample([written("json", [row(title="D\ufffdcouverte")])]), on=ON).notes
    assert 1 == sum("\ufffd" in note and "\ufffd" in note.fr for note in noted)
    assert [("text-lost", "/title")] == [(one.code, one.pointer) for one in offer.problems]


@pytest.mark.parametrize("escaped", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_the_encoding_mends_texts_names_and_escapes(form: str, *, escaped: bool) -> None:
    """[FMT-003]"""
    good = row(description="Observer l’étal, à l’œuvre.", title="Découverte de l’œuvre")
    feed = written(form, [{spoilt(name): spoilt(value) for name, value in good.items()}])
    if escaped and form == "json":
        feed = json.dumps([{name: spoilt(value) for name, value in good.items()}]).encode()
    plain, mended = (
        offers(content, flat(form, **more)) for content, more in ((written(form, [good]), {}), (feed, TWICE))
    )
    assert [plain[0].document] == [mended[0].document]
    assert [] == codes(mended[0])


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("form", FORMS)
def test_the_draft_names_the_encoding(form: str, times: int) -> None:
    """[FMT-003]"""
    good = [row(number, title=f"Découverte à l’étal {number}") for number in range(3)]
    feed = written(form, [{name: spoilt(value, times=times) for name, value in one.items()} for one in good])
    made = draft(read_sample([feed]), on=ON)
    assert "utf-8-twice" == made.mapping["source"]["encoding"]
    assert 1 == sum("utf-8-twice" in note and "utf-8-twice" in note.fr for note in made.notes)
    assert "Découverte à l’étal 0" == made.guesses["title"].examples[0]
    mapping = load_mapping(made.form, made.mapping)
    assert isinstance(mapping, FeedMapping)
    assert [one["title"] for one in good] == [one.document["title"] for one in offers(feed, mapping)]
    whole = draft(read_sample([written(form, good)]), on=ON)
    assert "encoding" not in whole.mapping.get("source", {})


def test_a_declaration_cannot_ask_for_it() -> None:
    """[FMT-003]"""
    assert "encoding-unknown" == unusable(b'<?xml version="1.0" encoding="utf-8-twice"?><offers/>', flat("xml"))
    assert "encoding-wrong" == unusable("é".encode("latin-1") + b"{}", flat("json", **TWICE))


def test_sound_feeds_have_no_such_warning() -> None:
    """[FMT-003]"""
    assert [] == [code for one in items(written("json", [row(title=TEXT)]), flat("json")) for code in codes(one)]
