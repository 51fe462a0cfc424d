"""[SEC-014] [SEC-016]: every page of an operator is closed to all others, and takes no form but its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from gateway.protocol.topic import COMMON
from tests.harness import URL
from tests.pages.desk import HTML, desk_of, operator_of, pairs, token_in
from tests.pages.feeds import FAILING
from tests.pages.partner.seeded import CANARY, OTHER, seed
from tests.pages.signing import SIGNED, cookie_of
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

SLUG = SIGNED.platform
FORMS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "systems": [{"act": "pause", "platform": FAILING, "reason": "En maintenance"}],
    "selection": [{"act": "pause", "item": f"0 {FAILING}", "reason": "En maintenance"}],
    "moderation": [{"act": "moderate", "id": f"{OTHER.platform}:{CANARY}-1", "reason": "x", "sequence": "2"}],
    "partners_new": [{"slug": "essai", "name": "Essai", "scopes": ["offers:publish"], "credential": "secret"}],
    "partners_one": [
        {"slug": SLUG, "act": "rotate", "known": "", "overlap": "0"},
        {"slug": SLUG, "act": "link", "person": "NOM"},
        {"slug": SLUG, "act": "sign-out"},
    ],
    "partners_alter": [{"slug": SLUG}],
    "partners_revoke": [{"slug": SLUG, "why": "x"}],
    "national_order": [{"order": "replay"}],
    "requests_one": [
        {"id": "demande", "act": act, "slug": "essai", "scopes": ["offers:read"], "why_refuse": "x", "untried": "1"}
        for act in ("try", "approve", "refuse")
    ],
    "evolutions_day": [{"act": "activate", "release": "1.0", "day": "2099-09-01"}],
    "journal_erase": [{"name": "NOM", "confirmed": "1"}],
}
"""By page: the forms that would act."""


async def test_they_are_closed_to_a_platform_and_to_strangers(site: PageHarness) -> None:
    """With and without parameters, and without a word of what they would say."""
    await seed(site)
    queries = ("", f"?id={OTHER.platform}:{CANARY}-1", f"?slug={OTHER.platform}", f"?act=pause&platform={FAILING}")
    pages = [page for page in site.site.pages if page.role == "operator"]
    assert {"systems", "refusals", "journal", "national"} < {page.name for page in pages}
    for path in (f"{page.paths['fr']}{query}" for page in pages for query in queries):
        answer = await site.client.get(path, headers=HTML)
        text = await answer.text()
        assert (403, True, False) == (answer.status, "réservée aux exploitants" in text, OTHER.name in text), path
        assert 401 == (await site.client.get(path, headers={**HTML, "Cookie": "x=y"})).status


async def test_a_forged_form_does_nothing(site: PageHarness) -> None:
    """From another site, with another session's token or none, or of a platform: 403, and nothing is written."""
    await seed(site)
    desk, other = await desk_of(site), await operator_of(site)
    own, foreign = await desk.token(), await other.token()
    platform = {**HTML, "Origin": URL, "Cookie": await cookie_of(desk.federation, SLUG)}
    platforms = token_in(await (await site.client.get("/session", headers=platform)).text())
    forged = [
        *(({**desk.headers, "Origin": origin}, own) for origin in ("https://evil.example", "null")),
        ({**desk.headers, "Sec-Fetch-Site": "cross-site"}, own),
        *((desk.headers, token) for token in (foreign, platforms, own[:-1], "x", "")),
        *((platform, token) for token in (own, platforms)),
    ]
    log = desk.federation.log
    before = {topic.name: await log.ends(topic.name) for topic in COMMON}
    posted = {page.name: page.paths["fr"] for page in site.site.pages if page.role == "operator" and page.post}
    assert posted.keys() == FORMS.keys()
    for name, path in posted.items():
        for fields in FORMS[name]:
            for headers, token in forged:
                data = pairs({**fields, "token": token})
                answer = await site.client.post(path, data=data, headers=headers, allow_redirects=False)
                assert 403 == answer.status, (name, headers, token)
    assert before == {topic.name: await log.ends(topic.name) for topic in COMMON}


async def test_a_page_below_another_has_its_item_in_the_menu(site: PageHarness) -> None:
    """The days of a release, and the subscriptions of all platforms."""
    desk = await desk_of(site)
    for path, item in (("evolutions/jour", "evolutions"), ("abonnements", "plateformes")):
        assert f'<a href="/exploitation/{item}" aria-current="true">' in await desk.get(f"/exploitation/{path}")
