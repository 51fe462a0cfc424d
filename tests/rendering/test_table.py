"""Offers as CSV: every value survives, and no cell is a formula for a spreadsheet."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.rendering import renderings
from adapters.rendering.table import write_cell
from tests.rendering.samples import TEXTS, bare, document

TABLE = renderings("https://gateway.example")["csv"]
BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def lines(*documents: dict[str, object]) -> list[dict[str, str]]:
    """The cells as a parser reads them."""
    written = TABLE.begin + TABLE.between.join(map(TABLE.item, documents)) + TABLE.end
    return list(csv.DictReader(io.StringIO(written.decode("utf-8-sig"), newline=""), delimiter=";"))


def text_of(cell: str) -> str:
    """The text of a cell, read as the guide describes."""
    return cell.removeprefix("'")


def test_every_column_has_its_value() -> None:
    [line] = lines(document())
    assert ("bretagne:1", "1800000000001", "2027-01-15T08:00:00.000Z") == (line["id"], line["sequence"], line["at"])
    assert ("troisieme seconde", "2027-W24 2027-W25", "2") == (line["levels"], line["weeks"], line["seats"])
    assert ("48.117", "-1.677", "false") == (line["latitude"], line["longitude"], line["employer_public"])
    assert ("09:00-17:00/60", "09:00-12:00", "") == (line["monday"], line["friday"], line["sunday"])
    assert ("true", "", "0350001A 0350002B") == (line["rep"], line["qpv"], line["schools"])
    assert ("bretagne rennes", "normandie:7") == (line["provenance"], line["possible_duplicates"])
    assert "Découverte de l'atelier.\nVisite des chantiers." == line["description"]


def test_hidden_and_unknown_cells_are_empty_and_leading_zeros_stay() -> None:
    """RTE-005."""
    [line] = lines(bare())
    empty = {name for name, cell in line.items() if cell == ""}
    assert {"employer_name", "employer_siret", "street", "latitude", "seats", "rome", "possible_duplicates"} <= empty
    assert "01000" == line["postal_code"]


def test_the_header_is_there_without_any_offer_and_every_line_has_its_columns() -> None:
    assert [] == lines()
    header, *rest = (TABLE.begin + TABLE.item(document()) + TABLE.item(bare())).decode("utf-8-sig").split("\r\n")
    assert {header.count(";")} == {line.count(";") for line in rest if line}


@pytest.mark.parametrize("text", TEXTS)
def test_no_text_is_a_formula_and_every_text_is_found_again(text: str) -> None:
    """RTE-012."""
    [line] = lines(document(title=text, description=text))
    assert not line["title"].lstrip(" \u00a0").startswith(BEGINS_FORMULA)
    assert (text, text) == (text_of(line["title"]), text_of(line["description"]))


@given(st.text())
def test_any_text_at_all_is_found_again_and_never_begins_a_formula(text: str) -> None:
    """RTE-012."""
    written = io.StringIO(write_cell(text), newline="")
    cell = next(csv.reader(written, delimiter=";"), [""])[0]
    assert text == text_of(cell)
    assert not cell.lstrip(" \u00a0").startswith(BEGINS_FORMULA)


def test_a_number_of_ours_is_no_formula_though_it_has_a_sign() -> None:
    assert ("-61.5", "true", "") == (write_cell(-61.5), write_cell(cell=True), write_cell(None))


INVISIBLE = ("", "\u3000", "\u2003\u200b", "\ufeff", "\u00ad", "\u202a", "\x00", "\u0301")
SIGNS = "=+-@|%'\u2212\u2010\u2013\ufe63\uff0d\u207b\u208a\ufe62\uff0b\u2795\uff1d\u207c\ufe66\uff20\ufe6b\uff05"
PLAIN = ("Atelier = bois", "\u00e9tal", "\u00ab Bois \u00bb", "3 semaines", "(35)", "\u2022 bois", "\u3000Atelier", "")


@pytest.mark.parametrize("lead", INVISIBLE)
@pytest.mark.parametrize("sign", SIGNS)
def test_a_formula_behind_invisible_signs_or_in_other_signs_is_a_text(lead: str, sign: str) -> None:
    """RTE-012."""
    text = f"{lead}{sign}1+HYPERLINK(A1)"
    assert write_cell(text).startswith("\"'")
    assert text == text_of(write_cell(text)[1:-1])


@pytest.mark.parametrize("text", PLAIN)
def test_a_text_without_a_formula_stays_as_it_is(text: str) -> None:
    """RTE-012."""
    assert f'"{text}"' == write_cell(text)
