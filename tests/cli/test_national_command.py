"""``passerelle national`` displays the texts of the site as they are."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.bootstrap.log import open_log
from gateway.clock import now
from gateway.protocol.record import utc
from gateway.runtime.loop import run
from gateway.settings import Settings
from tests.cli.inside import Inside
from tests.pages.national.seeded import write_note


def test_square_brackets_of_the_site_are_no_markup(tmp_path: Path) -> None:
    """They neither vanish nor end the command."""
    text = "[red]502[/none] Bad gateway [see logs]"

    async def fill(data: Path) -> None:
        async with open_log(Settings(data=data)) as log:
            await write_note(log, now(), error=text, failed_at=utc(now()))

    inside = Inside(tmp_path)
    run(fill(inside.data))
    ended = inside("national", "status")
    assert (0, True) == (ended.code, text in ended.output), ended


@pytest.mark.parametrize(
    ("words", "text", "step"),
    [
        (("adopt", "Bretagne!"), "Bretagne! is no slug of a platform.", "passerelle partner list"),
        (("erase", "bretagne"), "bretagne is no id of an offer.", "such as bretagne:2027-0001"),
        (("replay", "bretagne:1", "b", "c"), "b is no id of an offer.", "such as bretagne:2027-0001"),
        (("replay", *(f"bretagne:{number}" for number in range(1_001))), "1001 offers are more than", "1,000"),
    ],
)
def test_what_an_order_cannot_name_is_said_with_its_own_next_step(
    tmp_path: Path, words: Sequence[str], text: str, step: str
) -> None:
    inside = Inside(tmp_path)
    assert 0 == inside("partner", "add", "bretagne").code
    ended = inside("national", *words)
    assert (2, True, True) == (ended.code, text in ended.errors, step in ended.errors), ended
