"""``passerelle national`` displays the texts of the site as they are."""

from pathlib import Path

from gateway.bootstrap import open_log
from gateway.clock import now
from gateway.protocol.record import utc
from gateway.runtime.loop import run
from gateway.settings import Settings
from tests.cli.inside import Inside
from tests.pages.national.seeded import write_note


def test_square_brackets_of_the_site_are_no_markup(tmp_path: Path) -> None:
    """They neither vanish nor end the command."""
    said = "[red]502[/none] Bad gateway [see logs]"

    async def fill(data: Path) -> None:
        async with open_log(Settings(data=data)) as log:
            await write_note(log, now(), error=said, failed_at=utc(now()))

    inside = Inside(tmp_path)
    run(fill(inside.data))
    ended = inside("national", "status")
    assert (0, True) == (ended.code, said in ended.output), ended
