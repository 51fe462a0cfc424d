"""Text: HTML converted, blanks and invisible characters normalised, cuts at words."""

import re
from time import perf_counter
from unicodedata import is_normalized

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import schemas
from adapters.formats.text import clean, cut, fold, html_to_text, one_line, plain, spell

MARKUP = re.compile(schemas.schema("offer")["$defs"]["markup"]["pattern"])
CONTROL = re.compile(schemas.schema("offer")["$defs"]["control"]["pattern"])


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Un</p><p>Deux</p>", "Un\n\nDeux"),
        ("Un<br>Deux<br/>Trois", "Un\nDeux\nTrois"),
        ("<ul><li>un</li><li><p>deux</p></li></ul>fin", "- un\n- deux\n\nfin"),
        ("<b>gras</b> et <i>it</i>alique", "gras et italique"),
        ("R&amp;D &eacute;t&#233; &lt;5 ans&nbsp;!", "R&D été <5 ans\u00a0!"),
        ("a\n  b <b>c</b>", "a b c"),
        ("pas\nde HTML", "pas\nde HTML"),
        ("&lt;p&gt;Un&lt;/p&gt;&lt;p&gt;Deux&lt;/p&gt;", "Un\n\nDeux"),
        ("&amp;lt;b&amp;gt;x&amp;lt;/b&amp;gt;", "x"),
        ("x &amp;nbsp;y", "x y"),
        ("<script>var a = '<b>';</script>a<style>p{}</style>b", "ab"),
        ("<script>never closed", ""),
        ("a<!-- <b>no</b> -->b", "ab"),
        ("a<!-- never closed", "a"),
        ("a <a href='x>y'>lien</a>", "a lien"),
        ("a <a title=\"l'été >lien</a>", "a lien"),
        ("coupé ici <a href=", "coupé ici"),
        ("délai <j+2 " + "et la suite " * 30, ("délai < j+2 " + "et la suite " * 30).strip()),
        ("moins de < 5 et > 2", "moins de < 5 et > 2"),
        ("a &foo; b", "a & foo; b"),
        ("<?xml version='1.0'?><!DOCTYPE html>x", "x"),
        ("<P>Un<BR>Deux</P>", "Un\nDeux"),
    ],
)
def test_html_becomes_what_a_browser_would_show(markup: str, text: str) -> None:
    """[FMT-008]"""
    assert text == html_to_text(markup)


PIECES = st.lists(
    st.sampled_from(
        ["<", ">", "<p>", "</p>", "<li>", "<!--", "-->", "<script>", "</script>", "&lt;", "&amp;", "&#60;", "&nbsp;",
         "&", ";", "'", '"', "<b", "x", " ", "\n", "é", "e\u0301", "\u200b", "\x0b", "\u2028", "\ufeff", "<!", "<?"]
    )
    | st.text(max_size=4),
    max_size=30,
).map("".join)  # fmt: skip


@given(PIECES)
@example("&amp;amp;amp;lt;b>")
@example("<\u200b?")
@example("&foo\u037e")
def test_a_text_converted_from_html_is_never_refused_as_markup(markup: str) -> None:
    """[FMT-008]"""
    text = html_to_text(markup)
    assert None is MARKUP.search(text)
    assert None is CONTROL.search(text)
    assert is_normalized("NFC", text)


@given(st.text() | PIECES)
def test_a_clean_text_is_in_order_and_stays_as_it_is(text: str) -> None:
    """[FMT-008]"""
    cleaned = clean(text)
    assert cleaned == clean(cleaned)
    assert cleaned == cleaned.strip()
    assert None is CONTROL.search(cleaned)
    assert is_normalized("NFC", cleaned)
    assert not re.search(r"\n{3}| \n|\n ", cleaned)
    line = one_line(text)
    assert line == one_line(line)
    assert "\n" not in line
    assert fold(text) == fold(line)
    assert plain(text) == plain(plain(text))


def test_french_spaces_before_signs_are_kept() -> None:
    """[FMT-008]"""
    assert "Pourquoi\u00a0? « oui »" == clean(" Pourquoi\u00a0?  « oui »\t\r\n")


@pytest.mark.parametrize(
    "markup",
    ["<" * 200_000, "<!--" * 50_000, "<script>" * 25_000, "<a '" * 50_000, '<a "' * 50_000, "&lt;" * 50_000,
     "<p>" * 60_000, "<![CDATA[" * 20_000, " \n" * 100_000, "\u00a0" * 200_000, "-\n" * 100_000, "<a " + "x" * 200_000],
)  # fmt: skip
def test_no_text_takes_more_than_time_in_proportion_to_its_length(markup: str) -> None:
    """[FMT-005]: quadratic time would be minutes here."""
    began = perf_counter()
    html_to_text(markup)
    clean(markup)
    assert 20 > perf_counter() - began


@given(st.text(min_size=1), st.integers(2, 60))
def test_a_cut_text_keeps_its_limit_and_its_begin(text: str, length: int) -> None:
    """[FMT-011]"""
    short = cut(text, length)
    assert length >= len(short)
    if len(text) <= length:
        assert text == short
    else:
        assert text.startswith(short.removesuffix("…"))
        assert short.endswith("…")


@pytest.mark.parametrize(
    ("text", "length", "short"),
    [
        ("Observer la pose d'un meuble", 20, "Observer la pose…"),
        ("Anticonstitutionnellement", 10, "Anticonst…"),
        ("à", 2, "à"),
    ],
)
def test_a_text_is_cut_behind_a_word_where_one_is_near(text: str, length: int, short: str) -> None:
    """[FMT-011]"""
    assert short == cut(text, length)


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (8000.0, "8000"), (1.5, "1.5"), (7, "7"), ("x", "x")])
def test_values_are_spelt_as_one_would_write_them(value: str | float, text: str) -> None:
    assert text == spell(value)
