"""Refusals of what a visitor sends: each has an HTTP status and a sentence with its remedy, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from aiohttp import hdrs

from gateway.pages.base.texts import texts_of
from schemas.texts import Language, fill_one, load_texts


@dataclass(frozen=True, slots=True)
class Sentence:
    """A refusal as the page says it: the fault, and the remedy."""

    message: str
    step: str


def sentence_of(kind: str, language: Language) -> Sentence:
    """The texts of a refusal that its status says, or its kind."""
    texts = texts_of("base", language)
    kind = kind if f"error_{kind}" in texts else "other"
    return Sentence(texts(f"error_{kind}"), texts(f"error_{kind}_help"))


class PageRefusedError(Exception):
    """A request that is answered by a page with a sentence and nothing else: never with content of the request.

    ``code`` names its entry in ``refusals.json``; ``retry_after`` is in seconds, and fills ``seconds`` in its texts.
    """

    def __init__(self, code: str, *, retry_after: int | None = None, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = int(_refusals()[code]["status"])
        self.retry_after = retry_after
        self._values = {"seconds": retry_after, **values}

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the answer."""
        return {} if self.retry_after is None else {hdrs.RETRY_AFTER: str(self.retry_after)}

    def sentence(self, language: Language) -> Sentence:
        """The texts in one language."""
        entry = _refusals()[self.code]
        message, step = (fill_one(entry[name], self._values, language) for name in ("message", "step"))
        return Sentence(message, step)


@cache
def _refusals() -> Mapping[str, Mapping[str, Any]]:
    return load_texts(__package__, "refusals.json")
