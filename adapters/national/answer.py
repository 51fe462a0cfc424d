"""What an answer of the site means: status and body, in several forms and two languages, as one of a few outcomes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from adapters.national.prospect import Ready
from adapters.national.refusal import PREFIX, Refusal, refusal, vocabulary
from adapters.national.site import Answer
from adapters.national.week import real


@dataclass(frozen=True, slots=True)
class Done:
    """Written. ``weeks``, padded, and ``levels`` are those that the site kept; ``shown`` is false for an offer that is
    not published there: hidden by its moderators, or unpublished.
    """

    weeks: tuple[str, ...]
    levels: tuple[str, ...]
    shown: bool


@dataclass(frozen=True, slots=True)
class NameTaken:
    """The remote id stands there already: alive, if the index lists it, or dead."""


@dataclass(frozen=True, slots=True)
class AlreadyDeleted:
    """It was deleted before."""


@dataclass(frozen=True, slots=True)
class Missing:
    """No offer of this account, or none at all, has that remote id."""


@dataclass(frozen=True, slots=True)
class NotOurs:
    """An offer of another account has that remote id."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The site does not take the body; each reason in our codes. Sending the same again is in vain."""

    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class RightMissing:
    """The account may not do that, such as search without ``api_full_access``."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The site failed, or answered what it never answers; whether the call was done is not known."""

    status: int


Outcome: TypeAlias = Done | NameTaken | AlreadyDeleted | Missing | NotOurs | Refused | RightMissing | Broken


def understand(answer: Answer) -> Outcome:
    """What became of a write. A read is Broken, RightMissing or one of the refusals here, and else for ``reading``."""
    body = answer.body if isinstance(answer.body, dict) else {}
    code = str(body.get("code", ""))
    match answer.status:
        case HTTPStatus.OK | HTTPStatus.CREATED if "remote_id" in body:
            return _done(body)
        case HTTPStatus.CONFLICT if code.startswith("DUPLICATE_"):
            return NameTaken()
        case HTTPStatus.CONFLICT if code.endswith("_ALREADY_DESTROYED"):
            return AlreadyDeleted()
        case HTTPStatus.NOT_FOUND if code == "NOT_FOUND":
            return Missing()
        case HTTPStatus.FORBIDDEN:
            return NotOurs()
        case HTTPStatus.UNAUTHORIZED:
            return RightMissing()
        case HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            return Refused(tuple(_reasons(body.get("error", answer.body))))
        case status:
            return Broken(status)


def find_dropped(sent: Ready, done: Done) -> Refusal | None:
    """What the site left out, or added, without a word: it drops weeks and levels that it does not know."""
    odd = sorted(set(sent.weeks) ^ set(done.weeks)) + sorted(set(sent.levels) ^ set(done.levels))
    pointer = "/levels" if set(sent.weeks) == set(done.weeks) else "/weeks"
    return refusal("national-weeks-dropped", pointer=pointer, said=", ".join(odd)) if odd else None


def _done(body: Mapping[str, Any]) -> Done:
    weeks = [week for week in _listed(body, "weeks") if isinstance(week, str)]
    levels = tuple(level for level in _listed(body, "grades") if isinstance(level, str))
    return Done(real(weeks), levels, shown=body.get("published_at") is not None)


def _listed(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    return value if isinstance(value, list) else []


def _reasons(error: object) -> Iterator[Refusal]:
    """The reasons of an ``error``: an object of lists by field, or one sentence."""
    if not isinstance(error, dict) or not error:
        yield _reason("", error)
        return
    for field, sentences in error.items():
        pointer = vocabulary()["fields"].get(field, "")
        for sentence in sentences if isinstance(sentences, list) and sentences else [sentences]:
            yield _reason(pointer, sentence if pointer else f"{field}: {sentence}")


def _reason(pointer: str, sentence: object) -> Refusal:
    """One sentence in our codes; the first part that it holds decides. Words that need a place and have none tell
    nothing in our codes.
    """
    said = str(sentence)
    lower = said.lower()
    codes = (entry["code"] for entry in vocabulary()["sentences"] if entry["part"] in lower)
    code = next(codes, "other")
    place = pointer or vocabulary()["places"].get(code, "")
    return refusal(PREFIX + (code if place or code == "payload" else "other"), pointer=place, said=said)
