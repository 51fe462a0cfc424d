"""The client's transport: resending, Retry-After, tokens, and reasons in both languages."""

import asyncio
import json
import socket
from email.utils import formatdate
from threading import Thread
from typing import Any

import pytest

from passerelle_client import ClientError, Connection, Publisher, RefusedError, Revisions, UnavailableError
from tests.clients.python.servers import Scripted, StoppedError, document, mocked, scripted, stopping

OFFERS = "PUT /v1/offers/*"


def client(url: str, **options: Any) -> Connection:
    return Connection(url, client_id="bretagne", client_secret="s", **{"language": "en", **options})


@pytest.mark.parametrize(
    ("fault", "stored"),
    [
        *((fault, stored) for fault in ("unavailable", "busy", "lost", "expired-token") for stored in (False, True)),
        *((fault, False) for fault in ("cut", "slow", "duplicate")),  # which store in any case
    ],
)
def test_a_publication_is_sent_until_it_is_answered_and_always_under_one_revision(
    fault: str, *, stored: bool, tmp_path: Any
) -> None:
    """ERR-009: whether or not a failed attempt took effect, the offer is there once."""
    scenario: dict[str, Any] = {"fault": fault, "on": OFFERS} | ({"stored": True} if stored else {})
    scenario |= {"seconds": 0} if fault in {"unavailable", "busy", "slow"} else {}
    with mocked(scenario) as mock, mock.connection() as connection:
        outcome = Publisher(connection, Revisions(tmp_path / "revisions.db")).publish(document(1))
        assert outcome.ok
        sent = [json.loads(one["body"])["revision"] for one in mock.requests("PUT")]
        assert {outcome.revision} == set(sent)
        assert 1 + (fault not in {"slow", "duplicate"}) == len(sent)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "100000"}, 300.0),
        ({"Retry-After": "soon"}, 0.25),
        ({"Retry-After": "-3"}, 0.25),
        ({}, 0.25),
        ({"Retry-After": formatdate(1_000_030, usegmt=True), "Date": formatdate(1_000_000, usegmt=True)}, 30.0),
        ({"Retry-After": formatdate(9_000_000, usegmt=True), "Date": formatdate(1_000_000, usegmt=True)}, 300.0),
        ({"Retry-After": formatdate(1_000_000, usegmt=True), "Date": formatdate(2_000_000, usegmt=True)}, 0.0),
    ],
)
def test_retry_after_is_honoured_as_seconds_and_as_a_date_within_five_minutes(
    headers: dict[str, str], expected: float
) -> None:
    """ERR-006: a date is compared with the answer's own, whatever this machine's clock says."""
    pauses: list[float] = []
    with (
        scripted(Scripted(503, {}, headers)) as (url, _),
        client(url, retrying=stopping(pauses)) as connection,
        pytest.raises(StoppedError),
    ):
        connection.call("GET", "/v1/platforms")
    assert [expected] == pauses


def test_a_wait_beyond_the_patience_ends_at_once_with_the_next_step() -> None:
    with (
        scripted(Scripted(503, {"detail": "later"}, {"Retry-After": "60"})) as (url, came),
        client(url, patience=5) as connection,
        pytest.raises(UnavailableError, match=r"later.*resending is safe") as caught,
    ):
        connection.call("GET", "/v1/platforms")
    assert (2, "unavailable") == (len(came), caught.value.code)


def test_a_token_is_renewed_before_it_ends_and_kept_until_then() -> None:
    answers = Scripted(body={})
    for life, tokens in ((3600, 1), (0, 3)):
        token = Scripted(body={"access_token": "token", "expires_in": life})
        with scripted(answers, token=token) as (url, came), client(url) as connection:
            for _ in range(3):
                connection.call("GET", "/v1/platforms")
        assert tokens == came.count(("POST", "/oauth/token"))


def test_a_token_that_is_no_longer_taken_is_renewed_once() -> None:
    with scripted(Scripted(401, {})) as (url, came), client(url) as connection:
        assert 401 == connection.call("GET", "/v1/platforms").status
    assert ["POST", "GET", "POST", "GET"] == [method for method, _ in came]


def test_a_success_that_is_no_json_is_not_taken_for_an_answer() -> None:
    """A proxy's page with status 200, or an answer that was cut."""
    page, cut = Scripted(200, b"<html>"), Scripted(200, b'{"chan')
    with scripted(page, cut, Scripted(body={"a": 1})) as (url, came), client(url) as connection:
        answer = connection.call("GET", "/v1/changes")
    assert ({"a": 1}, True, 4) == (answer.body, answer.resent, len(came))


def test_no_redirect_carries_the_token_elsewhere() -> None:
    with scripted(Scripted(307, {}, {"Location": "/elsewhere"})) as (url, came), client(url) as connection:
        assert 307 == connection.call("GET", "/v1/platforms").status
    assert ("GET", "/elsewhere") not in came


@pytest.mark.parametrize("token", [Scripted(308, b"", {"Location": "https://elsewhere"}), Scripted(200, b"[1]")])
def test_an_answer_without_a_token_is_refused_with_its_status(token: Scripted) -> None:
    """A redirect to https, a portal that asks to sign in."""
    with (
        scripted(Scripted(), token=token) as (url, _),
        client(url) as connection,
        pytest.raises(RefusedError, match=f"get a token. HTTP {token.status}"),
    ):
        connection.call("GET", "/v1/platforms")


@pytest.mark.parametrize(
    "url", ["https://u:secret@gateway.example", "gateway.example", "ftp://gateway.example", "https://", "http://[", ""]
)
def test_what_is_no_address_is_said_at_once(url: str) -> None:
    with pytest.raises(ClientError, match=r"not the address of a gateway.*PASSERELLE_URL"):
        client(url)


def test_a_refused_secret_ends_with_the_next_step() -> None:
    token = Scripted(401, {"error": "invalid_client", "error_description": "wrong"})
    with (
        scripted(Scripted(), token=token) as (url, _),
        client(url, language="fr") as connection,
        pytest.raises(RefusedError, match=r"délivrer un jeton.*wrong.*partner rotate"),
    ):
        connection.call("GET", "/v1/platforms")


class HangingUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Silent(asyncio.Protocol):
    """Accepts requests and never answers."""


class Plain(asyncio.Protocol):
    """Does not know TLS."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        transport.close()


@pytest.mark.parametrize(
    ("scheme", "other", "french", "english"),
    [
        ("http", HangingUp, "s’est interrompue", "was interrupted"),
        ("https", Plain, "TLS a échoué", "TLS connection failed"),
    ],
)
async def test_a_missing_answer_is_explained_in_the_users_language(
    scheme: str, other: type[HangingUp] | type[Plain], french: str, english: str
) -> None:
    server = await asyncio.get_running_loop().create_server(other, "127.0.0.1", 0)
    url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    def ask(language: str) -> str:
        with pytest.raises(UnavailableError) as caught, client(url, language=language, patience=0) as connection:
            connection.token()
        return caught.value.message

    async with server:
        assert french in await asyncio.to_thread(ask, "fr")
        assert english in await asyncio.to_thread(ask, "en")


def test_an_answer_that_does_not_come_and_a_host_that_is_not_there_have_different_reasons() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, client("http://127.0.0.1:1", patience=0) as nobody:
        with pytest.raises(UnavailableError, match="no answer at this address"):
            nobody.token()
        with scripted(Scripted()) as (url, _), client(url, patience=0) as connection:
            connection.token()
            connection.url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(UnavailableError, match="did not arrive in time"):
                connection.call("GET", "/v1/platforms", seconds=0.05)


def test_threads_share_a_connection_and_its_token() -> None:
    with scripted(Scripted(body={})) as (url, came), client(url) as connection:
        threads = [Thread(target=connection.call, args=("GET", "/v1/platforms")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (1, 8) == (came.count(("POST", "/oauth/token")), came.count(("GET", "/v1/platforms")))
