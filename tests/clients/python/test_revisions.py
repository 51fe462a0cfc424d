"""Revisions of the client: each content of an offer has its own."""

from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from passerelle_client import ClientError, Revisions, clock


def revisions(folder: Path, **options: Any) -> Revisions:
    return Revisions(folder / "revisions.db", **options)


def test_content_that_comes_back_is_a_third_revision(tmp_path: Path) -> None:
    """A, B, A: the gateway would take the first revision for an old one (REV-005)."""
    before = clock.now()
    a, b = {"id": "x:1", "title": "A"}, {"id": "x:1", "title": "B"}
    first, again, second, third = [revisions(tmp_path).revise([one])[0] for one in (a, a, b, a)]
    assert before <= first == again < second < third


def test_a_withdrawal_is_a_content_of_its_own(tmp_path: Path) -> None:
    offer, gone = {"id": "x:1", "title": "A"}, {"id": "x:1", "withdrawn": "filled"}
    first, taken_back, again, published = revisions(tmp_path).revise([offer, gone, gone, offer])
    assert first < taken_back == again < published


def test_the_order_of_members_and_the_revision_are_no_content(tmp_path: Path) -> None:
    one, other = revisions(tmp_path).revise(
        [{"id": "x:1", "a": 1, "b": "é"}, {"b": "é", "a": 1, "id": "x:1", "revision": 4}]
    )
    assert one == other


def test_only_an_offer_that_was_sent_for_the_first_time_is_healed(tmp_path: Path) -> None:
    """Above a revision that others made meanwhile, it would revive a withdrawal."""
    kept, offer = revisions(tmp_path), {"id": "x:1", "title": "A"}
    [sent] = kept.revise([offer])
    assert sent + 51 == kept.heal("x:1", sent=sent, current=sent + 50)
    [known] = kept.revise([offer])
    assert sent + 51 == known
    assert kept.heal("x:1", sent=known, current=known + 50) is None
    assert [known] == kept.revise([offer])
    assert kept.heal("x:2", sent=1, current=5) is None


def test_threads_and_files_share_the_revisions(tmp_path: Path) -> None:
    """No two contents of an offer get one revision."""
    got: list[int] = []

    def revise(number: int) -> None:
        kept = revisions(tmp_path)
        got.extend(kept.revise([{"id": "x:1", "title": f"{number} {step}"} for step in range(20)]))

    threads = [Thread(target=revise, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 100 == len(set(got))


def test_a_damaged_file_is_named_with_the_next_step(tmp_path: Path) -> None:
    (tmp_path / "revisions.db").write_bytes(b"no database" * 100)
    with pytest.raises(ClientError, match=r"revisions\.db cannot be used: .*delete it"):
        revisions(tmp_path, language="en")
