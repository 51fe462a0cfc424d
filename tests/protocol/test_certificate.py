"""Whether a platform may publish by its certificates, and the notice before it may not."""

from datetime import date

import pytest

from gateway.protocol.certificate import (
    EvidenceVersions,
    Issued,
    certificate_problem,
    certified_until,
    newest,
    notice_of,
    read_statement,
    refused_from,
    statement,
    with_certificate,
)
from tests.protocol.certified import DAY, NOW, VERSIONS, certificate, issued

TODAY, TOMORROW = date(2026, 11, 30), date(2026, 12, 1)
MIDNIGHT = 1_796_079_600_000
"""The end of ``NOW``'s day in Paris."""


def lacks(*kept: Issued, required: date | None = TODAY, now: int = NOW) -> bool:
    return certificate_problem(kept, required=required, now=now) is not None


def test_without_a_day_no_partner_needs_a_certificate() -> None:
    """CER-001"""
    assert not lacks(required=None)


def test_from_the_day_on_in_paris_a_certificate_is_needed() -> None:
    """CER-001: to the millisecond."""
    assert [False, True] == [lacks(required=TOMORROW, now=at) for at in (MIDNIGHT - 1, MIDNIGHT)]


def test_a_partner_without_certificate_is_refused_with_the_day() -> None:
    """CER-001"""
    problem = certificate_problem((), required=TODAY, now=NOW)
    assert problem is not None
    assert ("certificate-missing", "2026-11-30") == (problem.code, problem.expected)


def test_a_certificate_lets_publish_until_it_ends() -> None:
    """CER-001, CER-002"""
    kept = issued(expires_at=NOW + DAY)
    assert [False, True] == [lacks(kept, now=at) for at in (NOW + DAY - 1, NOW + DAY)]


@pytest.mark.parametrize(
    "more",
    [{"role": "subscriber"}, {"role": "gateway"}, {"versions": EvidenceVersions(**{**VERSIONS, "protocol": "0"})}],
    ids=["subscriber", "gateway", "other protocol"],
)
def test_only_a_publishers_certificate_of_this_protocol_lets_publish(more: dict[str, object]) -> None:
    """CER-001"""
    assert lacks(issued(**more))


def test_the_newest_certificate_counts_though_a_former_one_lasts_longer() -> None:
    kept = (issued(role="gateway"), issued(expires_at=NOW + DAY), issued(expires_at=NOW + 3 * DAY))
    assert NOW + DAY == certified_until(kept, now=NOW)
    assert certified_until(kept, now=NOW + DAY) is None


def test_publishing_is_refused_from_the_day_or_from_the_end_of_the_certificate() -> None:
    """CER-003"""
    kept = (issued(expires_at=MIDNIGHT + DAY),)
    assert date(2026, 12, 2) == refused_from(kept, required=TODAY, now=NOW)
    assert date(2027, 3, 1) == refused_from(kept, required=date(2027, 3, 1), now=NOW)
    assert TODAY == refused_from((), required=TODAY, now=NOW)
    assert refused_from(kept, required=None, now=NOW) is None


def test_notice_is_given_without_a_certificate_and_within_thirty_days_of_its_end() -> None:
    """CER-003"""
    assert date(2027, 3, 1) == notice_of((), required=date(2027, 3, 1), now=NOW)
    assert notice_of((), required=None, now=NOW) is None
    kept = (issued(expires_at=NOW + 100 * DAY),)
    assert notice_of(kept, required=TODAY, now=NOW) is None
    assert notice_of(kept, required=TODAY, now=NOW + 69 * DAY) is None
    assert date(2027, 3, 10) == notice_of(kept, required=TODAY, now=NOW + 70 * DAY)


def test_a_new_certificate_precedes_former_ones_which_stay_until_they_end() -> None:
    former, ended = issued(), issued(expires_at=NOW)
    reader, fresh = issued(role="subscriber"), issued(expires_at=NOW + 9 * DAY)
    kept = with_certificate((former, reader, ended), fresh, now=NOW)
    assert (fresh, former, reader) == kept
    assert (fresh, reader) == newest(kept)


def test_a_certificate_that_has_ended_stays_where_a_former_one_would_count_again() -> None:
    ended, former = issued(expires_at=NOW), issued(expires_at=NOW + DAY)
    kept = with_certificate((ended, former), issued(role="subscriber"), now=NOW)
    assert (issued(role="subscriber"), ended, former) == kept
    assert certified_until(kept, now=NOW) is None


def test_a_statement_reads_back_as_the_certificate() -> None:
    """CER-002: times are in seconds, as in RFC 7519."""
    claims = statement(certificate())
    assert (NOW // 1_000, "bretagne") == (claims["iat"], claims["sub"])
    assert certificate() == read_statement(claims)
