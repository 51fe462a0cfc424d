"""Localities as feeds write them: a table of written forms, those that must resolve and those that must not."""

import csv
from pathlib import Path

import pytest

from adapters.formats.locality import Locality, Refusal, Written, resolve

TABLE = Path(__file__).with_name("localities.csv")
ROWS = list(csv.DictReader(TABLE.read_text().splitlines(), delimiter=";"))


def written(row: dict[str, str]) -> Written:
    """The texts of a row; ``=`` is one text that the mapping takes for postcode and city alike."""
    city = row["postcode"] if row["city"] == "=" else row["city"]
    return Written(row["postcode"], city, row["commune"], row["department"], row["country"])


def shown(found: Locality | Refusal) -> tuple[str, str]:
    """The result as the table writes it."""
    if isinstance(found, Refusal):
        return f"!{found.note.code}", ""
    commune = f" #{found.insee_commune}" if found.insee_commune else ""
    return f"{found.postal_code} {found.city}{commune}", ",".join(sorted({note.code for note in found.notes}))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "|".join(list(row.values())[:6]))
def test_a_written_form_resolves_as_the_table_says(row: dict[str, str]) -> None:
    """[FMT-008] [FMT-009]"""
    assert (row["expected"], row["codes"]) == shown(resolve(written(row)))
