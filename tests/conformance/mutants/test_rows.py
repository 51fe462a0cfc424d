"""The tables of wrong systems: what their words mean, and that a word which they do not have is an error."""

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from tests.conformance.mutants.edits import apply_steps, checked
from tests.conformance.mutants.proxy import Answer, Forward, Mutant, Seen, json_answer
from tests.conformance.mutants.table import TABLES, register
from tests.conformance.mutants.when import answered_so, asked

OFFER = {
    "title": "Été",
    "seats": 3,
    "weeks": ["2027-W24", "2027-W24"],
    "employer": {"name": "Port", "website": "http:x"},
}


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"at": "/seats", "over": 2, "set": 2}, {"seats": 2}),
        ({"at": "/seats /none", "drop": True}, {"seats": None}),
        ({"at": "/weeks", "once": True}, {"weeks": ["2027-W24"]}),
        ({"at": "/title", "where": {"/employer/name": "^X"}, "set": "y"}, {}),
        ({"at": "/title", "like": "^É", "case": "upper"}, {"title": "ÉTÉ"}),
        ({"at": "texts", "sub": ["t", "d"]}, {"title": "Édé", "employer": {"name": "Pord", "website": "http:x"}}),
        ({"at": "urls", "sub": ["^http:", "https:"]}, {"employer": {"name": "Port", "website": "https:x"}}),
        ({"at": "/city", "sub": ["a", "b"]}, {}),
        ({"at": "/city", "default": "Rennes"}, {"city": "Rennes"}),
    ],
)
def test_a_step_changes_what_it_names_where_its_conditions_hold(step: Any, expected: Mapping[str, Any]) -> None:
    changed = apply_steps({**OFFER, "employer": dict(OFFER["employer"])}, [checked(step)])  # type: ignore[call-overload]
    assert {name: each for name, each in {**OFFER, **expected}.items() if each is not None} == changed


@pytest.mark.parametrize(
    "signs",
    [
        "PUT /v1/offers/* offer json ?dry_run ?dry_run=true ?dry_run~^t #Prefer !#Origin !batch|snapshot DELETE|by:",
        "422 !200|201 >400 <500 @submission-refused +text-* !+moderated !=* object problem",
    ],
)
def test_a_request_and_its_answer_have_these_signs_and_not_their_opposites(signs: str) -> None:
    seen = Seen("PUT", "/v1/offers/bretagne:1", {"dry_run": "true"}, {"Prefer": "wait=5"}, b"{}", {})
    answered = json_answer(422, {"type": "u", "code": "submission-refused", "problems": [{"code": "text-blank"}]})

    def have(sign: str) -> bool:
        return asked(sign, seen) and answered_so(sign, seen, answered)

    for sign in signs.split():
        opposite = sign[1:] if sign.startswith("!") else f"!{sign}"
        assert (True, False) == (have(sign), have(opposite)), sign


def test_a_word_that_a_table_does_not_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="chop"):
        checked({"at": "/title", "chop": 3})


def test_a_name_stands_once() -> None:
    async def answer(seen: Seen, forward: Forward) -> Answer:
        return await forward(seen)

    name = tomllib.loads((TABLES / "verdicts.toml").read_text(encoding="utf-8"))["judging"][0][1]
    with pytest.raises(ValueError, match=name):
        register("verdicts", {name: Mutant(name, "", "", answer)})
