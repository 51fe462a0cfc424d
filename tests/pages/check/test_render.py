"""The template renders every report, in both languages, beside pages that it links to."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.bootstrap.page_work import check, known_profiles
from gateway.pages.base.page import Page
from gateway.pages.base.templates import Templates
from gateway.pages.check import content, report
from gateway.pages.check.view import SentForm, choices_of, values_of
from schemas.rulebook import LANGUAGES, Language
from tests.pages.check.offers import DAY, FEED, REFUSED, sound

NAMES = (
    "home",
    "check",
    "check_form",
    "connect",
    "reference",
    "reference_fields",
    "reference_rule",
    "reference_lists",
    "legal",
    "privacy",
    "accessibility",
)
PAGES = [Page(name, {"fr": f"/{name}/{{part}}", "en": f"/en/{name}/{{part}}"}, None) for name in NAMES]
TEMPLATES = Templates(PAGES, prefix="", about={"version": "1", "source": None})


def rendered(found: Any, language: Language) -> str:
    values = values_of(choices_of(known_profiles()), SentForm(), report=found, now=1_800_000_000_000)
    return TEMPLATES.render("check/check.html", values, language, page="check")


CONTENTS = {
    "refused": REFUSED.encode(),
    "accepted": sound(),
    "warned": sound(weeks=["2027-W24"]),
    "nowhere": sound(redistribution={"regions": False, "national": False}),
    "masked": sound(redistribution={"mask_employer": True}),
    "national": sound(id="national:1"),
    "mixed": sound(levels=["troisieme", "seconde"]),
    "later": sound(weeks=["2028-W24", "2028-W25"]),
    "nothing in it": b"{}",
    "no object": b"{1",
    "withdrawal": b'{"id": "bretagne:1", "revision": 1, "withdrawn": "filled"}',
    "wrong withdrawal": b'{"id": "bretagne:1", "revision": 1, "withdrawn": "x"}',
    "lines": b"\n".join([sound(), sound(levels=["3e"]), b"{"] * 30),
    "array": b"[" + sound() + b"]",
    "array with a mark": b"\xef\xbb\xbf[" + sound() + b"]",
    "feed": FEED,
    "bomb": b"<!DOCTYPE a><source/>",
    "markup": sound(title="<b>x</b>", **{"<i>": "`<u>`"}),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_every_report_is_rendered_with_links_to_its_rules(name: str) -> None:
    for language in LANGUAGES:
        arguments = {"choice": "auto", "language": language, "on": DAY.isoformat()}
        found = orjson.loads(orjson.dumps(check(CONTENTS[name], arguments)))
        text = rendered(found, language)
        linked = set(re.findall(r'href="(?:/en)?/reference_rule/([^"]+)"', text))
        assert linked >= {one["code"] for one in (*found["problems"], *found["groups"]) if one["requirement"]}
        assert not re.search(r"<[iu]>", text)


def test_every_reason_for_no_verdict_has_its_texts() -> None:
    sources = [Path(module.__file__ or "").read_text() for module in (content, report)]
    raised = {code for source in sources for code in re.findall(r'UnreadableError\("([a-z0-9-]+)"', source)}
    codes = raised | {*content.SIGNATURES.values(), *content.MALFORMED.values(), *report.UNKNOWN.values()}
    for code in codes - {"refused"}:
        for language in LANGUAGES:
            found: dict[str, Any] = {
                "unread": code,
                "values": {"names": "A, B"},
                "outcome": "refused",
                "counts": {},
                "problems": [],
            }
            assert 'id="verdict"' in rendered(found, language)
