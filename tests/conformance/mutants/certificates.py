"""Gateways that deal wrongly with certificates of conformity, as far as a partner sees it."""

from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.views import asker, problem

_PAST, _FUTURE = "2026-01-01", "2099-01-01"
_HEADER = "Certificate-Required-From"
_PUBLISHERS = {"bretagne", "normandie"}


def _announcing(seen: Seen, answered: Answer, day: str) -> Answer:
    """Discovery that names the first day on which publishing needs a certificate."""
    there = seen.path == "/.well-known/passerelle" and answered.status == 200
    return answered.saying({**answered.json, "certificate_required_from": day}) if there else answered


def _sends(seen: Seen) -> bool:
    """Whether a publisher hands something in."""
    return asker(seen) in _PUBLISHERS and seen.method in {"PUT", "POST", "DELETE"}


def _with_day(answered: Answer, day: str) -> Answer:
    return replace(answered, headers={**answered.headers, _HEADER: day})


def _refused() -> Answer:
    return _with_day(problem(403, "certificate-missing"), _PAST)


@wrong("CER-003", "names a day from which certificates are needed, and says nothing to publishers")
async def warns_nobody(seen: Seen, forward: Forward) -> Answer:
    return _announcing(seen, await forward(seen), _FUTURE)


@wrong("CER-003", "warns publishers of another day than it announces")
async def warns_of_another_day(seen: Seen, forward: Forward) -> Answer:
    answered = _announcing(seen, await forward(seen), _FUTURE)
    return _with_day(answered, "2098-12-31") if _sends(seen) else answered


@wrong("CER-003", "warns publishers of a day that it does not announce")
async def announces_no_day(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    return _with_day(answered, _FUTURE) if _sends(seen) else answered


@wrong("CER-003", "warns publishers with what it accepts, not with what it refuses")
async def warns_with_successes_only(seen: Seen, forward: Forward) -> Answer:
    answered = _announcing(seen, await forward(seen), _FUTURE)
    return _with_day(answered, _FUTURE) if _sends(seen) and answered.status < 300 else answered


@wrong("CER-003", "announces the day as a number")
async def announces_numbers(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    there = seen.path == "/.well-known/passerelle" and answered.status == 200
    return answered.saying({**answered.json, "certificate_required_from": 4070908800}) if there else answered


@wrong("CER-001", "takes publications without a certificate after the day that it announces")
async def takes_uncertified_publications(seen: Seen, forward: Forward) -> Answer:
    answered = _announcing(seen, await forward(seen), _PAST)
    return _with_day(answered, _PAST) if _sends(seen) else answered


@wrong("CER-001", "refuses dry runs without a certificate")
async def refuses_uncertified_dry_runs(seen: Seen, forward: Forward) -> Answer:
    if seen.publishes and asker(seen) in _PUBLISHERS and "Authorization" in seen.headers:
        return _refused()
    answered = _announcing(seen, await forward(seen), _PAST)
    return _with_day(answered, _PAST) if _sends(seen) else answered


@wrong("CER-001", "refuses withdrawals without a certificate")
async def refuses_uncertified_withdrawals(seen: Seen, forward: Forward) -> Answer:
    publication = seen.publishes and "dry_run" not in seen.query
    if asker(seen) in _PUBLISHERS and (publication or seen.method == "DELETE"):
        return _refused()
    answered = _announcing(seen, await forward(seen), _PAST)
    return _with_day(answered, _PAST) if _sends(seen) else answered


@wrong("CER-001", "lets nobody read without a certificate")
async def refuses_uncertified_readers(seen: Seen, forward: Forward) -> Answer:
    publication = seen.publishes and "dry_run" not in seen.query
    if asker(seen) in _PUBLISHERS and (publication or seen.method == "GET"):
        return _refused()
    answered = _announcing(seen, await forward(seen), _PAST)
    return _with_day(answered, _PAST) if _sends(seen) else answered


def _rows(seen: Seen, answered: Answer, change: Any) -> Answer:
    body = answered.json
    if seen.path != "/v1/platforms" or answered.status != 200:
        return answered
    return answered.saying({**body, "platforms": [change(row) for row in body["platforms"]]})


@wrong("CER-005", "gives a platform the end of its own certificate, not those of others")
async def tells_certificates_to_oneself(seen: Seen, forward: Forward) -> Answer:
    def bare(row: dict[str, Any]) -> dict[str, Any]:
        own = row["platform"] == asker(seen)
        return {name: value for name, value in row.items() if own or name != "certified_until"}

    return _rows(seen, await forward(seen), bare)


@wrong("CER-005", "says whether a platform is certified, not until when")
async def tells_certified_or_not(seen: Seen, forward: Forward) -> Answer:
    return _rows(seen, await forward(seen), lambda row: {**row, "certified_until": row["certified_until"] is not None})


@wrong("CER-005", "lists a certificate that has ended")
async def tells_ended_certificates(seen: Seen, forward: Forward) -> Answer:
    return _rows(seen, await forward(seen), lambda row: {**row, "certified_until": "2020-01-01T00:00:00Z"})
