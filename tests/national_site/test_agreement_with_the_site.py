"""Deliverability agrees with the simulated site, offer by offer; ``agreement`` compares more of them."""

from tests.national_site.agreement import OURS, compare


def test_what_is_deliverable_is_taken_and_what_is_not_is_refused() -> None:
    counts = compare(250)
    kinds = {"Ready", "NotDeliverable", "Waiting", "Past"}
    assert kinds <= counts.keys()
    assert {
        "not-deliverable:mandatory-weeks",
        "not-deliverable:apply-url-word",
        "not-deliverable:postal-code",
    } | OURS <= (counts.keys())
