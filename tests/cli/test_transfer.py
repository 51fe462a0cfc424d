"""``passerelle export`` and ``passerelle import``: each refusal names the next step."""

import re
from pathlib import Path

import pytest

from gateway.log.sqlite import SqliteLog
from gateway.protocol.record import Record, position_record
from gateway.protocol.topic import COMMON, POSITIONS, SUBMISSIONS
from gateway.runtime.loop import run
from tests.cli.conftest import Shell
from tests.cli.inside import Inside


@pytest.fixture
def inside(tmp_path: Path) -> Inside:
    return Inside(tmp_path)


async def append(path: Path, topic: str, record: Record) -> None:
    """A log with its topics, and one record."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    log = await SqliteLog.open(path)
    await log.create_topics(COMMON)
    await log.append(topic, 0, [record])
    await log.close()


HALF = position_record(f"import.{'0' * 64}", 0, 1_000)


def test_a_federation_moves_to_another_folder(inside: Inside) -> None:
    """The digest that the export prints admits that file alone; partners without a secret are named."""
    file, there = inside.folder / "f.zip", inside.folder / "there"
    assert 0 == inside("partner", "add", "bretagne").code
    made = inside("export", file)
    assert (0, "") == (made.code, made.errors), made.errors
    digest = re.search(r"sha256:[0-9a-f]{64}", made.output)
    assert digest is not None
    other = inside("import", file, "--digest", "sha256:" + "0" * 64, data=there)
    assert (2, True) == (other.code, "nothing was imported" in other.errors)
    assert not there.exists()
    moved = inside("import", file, "--digest", digest[0], data=there)
    assert 0 == moved.code, moved.errors
    assert "Without a credential: bretagne. Next: passerelle partner rotate SLUG" in moved.output
    assert "IDÉO" in inside("partner", "list", data=there).output
    acts = inside("journal", "list", data=there)
    assert (0, True) == (acts.code, "partner.add" in acts.output), acts.errors
    again = inside("import", file, data=there)
    assert (2, True) == (again.code, "The log is not empty" in again.errors), again.errors


def test_a_log_at_work_and_an_open_file_are_refused_with_a_remedy(inside: Inside) -> None:
    run(append(inside.data / "log.sqlite", SUBMISSIONS, Record(b"bretagne:1", b"{}")))
    file = inside.folder / "f.zip"
    busy = inside("export", file)
    assert (2, True) == (busy.code, "1 submissions or inbox messages are not decided" in busy.errors), busy
    assert "Next step: close the entrance for partners" in busy.errors
    left = inside("export", file, "--leave-undecided")
    assert (0, True) == (left.code, "! 1 submissions" in left.errors)
    file.chmod(0o644)
    exposed = inside("import", file, "--check")
    assert (2, True) == (exposed.code, f"chmod 600 {file}" in exposed.errors)


def test_no_operator_acts_on_half_an_import(inside: Inside) -> None:
    run(append(inside.data / "log.sqlite", POSITIONS, HALF))
    for words in (("partner", "add", "bretagne"), ("moderate", "bretagne:1", "--reason", "Text")):
        ended = inside(*words)
        assert (2, True) == (ended.code, "An import into this log is not complete" in ended.errors), ended


async def test_no_gateway_starts_on_half_an_import(shell: Shell) -> None:
    await append(shell.folder / ".data/log.sqlite", POSITIONS, HALF)
    ended = await shell("serve", PASSERELLE_PORT="0", PASSERELLE_MANAGEMENT_PORT="0")
    assert (2, True) == (ended.code, "An import into this log is not complete" in ended.errors), ended.errors
    assert "Next step: run the same passerelle import again" in ended.errors
