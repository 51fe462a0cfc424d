"""Requests to join and the operator: dry run, approval and refusal by pages, API and replicas (SEC-017)."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

import schemas
from adapters.profile.study import draft_of, open_sample
from gateway.bootstrap.rehearsal import EXAMPLES, Rehearsal
from gateway.clock import now
from gateway.notices.request_acts import approve_request, refuse_request, try_request
from gateway.notices.requests import RequestBook
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.journal import Journal
from gateway.pages.requests.model import proposal
from gateway.pages.requests.view import TRIAL_SECONDS
from gateway.partners import Partners
from gateway.partners.onboarding import PartnerInput
from gateway.protocol.contact import Contact
from gateway.protocol.join_request import CLAIM_MS, Answered, JoinRequest
from gateway.protocol.journal import Actor, read_entry
from gateway.protocol.paris_time import paris_date
from gateway.protocol.partner import Partner, PublicAgreement
from gateway.protocol.topic import CONTACTS, JOINING, JOURNAL, NOTICES, PARTNERS, RUNS, SUBMISSIONS
from tests.harness import SECONDS, SECRET, records_of
from tests.notices.feed import REFUSED, FeedHost, feed, feed_host
from tests.notices.gateway import ADDRESS, ORIGIN, Gateway, opened
from tests.notices.persons import OPEN
from tests.notices.test_requests import PAGE, SENT, add
from tests.pages.desk import token_in
from tests.pages.signing import OPERATOR, cookie_of

pytestmark = pytest.mark.slow

SLUG = "ville"
CHOICES = {
    "title": {"path": "presentation/intitule"},
    "description": {"path": "presentation/resume"},
    "weeks": {"path": "accueil/du + accueil/au"},
    "sector": {"meanings": {"Hôtellerie": "s26"}},
}


def mapping_of() -> Mapping[str, Any]:
    """The mapping that a stranger makes of the feed."""

    sample = open_sample([feed()])["sample"]
    return draft_of(sample, CHOICES, on=date.fromisoformat(paris_date(now()))).mapping


class Operator:
    """The operator's browser."""

    def __init__(self, gateway: Gateway, cookie: str) -> None:
        self.gateway = gateway
        self.headers = {"Cookie": cookie, "Accept": "text/html"}

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.gateway.client.get(path, headers=self.headers)
        assert status == answer.status, await answer.text()
        return unescape(await answer.text())

    async def send(self, request_id: str, act: str, **fields: Any) -> ClientResponse:
        token = token_in(await self.get("/exploitation/demandes"))
        data = {"token": token, "act": act, "id": request_id, **fields}
        return await self.gateway.client.post(
            "/exploitation/demande", data=data, headers={**self.headers, **ORIGIN}, allow_redirects=False
        )

    async def post(self, request_id: str, act: str, status: int = 200, **fields: Any) -> str:
        answer = await self.send(request_id, act, **fields)
        assert status == answer.status, await answer.text()
        return unescape(await answer.text())


@asynccontextmanager
async def waiting(
    folder: Path, *, trial_seconds: float = TRIAL_SECONDS
) -> AsyncIterator[tuple[Gateway, Operator, FeedHost, str]]:
    """A gateway with one request that its owner has confirmed, and the host of its feed."""
    async with opened(folder, trial_seconds=trial_seconds) as gateway, feed_host() as host:
        request_id = await add(gateway, replace(SENT, feed=host.url, mapping=mapping_of()))
        await gateway.mails()
        text = gateway.link(PAGE).partition("c=")[2]
        operator = Operator(gateway, await cookie_of(gateway.harness.federation, OPERATOR.platform))
        assert "Aucune demande" in await operator.get("/exploitation/demandes")
        await gateway.client.post(PAGE, data={"c": text}, headers=ORIGIN)
        yield gateway, operator, host, request_id


async def acts(gateway: Gateway) -> list[tuple[str, str]]:
    """The journal."""
    entries = [read_entry(one.value or b"") for one in await records_of(gateway.harness.federation.log, JOURNAL)]
    return [(one.act, one.about) for one in entries]


async def test_nothing_is_fetched_before_the_operator_asks_and_a_dry_run_publishes_nothing(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (gateway, operator, host, request_id):
        log = gateway.harness.federation.log
        listed = await operator.get("/exploitation/demandes")
        assert all(text in listed for text in (SENT.name, "example.org", "127.0.0.1", "identité non vérifiée"))
        assert "parle pour la plateforme" in await operator.get(f"/exploitation/demande?id={request_id}")
        before = {topic: len(await records_of(log, topic)) for topic in (SUBMISSIONS, RUNS, PARTNERS)}
        assert 0 == host.asked
        page = await operator.post(request_id, "try")
        assert 1 == host.asked
        assert all(text in page for text in ("Découvrir un atelier de reliure", REFUSED, "affichés qu’une fois"))
        assert before == {topic: len(await records_of(log, topic)) for topic in before}
        kept = gateway.harness.federation.contacts.requests.state[request_id]
        assert isinstance(kept, JoinRequest)
        assert kept.trial is not None
        assert (4, 3, 1) == (kept.trial.counts.items, kept.trial.counts.published, kept.trial.counts.refused)
        assert 1 == sum(kept.trial.rules.values())
        values = b"".join(one.value or b"" for one in await records_of(log, JOINING))
        assert b"Atelier Plume" not in values, "counts alone are kept"
        again = await operator.get(f"/exploitation/demande?id={request_id}")
        assert "Atelier Plume" not in again
        assert [("request.try", request_id)] == await acts(gateway)


async def test_a_page_does_not_wait_for_a_long_dry_run_and_says_where_its_result_will_be(tmp_path: Path) -> None:
    """Asked again meanwhile, it is the same dry run."""
    async with waiting(tmp_path, trial_seconds=0.05) as (gateway, operator, host, request_id):
        host.ready.clear()
        for _ in range(2):
            assert "L’essai est en cours" in await operator.post(request_id, "try")
        one = f"/exploitation/demande?id={request_id}"
        assert "L’essai est en cours" in await operator.get(one)
        host.ready.set()
        async with asyncio.timeout(SECONDS):
            while "L’essai est en cours" in (page := await operator.get(one)):
                await asyncio.sleep(0.01)
        assert ("Dernier essai" in page, host.asked) == (True, 1)
        assert "Atelier Plume" in page, "its offers and problems are on the first page after its end"
        assert "Atelier Plume" not in await operator.get(one)
        assert [("request.try", request_id)] == await acts(gateway)


async def test_an_approval_is_proposed_as_the_dry_run_found_the_platform(tmp_path: Path) -> None:
    """Slug, departments and hosts; the agreement is asked for, and a secret is made only where it is wanted."""
    async with waiting(tmp_path) as (gateway, operator, _host, request_id):
        await operator.post(request_id, "try")
        page = await operator.get(f"/exploitation/demande?id={request_id}")
        values = dict(re.findall(r'value="([^"]*)" id="([a-z_]+)"', page))
        proposed = {name: value for value, name in values.items()}
        assert ("29 35 56", "stages.ville.example") == (proposed["departments"], proposed["hosts"])
        assert proposed["slug"] == proposal(replace(OPEN, name=SENT.name), None, ()).slug != ""
        agreed = {"public_since": "2027-01-04", "public_agreement": "2027-1"}
        answer = await operator.send(request_id, "approve", slug=SLUG, scopes="offers:read", **agreed)
        assert 303 == answer.status
        partner = gateway.harness.federation.partners.get(SLUG)
        assert partner is not None
        assert ((), PublicAgreement(since="2027-01-04", agreement="2027-1")) == (partner.secrets, partner.public)
        assert "active" in await operator.get(f"/exploitation/plateforme?slug={SLUG}")


@pytest.mark.parametrize(
    ("name", "slug"), [("Ville de Saint-Étienne", "ville-de-saint-etienne"), ("Bretagne", ""), ("1 élève", "")]
)
def test_no_slug_is_proposed_that_is_known_or_cannot_be(name: str, slug: str) -> None:
    """Anybody may give the name of a Region."""
    proposed = proposal(replace(OPEN, name=name), None, ())
    assert (slug, "") == (proposed.slug, proposed.hosts), "a number is no name of a host"


async def test_a_request_that_no_trial_has_read_is_approved_by_a_box_alone(tmp_path: Path) -> None:
    """Not tried yet, and tried without success; the page has no figures of a trial that failed."""
    async with opened(tmp_path) as gateway:
        operator = Operator(gateway, await cookie_of(gateway.harness.federation, OPERATOR.platform))
        sent = replace(SENT, feed="https://10.0.0.1/x", mapping=mapping_of(), network="https://10.0.0.1/x")
        request_id = await add(gateway, sent)
        book = gateway.harness.federation.contacts.requests
        await book.change(book.confirming(request_id))
        wish = {"slug": SLUG, "scopes": "offers:read"}
        assert "pas encore été essayé" in await operator.post(request_id, "approve", 422, **wish)
        tried = await operator.post(request_id, "try")
        assert not any(text in tried for text in ("hors ligne, laissées de côté", "affichés qu’une fois"))
        assert "n’a pas pu lire" in await operator.post(request_id, "approve", 422, **wish)
        assert gateway.harness.federation.partners.get(SLUG) is None
        assert 303 == (await operator.send(request_id, "approve", **wish, untried="1")).status


async def test_a_feed_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        operator = Operator(gateway, await cookie_of(gateway.harness.federation, OPERATOR.platform))
        for feed_url, says in (
            ("https://10.0.0.1/offres.xml", "feed-address-private"),
            ("http://127.0.0.1:9/offres.xml", "feed-unreachable"),
        ):
            sent = replace(SENT, feed=feed_url, mapping=mapping_of(), network=feed_url)
            request_id = await add(gateway, sent)
            book = gateway.harness.federation.contacts.requests
            await book.change(book.confirming(request_id))
            page = await operator.post(request_id, "try")
            assert "flux illisible" in page
            kept = book.state[request_id]
            assert isinstance(kept, JoinRequest)
            assert kept.trial is not None
            assert says == kept.trial.failure


async def test_an_approval_makes_one_partner_and_one_entry_however_often_it_is_sent(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (gateway, operator, _host, request_id):
        federation = gateway.harness.federation
        assert "mérite" not in await operator.post(request_id, "approve", 422, slug="Pas un slug", scopes="offers:read")
        page = await operator.post(
            request_id, "approve", slug=SLUG, name=SENT.name, scopes="offers:read", secret="1", untried="1"
        )  # the word of a form
        assert "affiché une seule fois" in page
        again = await operator.send(request_id, "approve", slug="autre", name=SENT.name, scopes="offers:read")
        assert (303, True) == (again.status, f"slug={SLUG}" in again.headers["Location"])
        assert [("request.approve", SLUG)] == await acts(gateway)
        partner = federation.partners.get(SLUG)
        assert partner is not None
        assert partner.profile is not None
        assert (frozenset({"offers:read"}), SENT.name, False) == (partner.scopes, partner.name, partner.revoked)
        assert federation.partners.get("autre") is None
        kept = federation.contacts.requests.state[request_id]
        assert isinstance(kept, Answered)
        assert ADDRESS.encode() not in (await records_of(federation.log, JOINING))[-1].value  # type: ignore[operator]
        await federation.contacts.catch_up()
        [contact] = federation.contacts.of(SLUG)
        assert (ADDRESS, True, 2) == (contact.address, contact.active, contact.wording)
        await gateway.mails()
        await gateway.mails()
        subjects = [one["Subject"] for one in gateway.box.taken]
        assert [f"La plateforme {SENT.name} est branchée"] == subjects[1:], subjects
        enter = gateway.link("/connexion").partition("link=")[2]
        answer = await gateway.client.post("/connexion", data={"link": enter}, headers=ORIGIN, allow_redirects=False)
        assert (303, "/plateforme") == (answer.status, answer.headers["Location"].partition("?")[0])


async def test_a_refusal_needs_a_reason_which_the_person_gets_and_erases_all(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (gateway, operator, _host, request_id):
        await operator.post(request_id, "refuse", 422, why_refuse=" ")
        assert 303 == (await operator.send(request_id, "refuse", why_refuse="Ce flux est celui d’un autre.")).status
        assert 303 == (await operator.send(request_id, "refuse", why_refuse="Encore")).status
        assert [("request.refuse", request_id)] == await acts(gateway)
        await gateway.mails()
        await gateway.mails()
        assert "Ce flux est celui d’un autre." in gateway.box.text()
        kept = gateway.harness.federation.contacts.requests.state[request_id]
        assert isinstance(kept, Answered)
        await operator.get(f"/exploitation/demande?id={request_id}", 404)
        log = gateway.harness.federation.log
        for topic in (JOURNAL, NOTICES, CONTACTS, PARTNERS):
            assert all(b"essai@" not in (one.value or b"") for one in await records_of(log, topic))


async def test_a_request_is_neither_displayed_nor_answered_before_its_confirmation(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        request_id = await add(gateway)
        operator = Operator(gateway, await cookie_of(gateway.harness.federation, OPERATOR.platform))
        await operator.get(f"/exploitation/demande?id={request_id}", 404)
        for act in ("try", "approve", "refuse"):
            await operator.post(request_id, act, 404, slug=SLUG, scopes="offers:read", why_refuse="Motif")
        assert [] == await acts(gateway)


async def desks(gateway: Gateway, count: int) -> list[tuple[Desk, RequestBook]]:
    """The desks of several replicas on the log of a gateway."""
    found = []
    for _ in range(count):
        log, clock = gateway.harness.federation.log, gateway.clock
        partners = Partners(log, clock=clock)
        await partners.catch_up()
        journal = Journal(log, secret=SECRET, clock=clock)
        desk = Desk(log=log, partners=partners, journal=journal, actor=Actor(name="Nom"), why="Motif", clock=clock)
        found.append((desk, RequestBook(log, secret=SECRET, clock=clock)))
    return found


async def test_of_several_replicas_one_answers_a_request(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (gateway, _operator, _host, request_id):
        replicas = await desks(gateway, 3)
        outcomes = await asyncio.gather(
            *(
                approve_request(desk, book, request_id, f"{SLUG}-{number}", PartnerInput())
                for number, (desk, book) in enumerate(replicas)
            ),
            return_exceptions=True,
        )
        made = {one[0].platform for one in outcomes if isinstance(one, tuple)}
        assert 1 == len(made), outcomes
        assert all(isinstance(one, tuple | RefusedActError) for one in outcomes), outcomes
        assert 1 == len(await acts(gateway))
        with pytest.raises(RefusedActError):
            await refuse_request(*replicas[1], request_id)
        with pytest.raises(RefusedActError):
            await try_request(*replicas[1], request_id, gateway.harness.federation.rehearse)
        for desk, book in replicas:
            assert made == {(await approve_request(desk, book, request_id, "encore", PartnerInput()))[0].platform}


async def test_an_approval_that_was_cut_off_is_finished_with_the_same_partner(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (gateway, _operator, _host, request_id):
        (desk, book), (other, others) = await desks(gateway, 2)
        with pytest.raises(asyncio.CancelledError):
            await approve_request(_Cut(desk), book, request_id, SLUG, PartnerInput())  # type: ignore[arg-type]
        await other.partners.catch_up()
        with pytest.raises(RefusedActError, match="being answered"):
            await approve_request(other, others, request_id, "autre", PartnerInput())
        gateway.clock.move(CLAIM_MS / 1_000)
        partner, minted = await approve_request(other, others, request_id, "autre", PartnerInput())
        assert (SLUG, None) == (partner.platform, minted)
        assert [("request.approve", SLUG)] == await acts(gateway)
        await gateway.harness.federation.contacts.catch_up()
        assert 1 == len(gateway.harness.federation.contacts.of(SLUG))


async def test_an_approval_that_another_one_has_taken_over_makes_no_second_partner(tmp_path: Path) -> None:
    """SEC-017: the first replica is only slow; the other one goes on as the platform that it has named."""
    async with waiting(tmp_path) as (gateway, _operator, _host, request_id):
        (desk, book), (other, others) = await desks(gateway, 2)
        slow = _Slow(desk.partners)
        first = asyncio.create_task(
            approve_request(replace(desk, partners=slow), book, request_id, SLUG, PartnerInput())  # type: ignore[arg-type]
        )
        await slow.there.wait()
        gateway.clock.move(CLAIM_MS / 1_000)
        with pytest.raises(RefusedActError, match="being approved"):
            await refuse_request(other, others, request_id)
        second, _ = await approve_request(other, others, request_id, "autre", PartnerInput())
        slow.going.set()
        [found] = await asyncio.gather(first, return_exceptions=True)
        assert SLUG == second.platform
        assert not isinstance(found, BaseException), found
        assert SLUG == found[0].platform
        await other.partners.catch_up()
        assert "autre" not in [one.platform for one in other.partners.all()]


async def test_an_approval_that_is_slow_keeps_its_claim_and_makes_one_entry(tmp_path: Path) -> None:
    """A second click after more than a minute reads that the request is being answered."""
    async with waiting(tmp_path) as (gateway, _operator, _host, request_id):
        (desk, book), (other, others) = await desks(gateway, 2)
        slow = _Slow(desk.partners)
        slow_desk: Desk = replace(desk, partners=slow)  # type: ignore[arg-type]  # a partner file that waits
        first = asyncio.create_task(
            approve_request(slow_desk, book, request_id, SLUG, PartnerInput(), renew_seconds=0.01)
        )
        await slow.there.wait()
        gateway.clock.move(CLAIM_MS / 1_000)
        async with asyncio.timeout(SECONDS):
            while True:
                await others.catch_up()
                kept = others.state[request_id]
                if isinstance(kept, JoinRequest) and kept.claimed_at == gateway.clock():
                    break
                await asyncio.sleep(0.01)
        with pytest.raises(RefusedActError, match="being answered"):
            await approve_request(other, others, request_id, "autre", PartnerInput())
        slow.going.set()
        assert SLUG == (await first)[0].platform
        assert [("request.approve", SLUG)] == await acts(gateway)


class _Slow:
    """The partners of a replica that waits before it makes one."""

    def __init__(self, partners: Partners) -> None:
        self._partners = partners
        self.there, self.going = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._partners, name)

    async def create_topics(self, partner: Partner) -> None:
        self.there.set()
        await self.going.wait()
        await self._partners.create_topics(partner)


async def test_an_approval_that_was_cut_off_cannot_be_refused(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (gateway, _operator, _host, request_id):
        (desk, book), (other, others) = await desks(gateway, 2)
        with pytest.raises(asyncio.CancelledError):
            await approve_request(_Cut(desk), book, request_id, SLUG, PartnerInput())  # type: ignore[arg-type]
        gateway.clock.move(CLAIM_MS / 1_000)
        with pytest.raises(RefusedActError, match=SLUG):
            await refuse_request(other, others, request_id)


class _Cut:
    """A desk whose process ends when the partner is made, before the request says so."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._made = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._desk, name)

    def clock(self) -> int:
        if self._desk.partners.get(SLUG) is not None:
            raise asyncio.CancelledError
        return self._desk.clock()


async def test_a_dry_run_gives_at_most_ten_examples_of_each_problem(tmp_path: Path) -> None:
    async with feed_host() as host:
        rehearsal = Rehearsal(tmp_path / "pull", activations=lambda: schemas.NOT_ACTIVATED, loopback=True, clock=now)
        mapping = {name: rule for name, rule in mapping_of().items() if name != "items"} | {"items": "annonces/annonce"}
        document = {
            "platform": "a-completer",
            "name": "Essai",
            "transport": {"kind": "https", "url": host.url, "every_minutes": 60},
            "format": "xml",
        }
        found = await rehearsal.run({**document, "mapping": mapping_of()})
        assert all(len(one["examples"]) <= EXAMPLES for one in found.problems)
        assert 3 == len(found.offers)
        wrong = await rehearsal.run({**document, "mapping": mapping | {"fields": {}}})
        assert wrong.failure is not None
        assert [] == [*(tmp_path / "pull").iterdir()]


async def test_a_contact_of_a_request_is_a_contact_like_any_other(tmp_path: Path) -> None:
    async with waiting(tmp_path) as (gateway, operator, _host, request_id):
        await operator.post(request_id, "approve", 303, untried="1", slug=SLUG, scopes="offers:read")
        await gateway.mails()
        federation = gateway.harness.federation
        await federation.contacts.catch_up()
        contact = federation.contacts.of(SLUG)[0]
        assert isinstance(contact, Contact)
        await gateway.client.post(gateway.link("/avis/fin"), headers=ORIGIN)
        await federation.contacts.catch_up()
        assert "left" == federation.contacts.get(contact.id).stopped
