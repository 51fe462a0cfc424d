"""The client as the partner of the conformance kit: as publisher and as subscriber it passes every case."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from conformance.model.case import RoleName
from conformance.model.library import cases
from conformance.model.result import Outcome, Result
from conformance.role.runner import CaseSelection, cases_for, drive
from conformance.target.setup import Setup, TargetAccount
from demo.broker import free_ports
from passerelle_client import (
    Connection,
    PageError,
    Publisher,
    Revisions,
    SignatureError,
    SqliteStore,
    follow,
    receive,
)
from tests.clients.python.servers import document, serving

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SECRET = "essai-secret"
ENDPOINT = "envois"


class PublishingPlatform:
    """Publishes in the background, one order after another."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._publisher = Publisher(connection, Revisions(folder / "revisions.db"))
        self._changes = 0
        self._worker = ThreadPoolExecutor(1)

    def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        if action == "reset":
            return {}
        self._changes += action == "change"
        offer = document(1, seats=1 + self._changes % 99) | {"id": f"bretagne:{given['offer']}"}
        if action == "withdraw":
            self._worker.submit(self._publisher.withdraw, offer["id"], "filled")
        else:
            self._worker.submit(self._publisher.publish, offer)
        return {"id": offer["id"]} if action == "create" else {}


class SubscribingPlatform:
    """Reads the feed to its end at each order, and receives pushes."""

    url = ""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection, self._folder, self._number, self._secret = connection, folder, 0, ""

    def order(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        if action == "reset":
            self._number += 1
        elif action == "receive":
            self._secret = given["secret"]
            return {"url": f"{self.url}/{ENDPOINT}"}
        elif action == "sync":
            follow(self._connection, self._store(), filters={"territory": "all"}, once=True)
        else:
            with self._store()._transaction() as database:
                rows = database.execute(
                    "SELECT id, sequence, offer FROM passerelle_offers WHERE offer IS NOT NULL"
                ).fetchall()
            return {"offers": {one: {"sequence": sequence, **json.loads(offer)} for one, sequence, offer in rows}}
        return {}

    def receive(self, headers: Mapping[str, str], body: bytes) -> int:
        """The status of a push."""
        try:
            receive(self._store(), headers, body, self._secret)
        except SignatureError:
            return HTTPStatus.UNAUTHORIZED
        except PageError:
            return HTTPStatus.UNPROCESSABLE_ENTITY
        return HTTPStatus.NO_CONTENT

    def _store(self) -> SqliteStore:
        return SqliteStore(str(self._folder / f"offers-{self._number}.db"))


@contextmanager
def controlled(platform: PublishingPlatform | SubscribingPlatform) -> Iterator[str]:
    """The test interface, and the endpoint of pushes beside it."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            sent, path = self.rfile.read(int(self.headers.get("Content-Length", 0))), self.path.strip("/")
            with lock:
                if path == ENDPOINT and isinstance(platform, SubscribingPlatform):
                    status, body = platform.receive(dict(self.headers), sent), b""
                else:
                    status, body = 200, json.dumps(platform.order(path, json.loads(sent or b"{}"))).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as url:
        if isinstance(platform, SubscribingPlatform):
            platform.url = url
        yield url


def alarms(results: Sequence[Result]) -> list[tuple[str, Outcome, object]]:
    return [
        (result.case.id, result.outcome, result.findings or result.reason)
        for result in results
        if result.outcome not in {Outcome.PASS, Outcome.OMIT}
    ]


@pytest.mark.parametrize(
    ("role", "slug", "made", "least"),
    [("publisher", "bretagne", PublishingPlatform, 20), ("subscriber", "grand-est", SubscribingPlatform, 45)],
)
async def test_the_kit_finds_no_fault_in_the_client(
    role: RoleName, slug: str, made: type[PublishingPlatform | SubscribingPlatform], least: int, tmp_path: Path
) -> None:
    [port] = free_ports(1)
    listen = f"127.0.0.1:{port}"
    with (
        Connection(f"http://{listen}", client_id=slug, client_secret=SECRET, patience=60) as connection,
        controlled(made(connection, tmp_path)) as control,
    ):
        account = TargetAccount(platform=slug, client_id=slug, secret=SECRET)
        setup = Setup(
            role=role, target="", listen=listen, control=control, accounts={role: account}, features={"push": True}
        )
        results = (await drive(setup, cases_for(setup, CaseSelection(), cases()), seed="client")).results
    assert [] == alarms(results)
    assert sum(result.outcome is Outcome.PASS for result in results) >= least
