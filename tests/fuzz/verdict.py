"""``schemas.check`` as a target: a sound and deterministic verdict for any bytes, without personal data."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any
from urllib.parse import unquote

import orjson
import rfc8785

import schemas
from demo.generator import generate
from gateway.protocol.digest import canonical
from schemas.explain import _trimmed
from schemas.registry import _fast, fast_validator
from schemas.rules import delivery, identifier, schedule, week
from schemas.territory import locate
from tests.fuzz.document import TEXTS, graft, mutate_document
from tests.fuzz.target import Scramble, Target
from tests.schemas.documents import ON, WHOLE

_SOUND = [orjson.dumps(WHOLE), *(offer.raw for offer in generate(1, "bretagne", 12, ON, wrong=0.0))]
WITHDRAWAL = {"id": "bretagne:1", "revision": 2, "withdrawn": "filled"}
_REMEMBERED = (
    delivery._find_weeks, identifier.is_siret, schedule._find, week._find, week.span_of, locate,
)  # fmt: skip
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}\.)+[A-Za-z]{2,24}")
_PHONE = re.compile(r"(?<![\d./-])(?<!\d )0[1-9](?:\d{8}|(?: \d\d){4}|(?:\.\d\d){4})(?!\d)")
_MAX_PROBLEMS = 600


@contextmanager
def opened() -> Iterator[Target]:
    """The target. The explaining validator is loaded first: it takes a second."""
    schemas.validator("offer")
    yield Target(
        run=run,
        seeds=seeds,
        outcomes=frozenset({"accepted", "accepted with warnings", "refused", "unreadable", "withdrawal"}),
        words=tuple(text.encode() for text in TEXTS if text),
        mutate=mutate,
    )


def mutate(raw: bytes, random: Random, scramble: Scramble) -> bytes:
    """Half of the changes are made to a document that is otherwise sound: most that is odd is refused at once."""
    origin = graft(raw, random.choice(_SOUND), random) if random.random() < 0.5 else raw
    return mutate_document(origin, random, scramble)


def seeds() -> Sequence[bytes]:
    """Offers of the demo, right and wrong, and one of every field and shape."""
    wrong = [offer.raw for offer in generate(1, "bretagne", 40, ON, wrong=1.0)]
    return [*_SOUND, *wrong, orjson.dumps(WITHDRAWAL), b"{}", b"[]", b'{"id":"a:1","id":"a:1"}', b"\xff"]


def run(raw: bytes) -> str:
    """Judge the bytes by all three calls, and check the verdicts' invariants."""
    verdict = schemas.check(raw, on=ON)
    withdrawal = schemas.check_withdrawal(raw, on=ON)
    for judged in (verdict, withdrawal):
        _check_form(judged)
    _forget()
    assert _written(schemas.check(raw, on=ON)) == _written(verdict), "another verdict on the same bytes"
    either = withdrawal if "withdrawn" in (verdict.document or {}) else verdict
    assert _written(schemas.check_submission(raw, on=ON)) == _written(either), "check_submission judges otherwise"
    if verdict.document is None:
        assert len(verdict.problems) <= _MAX_PROBLEMS
        return "unreadable"
    _check_agreement("offer", verdict)
    _check_agreement("withdrawal", withdrawal)
    if verdict.accepted:
        _check_accepted(verdict)
        return "accepted with warnings" if verdict.problems else "accepted"
    return "withdrawal" if withdrawal.accepted else "refused"


def _forget() -> None:
    """Empty the caches, so that earlier documents have no influence."""
    for remembered in _REMEMBERED:
        remembered.cache_clear()


def _written(verdict: schemas.Verdict) -> bytes:
    written = [problem.to_json() for problem in verdict.problems]
    return orjson.dumps([verdict.accepted, written, verdict.id, verdict.revision, verdict.offer, verdict.territory])


_STORED = _fast({"$ref": "urn:fr:stages:schema:problem:1#/$defs/stored_problem"})


def _check_form(verdict: schemas.Verdict) -> None:
    severities = [problem.severity for problem in verdict.problems]
    assert verdict.accepted == ("error" not in severities), "refused without an error, or accepted with one"
    assert severities == sorted(severities), "errors come first"
    assert len(verdict.problems) <= _MAX_PROBLEMS, "more problems than anybody reads"
    for problem in verdict.problems:
        written = problem.to_json()
        assert _STORED.is_valid(written), written
        _check_clean(orjson.dumps(written).decode())


def _check_agreement(name: str, verdict: schemas.Verdict) -> None:
    """The deciding and the explaining engine agree."""
    document = verdict.document or {}
    fast, slow = fast_validator(name).is_valid(document), schemas.validator(name).is_valid(_trimmed(document))
    assert fast == slow, f"{name}: fast engine {fast}, explaining engine {slow}"
    assert fast or not verdict.accepted


def _check_accepted(verdict: schemas.Verdict) -> None:
    offer, document = verdict.offer, verdict.document
    assert offer is not None
    assert document is not None
    again = schemas.check(orjson.dumps(offer), on=ON)
    codes = [problem.code for problem in again.problems]
    assert again.accepted, f"the normal form of an accepted offer is refused: {codes}"
    assert (again.offer, again.id, again.revision) == (offer, verdict.id, verdict.revision)
    assert (again.territory, again.expires_on) == (verdict.territory, verdict.expires_on)
    assert "personal-data" not in codes, "redaction left something to redact"
    content = {name: value for name, value in document.items() if name != "revision"}
    assert rfc8785.dumps(content) == canonical(content), "the digest depends on who writes the document"
    for text in _strings({name: offer[name] for name in offer if name not in _FIXED}):
        _check_clean(text)
        assert schemas.redact(text) == text
    for address in (offer["apply_url"], offer["employer"].get("website", "")):
        assert _EMAIL.search(unquote(address)) is None, address


_FIXED = ("id", "source_id", "national_remote_id", "apply_url")
"""Not free text: codes, where digits may look like anything, and the address, which is checked separately."""


def _check_clean(text: str) -> None:
    """By patterns of the test's own: plain e-mail addresses, and French numbers as they are mostly written."""
    assert _EMAIL.search(text) is None, text
    assert _PHONE.search(text) is None, text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            if key != "website":
                yield from _strings(member)
