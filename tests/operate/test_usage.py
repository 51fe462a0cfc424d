"""The features that a platform used here follow from its submissions; those of others show nothing of it."""

import pytest

from gateway.operate.usage import features_of_submission, used_features
from gateway.protocol.record import Record, submission_record
from gateway.protocol.submission import Publish, Retire, Submission, Withdraw
from gateway.protocol.topic import COMMON, SUBMISSIONS
from tests.memory_log import MemoryLog


def publish(**more: object) -> Publish:
    members = {
        "receipt": "r",
        "publisher": "bretagne",
        "id": "bretagne:1",
        "revision": 1,
        "digest": "0",
        "offer": {},
        "audiences": (),
        "territory": {},
        "expires_on": "2027-06-20",
    }
    return Publish(**{**members, **more})  # type: ignore[arg-type]  # members of several types


def withdraw(**more: object) -> Withdraw:
    members = {"receipt": "r", "publisher": "bretagne", "id": "bretagne:1", "revision": 1, "reason": "filled"}
    return Withdraw(**{**members, "digest": "0", **more})  # type: ignore[arg-type]  # members of several types


@pytest.mark.parametrize(
    ("submission", "expected"),
    [
        (publish(), set()),
        (publish(upload="b1"), {"batch"}),
        (publish(upload="s1", mark=3), {"snapshots"}),
        (withdraw(), {"withdrawals"}),
        (withdraw(upload="b1"), {"withdrawals", "batch"}),
        (withdraw(publisher="normandie", id="normandie:1"), set()),
        (Retire(receipt="r", id="bretagne:1", if_revision=1, reason="absent"), {"snapshots"}),
        (Retire(receipt="r", id="bretagne:1", if_revision=1, reason="expired"), set()),
        (Retire(receipt="r", id="normandie:1", if_revision=1, reason="absent"), set()),
    ],
)
def test_a_submission_shows_the_features_that_it_uses(submission: Submission, expected: set[str]) -> None:
    """CER-004"""
    assert expected == set(features_of_submission(submission, "bretagne"))


async def test_a_submission_of_a_later_version_shows_nothing() -> None:
    """While replicas are replaced one after the other, the log may hold kinds that this version does not know."""
    log = MemoryLog()
    await log.create_topics(COMMON)
    later = Record(b"bretagne:2", b'{"kind":"later","id":"bretagne:2"}')
    await log.append(SUBMISSIONS, 0, [later, submission_record(withdraw())])
    assert {"withdrawals"} == await used_features(log, "bretagne")
