"""Mails: the text of notices in French and English, the fact first, and the headers by which a person leaves. Pure.

A mail holds numbers and the platform's own name: no offer's text, no employer, no other platform's name. Only a mail
that a person has asked for holds a link that signs in: for a link, or to join.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from importlib import resources
from typing import Any

import orjson

from gateway.notices.notice import Notice
from gateway.notices.plan import CONFIRM, JOINS, KINDS, SERVICE
from gateway.protocol.contact import Contact
from schemas.french import elided
from schemas.rulebook import Language

_LASTING = frozenset({"national-refused", "systems-late", "systems-back", "bound", "national-stopped", "dated"})
"""Facts that are found again each day while they last: the last number of each object counts, not their sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLinks:
    """The addresses in a mail: the pages of the platform, what comes to this contact, the address that ends it by one
    click; and in one mail each, where it agrees and where it signs in. ``leave`` is empty for who is no contact;
    ``ask``: where a person asks for a link; ``reason``: of the operator who has refused.
    """

    page: str = ""
    choose: str = ""
    leave: str = ""
    confirm: str = ""
    enter: str = ""
    ask: str = ""
    reason: str = ""


def compose(
    contact: Contact, notices: Sequence[Notice], links: MailLinks, *, platform: str, sender: str, now: int
) -> bytes:
    """The mail of these notices as it is sent. Every copy of it has the same Message-ID."""
    texts, kind = texts_of(contact.language), notices[0].event.kind
    values = {"platform": platform, "name": contact.name, **asdict(links)}
    found = _facts(notices, contact.language)
    if kind in SERVICE:
        subject, body = texts[kind]["subject"], [*texts[kind]["lines"], *([texts["leave"]] if links.leave else ())]
    else:
        others = len(found) - 1
        subject = found[0] + _counted((texts["more_one"], texts["more_many"]), others, contact.language) * (others > 0)
        body = [texts[name] for name in ("page", "why", "choose", "leave")]
    stranger = kind == CONFIRM or kind in JOINS  # another person has typed the name
    hello = texts["hello_stranger" if stranger else "hello"]
    lines = [hello, *(f"– {one}." for one in found), *body, texts["automatic"]]
    subject, *lines = (_filled(one, contact.language, values) for one in (subject, *lines))
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Passerelle", addr_spec=sender)
    message["To"] = Address(addr_spec=contact.address)
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.fromtimestamp(now // 1_000, UTC))
    message["Message-ID"] = f"<{notices[0].mail}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = contact.language
    if links.leave:
        message["List-Unsubscribe"] = f"<{links.leave}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("\n\n".join(lines) + "\n", cte="quoted-printable")
    return message.as_bytes()


def _facts(notices: Sequence[Notice], language: Language) -> list[str]:
    """The facts of these notices, a sentence for each kind, the most urgent first."""
    numbers: dict[str, dict[str, int]] = {}
    for one in notices:
        key = one.event.about if one.event.kind in _LASTING else one.event.id
        numbers.setdefault(one.event.kind, {})[key] = one.event.number
    texts = texts_of(language)["kinds"]
    return [_counted(texts[kind], sum(numbers[kind].values()), language) for kind in KINDS if kind in numbers]


def _counted(forms: Sequence[str], number: int, language: Language) -> str:
    """The singular or plural of a text, with its number ``n``. In French none takes the singular as well."""
    one = abs(number) < 2 if language == "fr" else number == 1
    written = f"{number:,}" if language == "en" else f"{number:,}".replace(",", "\u202f")
    return forms[0 if one else 1].replace("{n}", written)


def _filled(text: str, language: Language, values: Mapping[str, str]) -> str:
    """A text with its placeholders filled, once: a name may have braces."""
    return (elided(text, values) if language == "fr" else text).format(**values)


@cache
def texts_of(language: Language) -> Mapping[str, Any]:
    """The texts of mails in a language."""
    text = resources.files("gateway.notices").joinpath("texts.json").read_bytes()
    texts: Mapping[str, Any] = orjson.loads(text)[language]
    return texts
