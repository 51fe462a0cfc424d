"""Tables of the command line lose no cell, however narrow the terminal is."""

import re
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from gateway.cli.console import print_rows
from gateway.cli.render_platform import print_platforms
from gateway.cli.status import _WORDS, _show
from gateway.partners.onboarding import presets
from gateway.protocol.source_run import Counts, Failure, SourceRun
from schemas.rulebook import Language

WIDTHS = [40, 60, 80, 100, 120, 200]
HEADS = ("Platform", "Since", "Number one", "Number two")


def printed(width: int) -> tuple[Console, StringIO]:
    file = StringIO()
    return Console(file=file, width=width, highlight=False, soft_wrap=True), file


@pytest.mark.parametrize("width", WIDTHS)
def test_every_cell_is_printed_with_its_head(width: int) -> None:
    console, file = printed(width)
    rows = [[Text(f"a-platform-of-{n}"), Text("2027-06-14"), Text(f"{n}00,000"), Text(f"{n}11,111")] for n in range(3)]
    print_rows(console, HEADS, rows, left=2)
    output = file.getvalue()
    assert [] == [cell.plain for row in rows for cell in row if cell.plain not in output]
    assert [] == [head for head in HEADS[1:] if head not in output]
    assert "…" not in output
    assert width >= max(map(len, output.splitlines()))


def _status() -> dict[str, object]:
    numbers = dict.fromkeys(("accepted", "refused", "delivered", "pending", "undelivered"), 1234567)
    error = {"at": "2027-06-15T08:00:00Z", "message": "Le serveur ne répond pas."}
    details = {**numbers, "last_success": "2027-06-14T08:00:00Z", "last_error": error, "inbox_lag": 1_234_567}
    details["delivery_lag_seconds"] = 86_399
    lines = [
        {
            "platform": slug,
            "name": slug,
            "kind": "regional",
            "connected": True,
            "since": "2026-01-01T00:00:00Z",
            "live": 7_654_321,
            "details": details,
        }
        for slug in presets()
    ]
    return {"platforms": lines, "undecided": 5}


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_status_keeps_all_its_columns(width: int, language: Language) -> None:
    """Ten columns for each platform, at 80 characters, at 60, and at unknown width."""
    words = _WORDS[language]
    console, file = printed(width)
    status = _status()
    _show(status, words, console)
    output = file.getvalue()
    times = len(presets())
    assert {times} <= {
        output.count(text) for text in (words.messages.format(f"1{words.thousands}234{words.thousands}567"),)
    }
    number = f"1{words.thousands}234{words.thousands}567"
    assert times * 6 == output.count(number)
    assert times == output.count(f"7{words.thousands}654{words.thousands}321")
    assert times == len(re.findall(r"2027-06-14 08:00", output))
    assert [] == [head for head in words.columns[1:] if head not in output]
    assert [] == [slug for slug in presets() if slug not in output]
    assert "…" not in output


@pytest.mark.parametrize("width", WIDTHS)
def test_the_list_of_platforms_keeps_names_channels_and_reasons(width: int) -> None:
    console, file = printed(width)
    common = {"transport": "https", "format": "cleverconnect", "ended_at": "2027-06-14T08:00:00.000Z"}
    rows = [{**common, "platform": slug, "paused_since": None} for slug in presets()]
    rows[-1]["paused_since"] = "2027-06-15T08:00:00.000Z"
    failure = Failure(at=2, code="x", fr="Le serveur ne répond pas.", en="The server does not answer.")
    runs = {
        slug: SourceRun(platform=slug, started_at=1, ended_at=2, outcome="failed", last_error=failure)
        for slug in presets()
    }
    runs[next(iter(presets()))] = SourceRun(
        platform="bretagne", started_at=1, ended_at=2, outcome="applied", counts=Counts()
    )
    print_platforms(rows, runs, [], "fr", console)
    output = file.getvalue()
    assert [] == [slug for slug in presets() if slug not in output]
    assert (len(rows), len(rows)) == (output.count("cleverconnect"), output.count("2027-06-14T08:00:00.000Z"))
    assert len(rows) - 1 == output.count(failure.fr)
    assert (1, len(rows) - 2) == (output.count("en pause"), output.count("échoué"))
    assert "…" not in output
