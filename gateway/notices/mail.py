"""Mails: the text of notices in French and English, the fact first, and the headers by which a person leaves. Pure.

A mail holds numbers and the platform's own name: no offer's text, no employer, no other platform's name. Only the mail
that a person has asked for holds a link that signs in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from gateway.notices.plan import KINDS, SERVICE
from gateway.protocol.contact import Contact
from schemas.rulebook import Language

_LASTING = frozenset({"national-refused", "systems-late", "systems-back", "bound", "national-stopped"})
"""Facts that are found again each day while they last: the last number of each object counts, not their sum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailLinks:
    """The addresses in a mail: the pages of the platform, what comes to this contact, the address that ends it by one
    click; and in one mail each, where it agrees and where it signs in.
    """

    page: str
    choose: str
    leave: str
    confirm: str = ""
    enter: str = ""


def compose(
    contact: Contact, notices: Sequence[Notice], links: MailLinks, *, platform: str, sender: str, now: int
) -> bytes:
    """The mail of these notices as it is sent. Every copy of it has the same Message-ID."""
    subject, lines = _service(contact, notices, links, platform) or _facts(contact, notices, links, platform)
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Passerelle", addr_spec=sender)
    message["To"] = Address(addr_spec=contact.address)
    message["Subject"] = subject
    message["Date"] = format_datetime(datetime.fromtimestamp(now // 1_000, UTC))
    message["Message-ID"] = f"<{notices[0].mail}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = contact.language
    message["List-Unsubscribe"] = f"<{links.leave}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content("\n\n".join(lines) + "\n", cte="quoted-printable")
    return message.as_bytes()


def facts(contact: Contact, notices: Sequence[Notice], platform: str) -> list[str]:
    """The facts of these notices, a sentence for each kind, the most urgent first."""
    numbers: dict[str, dict[str, int]] = {}
    for one in notices:
        key = one.event.about if one.event.kind in _LASTING else one.event.id
        numbers.setdefault(one.event.kind, {})[key] = one.event.number
    counts = {kind: sum(found.values()) for kind, found in numbers.items()}
    texts = texts_of(contact.language)["kinds"]
    return [
        texts[kind][not is_one(counts[kind], contact.language)].format(n=counts[kind], platform=platform)
        for kind in KINDS
        if kind in counts
    ]


def is_one(number: int, language: Language) -> bool:
    """Whether a number takes the singular: in French none does as well."""
    return abs(number) < 2 if language == "fr" else number == 1


def _facts(contact: Contact, notices: Sequence[Notice], links: MailLinks, platform: str) -> tuple[str, list[str]]:
    texts, found = texts_of(contact.language), facts(contact, notices, platform)
    others = len(found) - 1
    more = texts["more_one" if is_one(others, contact.language) else "more_many"].format(n=others) if others else ""
    lines = [texts["hello"].format(name=contact.name), *(f"– {one}." for one in found)]
    lines += [texts["page"].format(page=links.page), texts["why"].format(platform=platform)]
    lines += [texts["choose"].format(choose=links.choose), texts["leave"].format(leave=links.leave), texts["automatic"]]
    return found[0] + more, lines


def _service(
    contact: Contact, notices: Sequence[Notice], links: MailLinks, platform: str
) -> tuple[str, list[str]] | None:
    kind, texts = notices[0].event.kind, texts_of(contact.language)
    if kind not in SERVICE:
        return None
    values = {"platform": platform, "confirm": links.confirm, "enter": links.enter, "choose": links.choose}
    lines = [texts["hello"].format(name=contact.name), *(line.format(**values) for line in texts[kind]["lines"])]
    lines += [texts["leave"].format(leave=links.leave), texts["automatic"]]
    return texts[kind]["subject"].format(**values), lines


@cache
def texts_of(language: Language) -> Mapping[str, Any]:
    """The texts of mails in a language."""
    text = resources.files("gateway.notices").joinpath("texts.json").read_bytes()
    texts: Mapping[str, Any] = orjson.loads(text)[language]
    return texts
