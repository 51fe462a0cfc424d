"""Gateways that tell wrongly what keeps an offer from the national site."""

from collections.abc import Callable
from typing import Any

from tests.conformance.mutants.proxy import Answer, Forward, Seen, wrong

_WORD = "not-deliverable:apply-url-word"


def _silent(seen: Seen, answered: Answer, code: str, silent: Callable[[Any], bool] = lambda _: True) -> Answer:
    """The answer to a publication without one of its warnings, where this holds for the document."""
    body = answered.json
    if not seen.publishes or not isinstance(body, dict) or not isinstance(seen.json, dict) or not silent(seen.json):
        return answered
    problems = [each for each in body.get("problems", ()) if each["code"] != code]
    return answered.saying({**body, "problems": problems}) if "problems" in body else answered


def _telling(seen: Seen, answered: Answer, code: str, requirement: str, found: Callable[[Any], bool]) -> Answer:
    """The answer with a warning more, where this holds for the document."""
    body = answered.json
    document = seen.json
    sound = seen.publishes and isinstance(body, dict) and isinstance(document, dict) and "problems" in body
    if not sound or answered.status >= 300 or not found(document):
        return answered
    warning = {
        "code": code,
        "requirement": requirement,
        "severity": "warning",
        "pointer": "",
        "message": "?",
        "fix": "?",
    }
    return answered.saying({**body, "problems": [*body["problems"], warning]})


def _address(document: Any) -> str:
    return str(document.get("apply_url", ""))


@wrong("NAT-001", "looks for test and staging in the host only")
async def looks_at_hosts_only(seen: Seen, forward: Forward) -> Answer:
    def elsewhere(document: Any) -> bool:
        host = _address(document).lower().split("/")[2:3]
        return not host or not ("test" in host[0] or "staging" in host[0])

    return _silent(seen, await forward(seen), _WORD, elsewhere)


@wrong("NAT-001", "looks for test and staging in lower case only")
async def looks_at_lower_case_only(seen: Seen, forward: Forward) -> Answer:
    def otherwise(document: Any) -> bool:
        return not ("test" in _address(document) or "staging" in _address(document))

    return _silent(seen, await forward(seen), _WORD, otherwise)


@wrong("NAT-001", "looks for test as a word, not in attestation")
async def looks_for_whole_words(seen: Seen, forward: Forward) -> Answer:
    return _silent(seen, await forward(seen), _WORD, lambda document: "attest" in _address(document).lower())


@wrong("NAT-001", "does not look for staging")
async def overlooks_staging(seen: Seen, forward: Forward) -> Answer:
    return _silent(seen, await forward(seen), _WORD, lambda document: "test" not in _address(document).lower())


@wrong("NAT-001", "looks for test and staging before the query")
async def looks_before_the_query(seen: Seen, forward: Forward) -> Answer:
    def behind(document: Any) -> bool:
        before = _address(document).lower().partition("?")[0]
        return "test" not in before and "staging" not in before

    return _silent(seen, await forward(seen), _WORD, behind)


@wrong("NAT-001", "refuses an offer whose address holds test")
async def refuses_test(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    body = answered.json
    codes = {each["code"] for each in body.get("problems", ())} if isinstance(body, dict) else set()
    return Answer(422, answered.headers, answered.body) if seen.publishes and _WORD in codes else answered


@wrong("NAT-002", "says nothing of an offer that is reserved for schools")
async def says_nothing_of_schools(seen: Seen, forward: Forward) -> Answer:
    return _silent(seen, await forward(seen), "not-deliverable:reserved-schools")


@wrong("NAT-002", "warns of an offer reserved for schools where the publisher keeps it from the national site")
async def warns_of_schools_needlessly(seen: Seen, forward: Forward) -> Answer:
    def needless(document: Any) -> bool:
        return bool((document.get("restrictions") or {}).get("schools")) and _kept_away(document)

    return _telling(seen, await forward(seen), "not-deliverable:reserved-schools", "NAT-002", needless)


def _kept_away(document: Any) -> bool:
    return (document.get("redistribution") or {}).get("national") is False


@wrong("NAT-003", "says nothing of a mandatory week that is missing")
async def says_nothing_of_weeks(seen: Seen, forward: Forward) -> Answer:
    return _silent(seen, await forward(seen), "not-deliverable:mandatory-weeks")


@wrong("NAT-003", "looks for one of the mandatory weeks, not for all")
async def looks_for_one_week(seen: Seen, forward: Forward) -> Answer:
    def one(document: Any) -> bool:
        return bool({"2027-W24", "2027-W25"} & set(document.get("weeks") or ()))

    return _silent(seen, await forward(seen), "not-deliverable:mandatory-weeks", one)


@wrong("NAT-004", "says nothing of a stay of one week in seconde")
async def says_nothing_of_stays(seen: Seen, forward: Forward) -> Answer:
    return _silent(seen, await forward(seen), "not-deliverable:one-week-stay")


@wrong("NAT-004", "warns of a stay of one week in collège")
async def warns_of_stays_in_college(seen: Seen, forward: Forward) -> Answer:
    def college(document: Any) -> bool:
        return "seconde" not in (document.get("levels") or ("seconde",))

    return _telling(seen, await forward(seen), "not-deliverable:one-week-stay", "NAT-004", college)


@wrong("NAT-005", "says nothing of a masked employer")
async def says_nothing_of_masks(seen: Seen, forward: Forward) -> Answer:
    return _silent(seen, await forward(seen), "not-deliverable:masked-employer")


@wrong("NAT-005", "warns of a masked employer where the publisher keeps the offer from the national site")
async def warns_of_masks_needlessly(seen: Seen, forward: Forward) -> Answer:
    def needless(document: Any) -> bool:
        return bool((document.get("redistribution") or {}).get("mask_employer")) and _kept_away(document)

    return _telling(seen, await forward(seen), "not-deliverable:masked-employer", "NAT-005", needless)


@wrong("NAT-006", "says nothing of a postcode that the national site does not know")
async def says_nothing_of_postcodes(seen: Seen, forward: Forward) -> Answer:
    return _silent(seen, await forward(seen), "not-deliverable:postal-code")


@wrong("NAT-006", "does not warn of a postcode where there is an INSEE code")
async def trusts_insee_codes(seen: Seen, forward: Forward) -> Answer:
    def given(document: Any) -> bool:
        return bool((document.get("location") or {}).get("insee_commune"))

    return _silent(seen, await forward(seen), "not-deliverable:postal-code", given)


@wrong("NAT-006", "warns of the postcodes of the overseas departments that the national site knows")
async def warns_of_overseas(seen: Seen, forward: Forward) -> Answer:
    def overseas(document: Any) -> bool:
        return str((document.get("location") or {}).get("postal_code", "")).startswith(
            ("971", "974", "976", "987", "988")
        )

    return _telling(seen, await forward(seen), "not-deliverable:postal-code", "NAT-006", overseas)


@wrong("NAT-007", "says nothing of levels that are mixed")
async def says_nothing_of_mixed_levels(seen: Seen, forward: Forward) -> Answer:
    return _silent(seen, await forward(seen), "levels-mixed")


@wrong("NAT-007", "takes quatrième and troisième for a mixture")
async def warns_of_two_levels(seen: Seen, forward: Forward) -> Answer:
    def college(document: Any) -> bool:
        return len(document.get("levels") or ()) > 1 and "seconde" not in document["levels"]

    return _telling(seen, await forward(seen), "levels-mixed", "NAT-007", college)


@wrong("NAT-008", "says nothing of an employer that is not described")
async def says_nothing_of_descriptions(seen: Seen, forward: Forward) -> Answer:
    return _silent(seen, await forward(seen), "employer-undescribed")


@wrong("NAT-008", "warns of an employer that is not described where the offer is kept from the national site")
async def warns_of_descriptions_needlessly(seen: Seen, forward: Forward) -> Answer:
    def needless(document: Any) -> bool:
        return not (document.get("employer") or {}).get("description") and _kept_away(document)

    return _telling(seen, await forward(seen), "employer-undescribed", "NAT-008", needless)
