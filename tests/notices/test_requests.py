"""From a sample to a request that its owner has confirmed: the pages, the mails and the sender together ([SEC-015])."""

from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any, cast

import pytest
import structlog
from aiohttp import FormData

from gateway.log.port import EventLog
from gateway.notices.notice import Event, Ledger, due, settled
from gateway.notices.plan import JOIN_REFUSED
from gateway.notices.requests import MAILS_A_DAY, RequestBook, Sent, ended, request_events
from gateway.operate.desk import RefusedActError
from gateway.protocol.join_request import (
    A_DAY_EACH,
    DAY_MS,
    KEPT_MS,
    MAX_BYTES,
    UNCONFIRMED_MS,
    Answered,
    JoinRequest,
    answered,
)
from gateway.protocol.topic import JOINING, JOURNAL, NOTICES, PARTNERS, RUNS
from tests.harness import records_of
from tests.notices.gateway import ADDRESS, ORIGIN, Gateway, opened
from tests.pages.connect.dialogue import Form
from tests.protocol.test_join_request import NOW, REQUEST

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[1] / "formats" / "drafting" / "01-rss.xml"
FEED = "https://flux.example/offres.xml"
SENT = Sent(
    name="Plateforme d’essai",
    feed=FEED,
    format="xml",
    mapping={"items": "/a/b"},
    address=ADDRESS,
    language="fr",
    network="198.51.100.0/24",
)
PAGE = "/brancher/demande"


async def study(gateway: Gateway, path: str = "/brancher") -> str:
    """The page after a sample was read."""
    data = FormData()
    data.add_field("sample", SAMPLE.read_bytes(), filename="export", content_type="application/octet-stream")
    data.add_field("do", "open")
    return await (await gateway.client.post(path, data=data)).text()


async def send(gateway: Gateway, page: str, path: str = "/brancher", do: str = "send", **typed: str) -> tuple[int, str]:
    """Send the form of a page with these fields; status and text of the answer."""
    data = FormData()
    fields: dict[str, Any] = {"name": SENT.name, "feed": FEED, "mail": ADDRESS} | typed
    values = {name: listed for name, listed in Form(page).values.items() if not name.startswith("request.")}
    for name, listed in values.items():
        for value in listed:
            data.add_field(name, value, content_type="text/plain")
    for name, value in fields.items():
        data.add_field(f"request.{name}", value, content_type="text/plain")
    data.add_field("do", do, content_type="text/plain")
    answer = await gateway.client.post(path, data=data)
    return answer.status, unescape(await answer.text())


def request(gateway: Gateway) -> JoinRequest:
    """The one request."""
    [found] = gateway.harness.federation.contacts.requests.state.values()
    assert isinstance(found, JoinRequest)
    return found


async def add(gateway: Gateway, sent: Sent = SENT) -> str:
    """Keep a request, without the page."""
    book = gateway.harness.federation.contacts.requests
    request_id, edit = book.adding(sent)
    await book.change(edit)
    return request_id


async def test_a_request_is_the_operators_once_its_address_was_confirmed_and_a_get_confirms_nothing(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as gateway:
        with structlog.testing.capture_logs() as lines:
            page = await study(gateway)
            status, text = await send(gateway, page)
            assert (200, True) == (status, f"en route vers {ADDRESS}" in text), text
            await gateway.mails()
            await gateway.mails()
            assert ["Confirmez votre demande de branchement d’une plateforme"] == [
                one["Subject"] for one in gateway.box.taken
            ]
            [mail] = gateway.box.taken
            assert mail["List-Unsubscribe"] is None
            written = gateway.box.text()
            assert SENT.name not in written, "a stranger may have typed it"
            assert FEED not in written
            link = gateway.link(PAGE)
            assert "Confirmez que cette demande est de vous" in await (await gateway.client.get(link)).text()
            await gateway.harness.federation.contacts.requests.catch_up()
            assert not request(gateway).open
            foreign = await gateway.client.post(
                PAGE, data={"c": link.partition("c=")[2]}, headers={"Origin": "https://a"}
            )
            assert 403 == foreign.status
            answer = await gateway.client.post(PAGE, data={"c": link.partition("c=")[2]}, headers=ORIGIN)
            assert "Votre demande est confirmée" in await answer.text()
        assert request(gateway).open
        assert (SENT.name, FEED, "xml") == (request(gateway).name, request(gateway).feed, request(gateway).format)
        assert {"example.org", "flux.example"} == {*request(gateway).hosts}
        log = gateway.harness.federation.log
        for topic in (NOTICES, JOURNAL, RUNS):
            assert all(b"essai@" not in (one.value or b"") for one in await records_of(log, topic))
        assert "essai@" not in repr(lines), "no line of the log names a person"
        assert all(b"flux.example" not in (one.value or b"") for one in await records_of(log, PARTNERS))


async def test_a_request_without_what_it_needs_is_not_sent_and_keeps_what_was_typed(tmp_path: Path) -> None:
    wrong = {
        "feed": ("http://flux.example/offres", "commence par http://"),
        "mail": (f"{ADDRESS}\r\nBcc: autre@example.org", "une seule adresse"),
        "name": (" ", "un nom de 1 à 100 caractères"),
    }
    async with opened(tmp_path) as gateway:
        page = await study(gateway)
        for name, (value, says) in wrong.items():
            status, text = await send(gateway, page, **{name: value})
            assert (422, True) == (status, says in text), text
            assert SENT.name in text or name == "name"
        status, text = await send(gateway, page, feed="https://nom:passe@flux.example/")
        assert (422, True) == (status, "contient un nom ou un mot de passe" in text)
        assert [] == await records_of(gateway.harness.federation.log, JOINING)


async def test_the_language_of_the_page_changes_without_losing_the_work(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        page = await study(gateway)
        assert '<a href="/en/connect" lang="en"' not in page, "an address would begin anew"
        assert 'formaction="/en/connect"' in page
        status, text = await send(gateway, page, path="/en/connect", do="study", name="Nom tapé")
        assert (200, True) == (status, 'value="Nom tapé"' in text)
        assert Form(page).values["path.title"] == Form(text).values["path.title"]


async def test_an_owner_erases_a_request_and_a_text_of_another_purpose_opens_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        request_id = await add(gateway)
        book = gateway.harness.federation.contacts.requests
        token = book.token(request(gateway).as_contact())
        other = gateway.harness.federation.contacts.token(request(gateway).as_contact())
        page = await (await gateway.client.post(PAGE, data={"c": other, "act": "erase"}, headers=ORIGIN)).text()
        assert "ne mène à aucune demande" in page
        assert isinstance(book.state[request_id], JoinRequest)
        page = await (await gateway.client.post(PAGE, data={"c": token, "act": "erase"}, headers=ORIGIN)).text()
        assert "Cette demande est effacée" in page
        assert isinstance(book.state[request_id], Answered)
        await gateway.mails()
        assert [] == gateway.box.taken


async def test_a_network_sends_five_a_day_over_all_replicas_and_its_address_is_not_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        for _ in range(A_DAY_EACH):
            await add(gateway)
        with pytest.raises(RefusedActError, match="today"):
            await add(gateway)
        page = await study(gateway)
        assert 200 == (await send(gateway, page))[0], "from another network"
        values = [one.value or b"" for one in await records_of(gateway.harness.federation.log, JOINING)]
        assert all(b"198.51.100" not in value and b"127.0.0" not in value for value in values)
        gateway.clock.move(DAY_MS / 1_000)
        await add(gateway)


async def test_a_mapping_of_more_than_twenty_kilobytes_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        with pytest.raises(RefusedActError, match="20 KiB"):
            await add(gateway, replace(SENT, mapping={"title": {"fixed": "x" * MAX_BYTES}}))


async def test_an_address_gets_three_such_mails_a_day_of_all_senders_together(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        for number in range(MAILS_A_DAY + 1):
            await add(gateway, replace(SENT, network=f"198.51.{number}.0/24", address=ADDRESS.upper()))
        await gateway.mails()
        assert MAILS_A_DAY == len(gateway.box.taken)
        gateway.clock.move(2 * DAY_MS / 1_000)
        await gateway.mails()
        assert MAILS_A_DAY == len(gateway.box.taken), "one that was held back gets none later"
        await add(gateway, replace(SENT, network="203.0.113.0/24"))
        await gateway.mails()
        assert MAILS_A_DAY + 1 == len(gateway.box.taken)


class _Owned:
    """A log that counts how often it was owned: each time is a write."""

    def __init__(self, log: EventLog) -> None:
        self._log, self.times = log, 0

    def __getattr__(self, name: str) -> Any:
        self.times += name == "own"
        return getattr(self._log, name)


async def test_what_is_refused_or_changes_nothing_writes_nothing_to_the_log(tmp_path: Path) -> None:
    """T-66: these come from strangers."""
    async with opened(tmp_path) as gateway:
        for _ in range(A_DAY_EACH):
            request_id = await add(gateway)
        log = _Owned(gateway.harness.federation.log)
        book = RequestBook(cast("EventLog", log), secret=b"s" * 32, clock=gateway.clock)
        await book.change(book.confirming(request_id))
        assert 1 == log.times
        await book.change(book.confirming(request_id))
        with pytest.raises(RefusedActError):
            await book.change(lambda _: _refuse())
        assert 1 == log.times
        await book.close()


def _refuse() -> Any:
    raise RefusedActError("request-limit", "As many as may be.")


async def test_requests_that_are_over_are_erased(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        await add(gateway)
        gateway.clock.move(UNCONFIRMED_MS / 1_000)
        await gateway.mails()
        assert {} == gateway.harness.federation.contacts.requests.state
        last = (await records_of(gateway.harness.federation.log, JOINING))[-1]
        assert last.value is None


def test_a_request_ends_after_seven_days_thirty_days_or_a_refusal_that_the_person_knows() -> None:
    confirmed = replace(REQUEST, confirmed_at=NOW)
    refused = replace(confirmed, refused="Motif")
    mail = due(Event(contact="r1", kind=JOIN_REFUSED), now=NOW)
    sent = Ledger({mail.event.id: settled([mail], "sent", now=NOW)[0]})
    assert [] == ended({"r1": REQUEST}, Ledger(), now=NOW + UNCONFIRMED_MS - 1)
    assert ["r1"] == ended({"r1": REQUEST}, Ledger(), now=NOW + UNCONFIRMED_MS)
    assert [] == ended({"r1": confirmed}, Ledger(), now=NOW + KEPT_MS - 1)
    assert ["r1"] == ended({"r1": confirmed}, Ledger(), now=NOW + KEPT_MS)
    assert [] == ended({"r1": refused}, Ledger({mail.event.id: mail}), now=NOW)
    assert [answered(refused)] == ended({"r1": refused}, sent, now=NOW)
    assert ["r1"] == ended({"r1": answered(refused)}, sent, now=NOW + KEPT_MS)
    assert [] == [*request_events({"r1": confirmed, "r2": answered(refused)})]
