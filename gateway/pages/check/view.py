"""The page "check an offer": its form, and the verdict as the answer of the form. Nothing is stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import structlog
from aiohttp import web

import schemas
from gateway.pages.base.markup import coded
from gateway.pages.base.page import Answer, Language, Page
from gateway.pages.base.refusal import PageRefusedError, Sentence
from gateway.pages.base.upload import Form
from gateway.pages.base.visit import Visitors
from gateway.pages.check.content import KINDS
from gateway.pages.check.examples import EXAMPLES, example_of
from gateway.pages.check.port import Days, KnownProfile
from gateway.pages.check.report import AUTO, FEED
from gateway.protocol.paris_time import paris_date

PATHS: Mapping[Language, str] = {"fr": "/verifier", "en": "/en/check"}
_TEMPLATE = "check/check.html"
_MAX_DISPLAYED, _MAX_INVALID = 256 * 1024, 20_000
"""Bytes of a pasted text that are displayed again, and of one that is no UTF-8, whose invalid bytes are replaced."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SentForm:
    """The form as sent: the content to check, the text for its box (``cut``: too long for it), the chosen format,
    and whether the content is the uploaded file.
    """

    content: bytes = b""
    text: str = ""
    choice: str = AUTO
    cut: bool = False
    uploaded: bool = False

    @classmethod
    def read(cls, form: Form, choices: Sequence[tuple[str, str]]) -> "SentForm":
        """A file counts before a text; an unknown choice is none."""
        file, pasted = form.content("file"), form.content("text")
        choice = form.content("format")[:100].decode(errors="replace")
        cut = len(pasted) > _MAX_DISPLAYED
        known = any(choice == value for value, _ in choices)
        text = "" if cut else _readable(pasted)
        return cls(file or pasted, text, choice if known else AUTO, cut, bool(file))


def pages(
    visitors: Visitors, profiles: Sequence[KnownProfile], clock: Callable[[], int], days: Callable[[], Days] = dict
) -> Sequence[Page]:
    """The page in both languages. ``profiles``: those by which a feed can be read; ``days``: those from which releases
    of the schema hold.
    """
    choices = choices_of(profiles)

    async def get(request: web.Request, _language: Language) -> Answer:
        visitors.expect()
        today = date.fromisoformat(paris_date(clock()))
        example = request.query.get("example", "")
        return Answer(
            _TEMPLATE,
            lambda: values_of(choices, SentForm(text=example_of(example, today))),
            made_of=today,
            query={"example": example} if example in EXAMPLES else {},
        )

    async def post(request: web.Request, language: Language) -> Answer:
        sent = SentForm()
        now = clock()
        try:
            async with visitors.form(request) as form:
                sent = SentForm.read(form, choices)
                arguments = {"choice": sent.choice, "language": language, "on": paris_date(now), "activations": days()}
                report = await visitors.work("check", arguments, sent.content)
        except PageRefusedError as error:
            log.info("pages.refused", page="check", code=error.code, bytes=len(sent.content))
            refusal = error.sentence(language)
            return Answer(_TEMPLATE, values_of(choices, sent, refusal=refusal), error.status, error.headers)
        log.info("pages.checked", bytes=len(sent.content), **{name: report[name] for name in LOGGED})
        return Answer(_TEMPLATE, values_of(choices, sent, report=report, now=now))

    return [Page("check", PATHS, get, post)]


LOGGED = ("format", "outcome", "unread", "rules")
"""All from closed lists: none is content."""


def choices_of(profiles: Sequence[KnownProfile]) -> Sequence[tuple[str, str]]:
    """The formats of the drop-down, each with the name of its profile, if it has one."""
    return [(AUTO, ""), *((kind, "") for kind in KINDS), *((FEED + one.slug, one.name) for one in profiles)]


def heading_of(report: Mapping[str, Any]) -> tuple[str, Mapping[str, int]]:
    """The text that heads a verdict, and what fills it."""
    outcome, counts = report["outcome"], report["counts"]
    if report["unread"]:
        return "unread", {}
    if report["withdrawal"]:
        return f"withdrawal_{outcome}", {}
    if not counts:
        return f"outcome_{outcome}", {}
    if counts["refused"]:
        return "several_refused", {"n": counts["refused"], "of": counts["read"]}
    return "unusable" if outcome == "refused" else f"several_{outcome}", {}


def values_of(
    choices: Sequence[tuple[str, str]],
    sent: SentForm,
    *,
    report: Mapping[str, Any] | None = None,
    refusal: Sentence | None = None,
    now: int = 0,
    placed: Sequence[Mapping[str, Any]] = (),
) -> Mapping[str, Any]:
    """The values of the template: a report or a refusal, if any, and the form. ``placed``: problems of the report that
    stand at their field in the form.
    """
    return {
        "choices": choices,
        "tries": tuple(EXAMPLES),
        "sent": sent,
        "report": report,
        "placed": placed,
        "refusal": refusal,
        "title": ("no_verdict", {}) if report is None else heading_of(report),
        "now": now,
        "rules": schemas.RULES_VERSION,
        "coded": coded,
    }


def _readable(pasted: bytes) -> str:
    """The text for its box. HTML has no NUL."""
    try:
        text = pasted.decode()
    except UnicodeDecodeError:
        text = pasted[:_MAX_INVALID].decode(errors="replace")
    return text.replace("\0", "\ufffd")
