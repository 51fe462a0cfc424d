"""Gateways that deal wrongly with certificates of conformity, as far as a partner sees it."""

from dataclasses import replace
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong
from tests.conformance.mutants.views import asker, problem
from tests.conformance.mutants.when import Changed, on_answer

_PAST, _FUTURE = "2026-01-01", "2099-01-01"
_HEADER = "Certificate-Required-From"
_PUBLISHERS = {"bretagne", "normandie"}


async def _requiring(seen: Seen, forward: Forward, *, refuses: bool) -> Answer:
    """The answer of a gateway that needs a certificate since this year, and refuses a publisher such a request."""
    if refuses and asker(seen) in _PUBLISHERS:
        return _with_day(problem(403, "certificate-missing"), _PAST)
    return _warning(seen, await forward(seen), _PAST, _PAST)


def _warning(seen: Seen, answered: Answer, announced: str, day: str) -> Answer:
    """The answer of a gateway that announces a day, and names this one to publishers."""
    answered = _announcing(seen, answered, announced)
    return _with_day(answered, day) if _sends(seen) else answered


def _announcing(seen: Seen, answered: Answer, day: str | int) -> Answer:
    """Discovery that names the first day on which publishing needs a certificate."""
    there = seen.path == "/.well-known/passerelle" and answered.status == 200
    return answered.saying({**answered.json, "certificate_required_from": day}) if there else answered


def _sends(seen: Seen) -> bool:
    """Whether a publisher hands something in."""
    return asker(seen) in _PUBLISHERS and seen.method in {"PUT", "POST", "DELETE"}


def _with_day(answered: Answer, day: str) -> Answer:
    return replace(answered, headers={**answered.headers, _HEADER: day})


@on_answer("CER-003", "names a day from which certificates are needed, and says nothing to publishers")
def warns_nobody(seen: Seen, answered: Answer) -> Changed:
    return _announcing(seen, answered, _FUTURE)


@on_answer("CER-003", "warns publishers of another day than it announces")
def warns_of_another_day(seen: Seen, answered: Answer) -> Changed:
    return _warning(seen, answered, _FUTURE, "2098-12-31")


@on_answer("CER-003", "warns publishers of a day that it does not announce")
def announces_no_day(seen: Seen, answered: Answer) -> Changed:
    return _with_day(answered, _FUTURE) if _sends(seen) else None


@on_answer("CER-003", "warns publishers with what it accepts, not with what it refuses")
def warns_with_successes_only(seen: Seen, answered: Answer) -> Changed:
    return _warning(seen, answered, _FUTURE, _FUTURE) if answered.status < 300 else None


@on_answer("CER-003", "announces the day as a number")
def announces_numbers(seen: Seen, answered: Answer) -> Changed:
    return _announcing(seen, answered, 4070908800)


@on_answer("CER-001", "takes publications without a certificate after the day that it announces")
def takes_uncertified_publications(seen: Seen, answered: Answer) -> Changed:
    return _warning(seen, answered, _PAST, _PAST)


@wrong("CER-001", "refuses dry runs without a certificate")
async def refuses_uncertified_dry_runs(seen: Seen, forward: Forward) -> Answer:
    return await _requiring(seen, forward, refuses=seen.publishes)


@wrong("CER-001", "refuses withdrawals without a certificate")
async def refuses_uncertified_withdrawals(seen: Seen, forward: Forward) -> Answer:
    publication = seen.publishes and "dry_run" not in seen.query
    return await _requiring(seen, forward, refuses=publication or seen.method == "DELETE")


@wrong("CER-001", "lets nobody read without a certificate")
async def refuses_uncertified_readers(seen: Seen, forward: Forward) -> Answer:
    publication = seen.publishes and "dry_run" not in seen.query
    return await _requiring(seen, forward, refuses=publication or seen.method == "GET")


def _rows(answered: Answer, change: Any) -> Answer:
    return answered.saying({**answered.json, "platforms": [change(row) for row in answered.json["platforms"]]})


@on_answer("CER-005", "gives a platform the end of its own certificate, not those of others", "/v1/platforms 200")
def tells_certificates_to_oneself(seen: Seen, answered: Answer) -> Changed:
    def bare(row: dict[str, Any]) -> dict[str, Any]:
        own = row["platform"] == asker(seen)
        return {name: value for name, value in row.items() if own or name != "certified_until"}

    return _rows(answered, bare)


@on_answer("CER-005", "says whether a platform is certified, not until when", "/v1/platforms 200")
def tells_certified_or_not(_: Seen, answered: Answer) -> Changed:
    return _rows(answered, lambda row: {**row, "certified_until": row["certified_until"] is not None})


@on_answer("CER-005", "lists a certificate that has ended", "/v1/platforms 200")
def tells_ended_certificates(_: Seen, answered: Answer) -> Changed:
    return _rows(answered, lambda row: {**row, "certified_until": "2020-01-01T00:00:00Z"})
