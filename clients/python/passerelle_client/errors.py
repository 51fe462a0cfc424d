"""Errors of the client, each with what happened and how to mend it, in French or English (``words.json``).

ClientError
├── UnavailableError    no answer, or none but 429 and 5xx: the outcome is unknown, sending the same again is safe
├── RefusedError        the gateway refuses a call; ``answer`` is its answer
│   └── ConfirmError    a snapshot would withdraw more than its guard allows, and changed nothing
├── ClockError          this machine's clock and the gateway's differ: no revision is made
├── ExportError         an export cannot be sent as a complete set
├── PageError           a page of changes cannot be read: nothing of it is applied
└── SignatureError      a push is not from the gateway, or is old
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from passerelle_client.connection import Answer

Language: TypeAlias = Literal["fr", "en"]


@cache
def _texts() -> Mapping[str, Any]:
    text = files("passerelle_client").joinpath("words.json").read_text(encoding="utf-8")
    texts: Mapping[str, Any] = json.loads(text)
    return texts


def say(code: str, language: Language, **values: object) -> str:
    """A text of ``words.json``, with its values."""
    return str(_texts()[code][language]).format(**values)


class ClientError(Exception):
    """``message`` is the error and ``step`` its remedy; ``code`` is the name of both in ``words.json``."""

    def __init__(self, code: str, language: Language, **values: object) -> None:
        self.code = code
        self.message = say(code, language, **values)
        self.step = say(f"{code}-step", language, **values)
        super().__init__(f"{self.message} {say('next', language)} {self.step}")


class UnavailableError(ClientError):
    """The gateway did not take a request in time. Whether it took effect is unknown; sending it again is safe."""


class ClockError(ClientError):
    """The clocks differ too much: revisions made now would be too high or too low, for good."""


class ExportError(ClientError):
    """The export of a snapshot cannot be sent."""


class PageError(ClientError):
    """A page of the changes feed, or the body of a push, cannot be read."""


class SignatureError(ClientError):
    """A push has no signature that one of the secrets made in the last minutes."""


class RefusedError(ClientError):
    """The gateway refuses a call as a whole. Offers that it refuses are outcomes, not errors."""

    def __init__(self, answer: "Answer", doing: str, language: Language, *, code: str = "", **values: object) -> None:
        self.answer = answer
        code = code or f"refused-{answer.status}"
        code = code if code in _texts() else "refused"
        super().__init__(code, language, doing=doing, text=answer.explain(language), **values)


class ConfirmError(RefusedError):
    """The guard of a snapshot stopped it. Where the withdrawals are meant, send it again with ``mark``, and with
    ``would_withdraw`` as ``confirm``. The client never does that by itself.
    """

    def __init__(self, answer: "Answer", doing: str, language: Language, *, mark: str) -> None:
        self.mark = mark
        self.would_withdraw = int(answer.body["would_withdraw"])
        super().__init__(answer, doing, language, code="confirm", mark=mark, number=self.would_withdraw)
