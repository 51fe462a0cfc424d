"""Form of answers: one that differs from the site's form settles no delivery, with any status."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.national.delivery.outcome import Retry, settle
from adapters.national.delivery.plan import Due
from adapters.national.mapping.deliverability import Ready
from adapters.national.site.answer import (
    DoneAnswer,
    Forbidden,
    Missing,
    SiteAnswer,
    Unrecognized,
    is_login_refusal,
    is_rate_refusal,
    is_token_refusal,
    login_token,
    outcome_of,
)
from gateway.protocol.delivery import Call, DeliveryPart

CODES = ("VALIDATION_ERROR", "BAD_PAYLOAD", "BAD_ARGUMENT", "WRONG_PARAMS", "UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
WORDS = st.sampled_from(["code", "error", "message", "remote_id", "weeks", "grades", "status", "title"])
NEARLY = st.dictionaries(WORDS, JSON | st.sampled_from(CODES), max_size=4)
PAGES = st.sampled_from(["", " ", "<html>maintenance</html>", "Access denied", "null", "404 page not found"])
STATUSES = st.sampled_from([200, 201, 202, 204, 301, 302, 400, 401, 403, 404, 405, 407, 409, 410, 422, 429, 500, 503])


def is_the_sites(body: Any) -> bool:
    """The site's shapes, as its own renderers write them, stated independently of the reader."""
    if not isinstance(body, dict):
        return False
    if {"remote_id", "weeks", "grades"} <= body.keys():
        return True
    code = body.get("code")
    known = code in CODES or (isinstance(code, str) and code.startswith("DUPLICATE_")) or code == 401
    return body.keys() == {"code", "error"} and (known or str(code).endswith("_ALREADY_DESTROYED"))


def due(call: Call) -> Due:
    part = DeliveryPart(
        group="lycee", generation=1, account="a", state="pending", since=1, remote_id="bretagne:1", sequence=1
    )
    wish = None if call == "delete" else Ready({"title": "a", "coordinates": {}}, ("2027-W24",), ("seconde",))
    return Due(call, part, wish)


@given(STATUSES | st.integers(100, 599), JSON | NEARLY | PAGES, st.sampled_from(["create", "update", "delete"]))
@example(403, "<html>blocked</html>", "delete")
@example(404, {"code": "NOT_FOUND", "error": "can't find user with this id"}, "delete")
@example(404, {"message": "no Route matched with those values"}, "delete")
@example(404, "", "update")
@example(400, {"code": "BAD_REQUEST", "error": "malformed"}, "create")
@example(422, {"error": "unprocessable"}, "create")
@example(409, {"error": {"code": "DUPLICATE_API"}}, "create")
@example(200, {"remote_id": 7, "weeks": [], "grades": []}, "update")
@example(200, {"ok": True}, "delete")
def test_an_answer_in_another_form_settles_nothing(status: int, body: Any, call: Call) -> None:
    outcome = outcome_of(SiteAnswer(status, body))
    if not is_the_sites(body):
        assert Unrecognized(status, "") == outcome
        assert settle(due(call), outcome, sequence=2, now=3) is None
        assert not (is_rate_refusal(SiteAnswer(status, body)) and body.keys() != {"error"})


@pytest.mark.parametrize(
    "answer",
    [
        SiteAnswer(429, "<html>slow down</html>"),
        SiteAnswer(429, {"message": "API rate limit exceeded"}),
        SiteAnswer(429, {"code": "RATE", "error": "x"}),
    ],
)
def test_a_429_of_a_proxy_is_an_outage(answer: SiteAnswer) -> None:
    assert not is_rate_refusal(answer)


@pytest.mark.parametrize("body", ["<html>sign in</html>", {}, {"error": "x", "code": "y"}, {"message": "unauthorized"}])
def test_a_401_that_is_not_the_sites_refuses_neither_token_nor_login(body: Any) -> None:
    assert not is_token_refusal(SiteAnswer(401, body))
    assert not is_login_refusal(SiteAnswer(401, body))


def test_a_token_of_a_user_that_is_gone_is_refused_and_no_offer_is_missing() -> None:
    gone = SiteAnswer(404, {"code": "NOT_FOUND", "error": "can't find user with this remote_id"})
    assert is_token_refusal(gone)
    assert not isinstance(outcome_of(gone), Missing)


@pytest.mark.parametrize("body", [{"token": ""}, {"token": 7}, {}, "<html>", None, {"jwt": "x"}])
def test_a_login_without_a_token_is_no_login(body: Any) -> None:
    assert login_token(SiteAnswer(200, body)) is None
    assert login_token(SiteAnswer(201, {"token": "x"})) is None


def test_no_403_withdraws() -> None:
    forbidden = outcome_of(
        SiteAnswer(403, {"code": "FORBIDDEN", "error": "You are not authorized to access this page."})
    )
    assert Forbidden() == forbidden
    assert isinstance(settle(due("delete"), forbidden, sequence=2, now=3), Retry)
    updated = settle(due("update"), forbidden, sequence=2, now=3)
    assert isinstance(updated, DeliveryPart)
    assert "refused" == updated.state


def test_after_a_refused_update_the_sites_state_is_unknown() -> None:
    """The site writes weeks and grades before it validates the rest."""
    refused = outcome_of(SiteAnswer(400, {"code": "VALIDATION_ERROR", "error": {"title": ["Missing title"]}}))
    part = settle(due("update"), refused, sequence=2, now=3)
    assert isinstance(part, DeliveryPart)
    assert (None, None) == (part.digest, part.answered)


def test_an_answer_is_described_without_being_quoted() -> None:
    strange = outcome_of(SiteAnswer(403, "<html>quelquun@example.org</html>"))
    assert isinstance(strange, Unrecognized)
    assert "status 403 with a web page" == strange.description
    assert strange.step is not None
    assert isinstance(outcome_of(SiteAnswer(200, {"remote_id": "x", "weeks": [], "grades": []})), DoneAnswer)
