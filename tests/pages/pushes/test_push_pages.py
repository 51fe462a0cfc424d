"""The pages of pushes: a platform sees its own and acts on them, the operator sees the state of all, no query of a url.

[PSH-001] [PSH-009] [PSH-012] [PSH-013] [SEC-016]
"""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientResponse

from gateway.protocol.push import PushRow, begin
from gateway.protocol.push_record import attempt_record, progress_record
from gateway.protocol.subscription import ACTS_AN_HOUR, MAX_SUBSCRIPTIONS, SigningKey, Subscription
from gateway.protocol.topic import PUSHES, SUBSCRIPTIONS
from gateway.push.signature import consent_code
from tests.clock import START
from tests.harness import SECRET, URL
from tests.pages.signing import OPERATOR, SIGNED, cookie_of
from tests.pages.site import PageHarness, opened

OWN = {"Origin": URL}
PATH, ALL = "/plateforme/abonnements", "/exploitation/abonnements"
ONE = Subscription(
    id="a1",
    name="copie",
    url="https://stages.example.org/in?key=s3cret",
    keys=(SigningKey(nonce="00" * 16),),
    consent="11" * 16,
    confirmed=True,
)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[PageHarness]:
    async with opened(tmp_path) as found:
        await subscribe(found, ONE)
        yield found


async def subscribe(site: PageHarness, one: Subscription) -> None:
    federation = site.harness.federation
    partner = federation.partners.get(SIGNED.platform)
    assert partner is not None
    await federation.subscriptions.change(partner.platform, partner.joined_at, lambda own: own.put(one))


async def stored(site: PageHarness, name: str = "copie") -> Subscription | None:
    book = site.harness.federation.subscriptions
    await book.catch_up()
    return book.state.platforms[SIGNED.platform].get(name)


async def text_of(site: PageHarness, path: str = PATH, platform: str = SIGNED.platform) -> str:
    cookie = await cookie_of(site.harness.federation, platform)
    answer = await site.client.get(path, headers={"Cookie": cookie})
    assert answer.status == 200
    return await answer.text()


async def send(site: PageHarness, path: str = PATH, **fields: str) -> ClientResponse:
    page = await (await site.client.get(PATH)).text()
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    return await site.client.post(path, data={"token": token[1], **fields}, headers=OWN, allow_redirects=False)


def form_in(page: str) -> str:
    """The form of the settings."""
    return page.partition('id="settings-heading"')[2]


async def fail(site: PageHarness) -> None:
    """The sender has found a change that the endpoint refuses."""
    federation = site.harness.federation
    progress = replace(begin(ONE, "L@00", ends=(0, 0, 0), now=START), blocked=("bretagne:7", 3), failures=5)
    partition = federation.subscriptions.partition(SIGNED.platform)
    row = PushRow(at=START, changes=1, status=422, offer="bretagne:7")
    await federation.log.append(SUBSCRIPTIONS, partition, [progress_record(SIGNED.platform, "copie", progress)])
    rows = [row, PushRow(at=START, reason="host-unknown", test=True)]
    await federation.log.append(PUSHES, partition, [attempt_record(SIGNED.platform, ONE.id, one) for one in rows])


async def test_a_platform_sees_its_url_its_attempts_and_the_change_that_is_refused(site: PageHarness) -> None:
    await fail(site)
    page = await text_of(site)
    for text in ("s3cret", "en échec", "bretagne:7", "422", "machine inconnue", "Passer bretagne:7"):
        assert text in page


async def test_a_reason_that_this_version_does_not_know_is_displayed_as_it_is(site: PageHarness) -> None:
    """A sender of a later version may have written it."""
    row = PushRow(at=START, reason="later-reason")
    partition = site.harness.federation.subscriptions.partition(SIGNED.platform)
    await site.harness.federation.log.append(PUSHES, partition, [attempt_record(SIGNED.platform, ONE.id, row)])
    assert "<code>later-reason</code>" in await text_of(site)


async def test_the_operator_sees_states_and_no_query_of_a_url(site: PageHarness) -> None:
    await fail(site)
    page = await text_of(site, ALL, OPERATOR.platform)
    for text in ("copie", "en échec", "bretagne:7", "https://stages.example.org/in"):
        assert text in page
    assert "s3cret" not in page
    assert "<form" not in page.partition("<main")[2].partition("</main")[0]


@pytest.mark.parametrize(("former", "path"), [("/plateforme/envois", PATH), ("/exploitation/envois", ALL)])
async def test_a_former_address_leads_to_the_page(site: PageHarness, former: str, path: str) -> None:
    answer = await site.client.get(former, allow_redirects=False)
    assert (308, path) == (answer.status, answer.headers["Location"])


async def test_acts_are_orders_and_a_new_secret_is_in_one_answer(site: PageHarness) -> None:
    await fail(site)
    for action in ("test", "replay", "enable", "skip"):
        assert 303 == (await send(site, act=action, name="copie")).status
    one = await stored(site)
    assert one is not None
    assert (1, 1, 2, ("bretagne:7", 3)) == (one.tests, one.replays, one.enables, one.skip)
    rotated = await send(site, act="rotate", name="copie")
    assert (200, True) == (rotated.status, "whsec_" in await rotated.text())
    assert "whsec_" not in await text_of(site)
    refused = await send(site, act="rotate", name="copie")
    assert (409, True) == (refused.status, "Deux clés signent" in await refused.text())


async def test_a_page_that_is_out_of_date_skips_no_other_change_than_it_names(site: PageHarness) -> None:
    await fail(site)
    assert '<input type="hidden" name="offer" value="bretagne:7">' in await text_of(site)
    refused = await send(site, act="skip", name="copie", offer="bretagne:6")
    assert (409, True) == (refused.status, "n’est plus refusé" in await refused.text())
    one = await stored(site)
    assert one is not None
    assert one.skip is None
    assert 303 == (await send(site, act="skip", name="copie", offer="bretagne:7")).status


async def test_a_url_is_confirmed_by_its_code(site: PageHarness) -> None:
    one = replace(ONE, confirmed=False)
    await subscribe(site, one)
    assert "URL à confirmer" in await text_of(site)
    assert 409 == (await send(site, act="confirm", name="copie", code="AAAA")).status
    code = consent_code(SECRET, SIGNED.platform, one)
    assert 303 == (await send(site, act="confirm", name="copie", code=code)).status
    assert "en service" in await text_of(site)


async def test_an_empty_address_is_asked_for(site: PageHarness) -> None:
    answer = await send(site, act="set", name="autre", url="")
    assert (422, True) == (answer.status, "Écrivez l’adresse de réception." in await answer.text())


async def test_a_subscription_is_deleted(site: PageHarness) -> None:
    first = await send(site, act="delete", name="copie")
    assert (200, True) == (first.status, "Supprimer l’abonnement copie" in await first.text())
    assert 303 == (await send(site, act="delete", name="copie", sure="1")).status
    assert await stored(site) is None
    assert 404 == (await send(site, act="delete", name="copie")).status
    assert 400 == (await send(site, act="other", name="copie")).status


async def test_a_subscription_is_created_by_the_form_and_its_secret_is_in_one_answer(site: PageHarness) -> None:
    await text_of(site)
    fields = {"name": "autre", "url": "https://stages.example.org/b", "level": "seconde", "territory": "all"}
    made = await send(site, act="set", max_batch="4096", rate="60", **fields)
    page = await made.text()
    assert (200, True, True) == (made.status, "whsec_" in page, "autre est créé" in page)
    assert "whsec_" not in await text_of(site)
    one = await stored(site, "autre")
    assert one is not None
    assert ({"level": ["seconde"]}, False, 4_096, 60) == (one.criteria, one.own_territory, one.max_batch, one.rate)
    again = await send(site, act="set", max_batch="4096", rate="60", **fields)
    assert (422, True) == (again.status, "il y en a déjà un de ce nom" in await again.text())


async def test_each_fault_of_the_form_is_said_at_its_field_and_what_was_typed_stays(site: PageHarness) -> None:
    await text_of(site)
    answer = await send(
        site,
        act="set",
        name="Pas un nom",
        url="http://127.0.0.1/x",
        max_batch="12",
        rate="zéro",
        bbox="1,2,3",
        week="x",
    )
    page = await answer.text()
    assert 422 == answer.status
    for name in ("name", "url", "max_batch", "rate", "bbox", "week"):
        assert f'id="{name}-error"' in page
    assert "6 champs" in page
    for typed in ("Pas un nom", "http://127.0.0.1/x", "1,2,3", "zéro"):
        assert typed in page


async def test_faults_are_said_in_the_language_of_the_page(site: PageHarness) -> None:
    await text_of(site)
    fields = {"name": "ok", "url": "https://127.0.0.1/x", "bbox": "1"}
    answer = await send(site, path="/en/platform/subscriptions", act="set", **fields)
    page = await answer.text()
    assert 422 == answer.status
    for text in ("its address is not public", "expected west,south,east,north", "it is 1024 to 65536", "4 fields"):
        assert text in page


async def test_a_subscription_is_changed_by_the_form_as_it_is(site: PageHarness) -> None:
    page = await text_of(site, f"{PATH}?edit=copie")
    assert 'value="https://stages.example.org/in?key=s3cret"' in page
    fields = {"act": "set", "name": "copie", "replaces": "1", "url": ONE.url, "max_batch": "20480", "rate": "600"}
    assert 303 == (await send(site, region="53", **fields)).status
    one = await stored(site)
    assert one == replace(ONE, criteria={"region": ["53"]}, own_territory=False)
    answer = await send(site, region="53", platform="occitanie, x", bbox="1", **fields)
    assert 422 == answer.status
    assert 'value="occitanie, x"' in await answer.text()
    assert 303 == (await send(site, region="53", platform="occitanie", **fields)).status
    assert replace(one, criteria={"region": ["53"], "platform": ["occitanie"]}) == await stored(site)
    checked = '<input type="checkbox" name="region" value="53" checked>'
    assert checked in await text_of(site, f"{PATH}?edit=copie")


async def test_a_sixth_subscription_is_refused(site: PageHarness) -> None:
    for number in range(MAX_SUBSCRIPTIONS - 1):
        await subscribe(site, replace(ONE, id=f"b{number}", name=f"b{number}"))
    page = await text_of(site)
    assert "Créer un abonnement" not in page
    fields = {"act": "set", "name": "autre", "url": ONE.url, "max_batch": "20480", "rate": "600"}
    answer = await send(site, **fields)
    assert (409, True) == (answer.status, "a déjà 5 abonnements" in await answer.text())
    assert 'value="https://stages.example.org/in?key=s3cret"' in form_in(await answer.text()), "what was typed stays"


async def test_what_was_typed_stays_where_there_were_too_many_acts(site: PageHarness) -> None:
    federation = site.harness.federation
    partner = federation.partners.get(SIGNED.platform)
    assert partner is not None
    times = (federation.clock(),) * ACTS_AN_HOUR
    await federation.subscriptions.change(partner.platform, partner.joined_at, lambda own: replace(own, acted=times))
    await text_of(site)
    fields = {"name": "autre", "url": "https://stages.example.org/b", "max_batch": "4096", "rate": "61"}
    answer = await send(site, act="set", level="seconde", **fields)
    form = form_in(await answer.text())
    assert 409 == answer.status
    for typed in (*fields.values(), "seconde"):
        assert f'value="{typed}"' in form
    assert 'value="seconde" checked' in form


async def test_a_form_of_another_site_does_nothing(site: PageHarness) -> None:
    headers = {"Origin": "https://other.example"}
    answer = await site.client.post(PATH, data={"act": "delete", "name": "copie"}, headers=headers)
    assert 403 == answer.status
    assert await stored(site) is not None
