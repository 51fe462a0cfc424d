"""Encodings: the real one of a feed, whatever it declares."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.formats.encoding import PIECE_BYTES, read_text
from adapters.formats.problem import ReadingProblem, UnusableFeedError

pytestmark = pytest.mark.slow

ACCENTS = "Découverte à l'œuvre : 10 €"


def decoded(content: bytes, named: str | None = None) -> tuple[str, list[str]]:
    """The text, and the codes of the warnings."""
    warnings: list[ReadingProblem] = []
    text = "".join(read_text([content], named, warnings))
    return text, [problem.code for problem in warnings]


def fault(content: bytes, named: str | None = None) -> ReadingProblem:
    with pytest.raises(UnusableFeedError) as raised:
        decoded(content, named)
    return raised.value.problem


@pytest.mark.parametrize(
    ("content", "named", "warnings"),
    [
        (ACCENTS.encode(), None, []),
        (ACCENTS.encode(), "utf-8", []),
        (codecs.BOM_UTF8 + ACCENTS.encode(), None, []),
        (codecs.BOM_UTF8 + ACCENTS.encode(), "windows-1252", []),
        (ACCENTS.encode("cp1252"), "windows-1252", []),
        (ACCENTS.encode("cp1252"), None, ["encoding-guessed"]),
        (ACCENTS.encode("iso-8859-15"), "iso-8859-15", []),
        (ACCENTS.encode("utf-16"), None, []),
        (codecs.BOM_UTF16_BE + ACCENTS.encode("utf-16-be"), "utf-16", []),
        (ACCENTS.encode(), "windows-1252", ["encoding-mistaken"]),
        (ACCENTS.encode(), "iso-8859-15", ["encoding-mistaken"]),
    ],
)
def test_the_real_encoding_is_found(content: bytes, named: str | None, warnings: list[str]) -> None:
    """[FMT-003]"""
    text, problems = decoded(content, named)
    assert (ACCENTS, warnings) == (text, problems)


@pytest.mark.parametrize("declared", ["ISO-8859-1", "windows-1252", "latin1", "Cp1252"])
def test_an_xml_declaration_is_used_where_the_bytes_allow(declared: str) -> None:
    """[FMT-003]: and Latin-1 is read as Windows-1252."""
    head = f'<?xml version="1.0" encoding="{declared}"?>\n<a>'
    assert (head + ACCENTS, []) == decoded((head + ACCENTS).encode("cp1252"))
    assert (head + ACCENTS, ["encoding-mistaken"]) == decoded((head + ACCENTS).encode())


def test_an_unknown_encoding_changes_nothing() -> None:
    """[FMT-003]"""
    problem = fault(b'<?xml version="1.0" encoding="EBCDIC-FR"?><a/>')
    assert ("encoding-unknown", "ebcdic-fr") == (problem.code, problem.actual)


def test_bytes_that_do_not_fit_the_declared_encoding_change_nothing_and_are_named() -> None:
    """[FMT-003]"""
    content = b'<?xml version="1.0" encoding="UTF-8"?><a>' + ACCENTS.encode("cp1252")
    problem = fault(content)
    assert ("encoding-wrong", "utf-8", "0xe9", 42) == (
        problem.code,
        problem.expected,
        problem.actual,
        problem.args["offset"],
    )
    assert "encoding-wrong" == fault(b"a\x81b", "windows-1252").code
    assert "encoding-wrong" == fault(ACCENTS.encode("utf-16-le"), "utf-16").code


def test_an_offset_beyond_the_first_piece_is_reported_correctly() -> None:
    """[FMT-003]"""
    content = "é".encode() + b"x" * (3 * PIECE_BYTES) + "é".encode() + b"\xff"
    assert len(content) - 1 == fault(content).args["offset"]


@pytest.mark.parametrize("before", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 5 * PIECE_BYTES + 1])
def test_the_first_accent_decides_however_late_it_comes(before: int) -> None:
    """[FMT-003]"""
    text = "x" * before + ACCENTS
    assert (text, []) == decoded(text.encode())
    assert (text, ["encoding-guessed"]) == decoded(text.encode("cp1252"))


def test_a_feed_that_ends_within_a_character_is_cut() -> None:
    """[FMT-002]"""
    assert "feed-cut" == fault("Découverte €".encode()[:-1]).code
    assert "feed-cut" == fault("é".encode("utf-16")[:-1], "utf-16").code


def test_a_last_accent_in_windows_1252_is_no_cut_character() -> None:
    """[FMT-003]"""
    assert ("Café", ["encoding-guessed"]) == decoded("Café".encode("cp1252"))


def test_line_ends_become_line_feeds_wherever_pieces_are_cut() -> None:
    text = "a\r\nb\rc\nd" + "x" * (PIECE_BYTES - 9) + "\r" + "\ny"
    assert "a\nb\nc\nd" + "x" * (PIECE_BYTES - 9) + "\ny" == decoded(text.encode())[0]


@given(st.text(min_size=1).filter(lambda text: text.strip() and "\0" not in text))
def test_any_text_in_utf_8_comes_back(text: str) -> None:
    content = text.encode()
    if content.startswith((b"\x1f\x8b", b"PK", b"%PDF", b"<?xml", codecs.BOM_UTF8)):
        return
    assert text.replace("\r\n", "\n").replace("\r", "\n") == decoded(content)[0]
