"""The recipes that receive pushes: from a live gateway, over kills, and from a sender with every fault.

[PSH-003] [PSH-006] [PSH-007]
"""

import base64
import json
import sqlite3
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from conformance.model.result import Outcome
from tests.conformance.partner_fixtures import Subscriber, cases_of, played
from tests.docs.recipe import RECEIVE, Account, Receiver, opened_accounts
from tests.docs.test_recipes import copied, offer
from tests.harness import until
from tests.push.signed_page import signed

pytestmark = pytest.mark.recipes
LANGUAGES = sorted(RECEIVE)
SECRET, OTHER = ("whsec_" + base64.b64encode(letter * 32).decode() for letter in (b"a", b"b"))
GENERATION = 1_800_000_000_000


class Caller:
    """One partner's calls of the API."""

    def __init__(self, account: Account, session: aiohttp.ClientSession) -> None:
        self._account = account
        self._session = session
        self._token = ""

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a call, which is accepted."""
        if not self._token:
            form = {
                "grant_type": "client_credentials",
                "client_id": self._account.platform,
                "client_secret": self._account.secret,
            }
            async with self._session.post(f"{self._account.url}/oauth/token", data=form) as answer:
                self._token = (await answer.json())["access_token"]
        headers = {"Authorization": f"Bearer {self._token}", "Prefer": "wait=20"}
        async with self._session.request(method, self._account.url + path, json=body, headers=headers) as answer:
            assert answer.ok, await answer.text()
            return await answer.json()


async def coded(receiver: Receiver) -> str:
    """The code that it has logged."""

    def codes() -> list[str]:
        return [line.rpartition(" ")[2].strip() for line in receiver.lines if "code à confirmer" in line]

    await until(lambda: bool(codes()), seconds=60)
    return codes()[-1]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_copy_equals_the_feed_over_kills_of_the_receiver(language: str, tmp_path: Path) -> None:
    receiver = Receiver(language, tmp_path)
    async with opened_accounts(tmp_path, loopback_feeds=1) as accounts, aiohttp.ClientSession() as session:
        publisher, subscriber = (Caller(account, session) for account in accounts)

        async def equal() -> bool:
            page = await subscriber.call("GET", "/v1/changes?territory=all&limit=500")
            assert not page["more"]
            with suppress(sqlite3.OperationalError):  # nothing came yet
                return copied(tmp_path) == {change["id"]: change["offer"] for change in page["changes"]}
            return False

        async def publish(*numbers: int, revision: int = 1) -> None:
            for number in numbers:
                document = offer(number, revision=revision, title=f"L'atelier n° {number}, {revision}")
                await publisher.call("PUT", f"/v1/offers/{document['id']}", document)

        made = await subscriber.call(
            "PUT", "/v1/subscriptions/copie", {"url": receiver.url, "filter": {"territory": "all"}, "max_batch": 2_048}
        )
        receiver.secrets = made["secret"]
        await publish(*range(8))
        async with receiver.serving():
            await subscriber.call("POST", "/v1/subscriptions/copie/test")
            confirmed = {"code": await coded(receiver)}
            await subscriber.call("POST", "/v1/subscriptions/copie/confirm", confirmed)
            await until(equal, seconds=60)
            await publisher.call("DELETE", "/v1/offers/bretagne:recette-0?revision=2&reason=filled")
            await until(equal, seconds=60)
            await publish(*range(1, 8), revision=2)  # it is killed while these come
        for revision in (3, 4):
            await publish(2, 3, revision=revision)
            async with receiver.serving():
                await subscriber.call("POST", "/v1/subscriptions/copie/enable")
                await publish(4, 9, revision=revision)
        rotated = await subscriber.call("POST", "/v1/subscriptions/copie/rotate")
        receiver.secrets = f"{rotated['secret']} {receiver.secrets}"
        async with receiver.serving():
            await subscriber.call("POST", "/v1/subscriptions/copie/enable")
            await until(equal, seconds=60)
            await subscriber.call("POST", "/v1/subscriptions/copie/replay")
            await publish(5, revision=5)
            await until(equal, seconds=60)
    assert not any(
        secret.removeprefix("whsec_") in line for secret in receiver.secrets.split() for line in receiver.lines
    )


def page(*changes: dict[str, Any], more: bool = True, generation: int = GENERATION) -> bytes:
    return json.dumps({"changes": changes, "fresh": "", "more": more, "generation": generation}).encode()


def upsert(number: int, sequence: int) -> dict[str, Any]:
    document = offer(number, title=f"L'atelier {sequence}")
    return {"op": "upsert", "id": document["id"], "sequence": sequence, "offer": document}


def removal(number: int, sequence: int) -> dict[str, Any]:
    return {"op": "removal", "id": f"bretagne:recette-{number}", "sequence": sequence, "reason": "filled"}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_push_counts_once_in_order_and_from_its_own_subscription(language: str, tmp_path: Path) -> None:
    def titles() -> dict[str, str]:
        return {name.rpartition("-")[2]: one["title"] for name, one in copied(tmp_path).items()}

    async with Receiver(language, tmp_path, SECRET).serving() as receiver:

        async def push(body: bytes, *secrets: str, seconds: int = 0, **headers: str) -> int:
            return await receiver.post(body, {**signed(body, *(secrets or (SECRET,)), seconds=seconds), **headers})

        first = page(upsert(1, 10), upsert(2, 20))
        assert [204, 204] == [await push(first), await push(first)], receiver.lines
        assert {"1": "L'atelier 10", "2": "L'atelier 20"} == titles()

        refused = page(upsert(1, 90))
        for secrets, seconds, headers in (
            ((OTHER,), 0, {}),
            ((SECRET,), -301, {}),
            ((SECRET,), 301, {}),
            ((SECRET,), 0, {"webhook-signature": ""}),
            ((SECRET,), 0, {"webhook-signature": "v1,AAAA"}),
            ((SECRET,), 0, {"webhook-id": "msg_autre"}),
            ((SECRET,), 0, {"webhook-timestamp": "1e9"}),
        ):
            assert 401 == await push(refused, *secrets, seconds=seconds, **headers), (secrets, seconds, headers)
        assert 401 == await receiver.post(refused, signed(first, SECRET))
        no_offer = {**upsert(1, 91), "offer": None}
        for body in (b"[]", b'{"changes": 1, "more": true, "generation": 1}', page(no_offer), page({"id": "a"})):
            assert 400 == await push(body), body
        assert {"1": "L'atelier 10", "2": "L'atelier 20"} == titles()

        assert 204 == await push(page(removal(1, 12)), OTHER, SECRET), "both keys sign while one is renewed"
        assert 204 == await push(page(upsert(1, 11), upsert(2, 19)))
        assert {"2": "L'atelier 20"} == titles(), "what is older than what is known changes nothing"

        assert 204 == await push(page(upsert(3, 5), generation=GENERATION + 1))
        assert 204 == await push(page(upsert(9, 99), more=False)), "an earlier generation"
        assert {"2": "L'atelier 20", "3": "L'atelier 5"} == titles()
        assert 204 == await push(page(upsert(1, 3), generation=GENERATION + 1, more=False))
        assert {"1": "L'atelier 3", "3": "L'atelier 5"} == titles(), "what the new generation did not name is gone"

        code = b'{"changes": [], "fresh": "", "more": true, "generation": 0, "code": "ABC"}'
        assert 204 == await push(code)
        assert "ABC" == await coded(receiver)
        assert {"1": "L'atelier 3", "3": "L'atelier 5"} == titles()


class ReceivingPlatform(Subscriber):
    """A platform whose receiver is a recipe."""

    pushed = True
    language = ""
    folder = Path()

    def __init__(self, gateway: str) -> None:
        super().__init__(gateway)
        self.running = AsyncExitStack()

    async def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        await self.running.aclose()
        if action == "reset":
            (self.folder / "copie.db").unlink(missing_ok=True)
            return {}
        receiver = Receiver(self.language, self.folder, given["secret"])
        await self.running.enter_async_context(receiver.serving())
        return {"url": receiver.url}

    def offers(self) -> dict[str, Any]:
        with closing(sqlite3.connect(self.folder / "copie.db")) as base, suppress(sqlite3.OperationalError):
            rows = base.execute("SELECT id, sequence, document FROM offres WHERE document IS NOT NULL").fetchall()
            return {name: {"sequence": sequence, **json.loads(document)} for name, sequence, document in rows}
        return {}

    async def close(self) -> None:
        await self.running.aclose()
        await super().close()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_receiver_passes_every_case_of_the_kit_about_pushes(language: str, tmp_path: Path) -> None:
    made = type("Platform", (ReceivingPlatform,), {"language": language, "folder": tmp_path})
    chosen = [case for case in cases_of("subscriber") if case.family == "push"]
    results = await played(made, chosen)
    assert len(chosen) == len(results)
    assert [] == [
        (result.case.id, result.findings or result.reason) for result in results if result.outcome is not Outcome.PASS
    ]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_that_cannot_be_stored_is_answered_503_and_the_copy_of_another_stays(
    language: str, tmp_path: Path
) -> None:
    """The gateway sends it again; a file that the feed keeps is not taken over."""
    body = page(upsert(1, 10))
    async with Receiver(language, tmp_path, SECRET).serving() as receiver:
        assert 204 == await receiver.post(body, signed(body, SECRET))
        with closing(sqlite3.connect(tmp_path / "copie.db")) as base, base:
            base.execute("UPDATE flux SET filtres = 'territory=all', generation = 2")
        later = page(upsert(1, 20), upsert(2, 20), more=False)
        assert 503 == await receiver.post(later, signed(later, SECRET))
        assert ["L'atelier 10"] == [one["title"] for one in copied(tmp_path).values()]
        (tmp_path / "copie.db").write_bytes(b"no database" * 400)
        assert 503 == await receiver.post(later, signed(later, SECRET))


async def test_without_the_file_of_its_copy_no_page_is_taken_for_stored(tmp_path: Path) -> None:
    """For SQLite no name is a temporary file: the page would be lost, though it was answered 204."""
    body = page(upsert(1, 10))
    async with Receiver("php", tmp_path, SECRET, copy="").serving() as receiver:
        assert 503 == await receiver.post(body, signed(body, SECRET))
        await until(lambda: any("PASSERELLE_COPIE n’est pas réglée" in line for line in receiver.lines), seconds=60)
