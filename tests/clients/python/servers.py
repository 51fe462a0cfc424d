"""Gateways for the client, which blocks: a mock in a thread, and a server with scripted answers."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from gateway.mock.faults import FaultScenario, read_scenario
from gateway.mock.mock import mocking
from passerelle_client import Answer, Connection
from tests.mock.mock_harness import offer
from tests.server_thread import served_in_thread

BRETAGNE, SEEDS = "bretagne", 120


def document(number: int, **more: Any) -> dict[str, Any]:
    """An offer without warnings, and without a revision unless one is given."""
    made = offer(number, **{"levels": ["troisieme"], **more})
    return {name: value for name, value in made.items() if name != "revision" or name in more}


@dataclass(frozen=True)
class MockServer:
    """A mock; connections to it end with it."""

    url: str
    opened: ExitStack

    def connection(self, platform: str = BRETAGNE, made: type[Connection] = Connection, **options: Any) -> Connection:
        options = {"language": "en", **options}
        return self.opened.enter_context(made(self.url, client_id=platform, client_secret="any", **options))

    def requests(self, method: str, path: str = "") -> list[dict[str, Any]]:
        """What came, by method and the start of its path."""
        with self.connection() as connection:
            kept = connection.call("GET", "/mock/requests").body["requests"]
        return [one for one in kept if one["method"] == method and one["target"].startswith(path)]


@contextmanager
def mocked(*scenario: Mapping[str, Any], pause: float = 3_600.0) -> Iterator[MockServer]:
    """A mock that meets these faults; its seeds stay as they are unless ``pause`` is short."""

    def serve() -> Any:
        return mocking(
            host="127.0.0.1",
            port=0,
            line=lambda *_: None,
            scenario=FaultScenario(read_scenario(list(scenario))),
            pause=pause,
        )

    with served_in_thread(serve) as url, ExitStack() as opened:
        yield MockServer(url, opened)


@dataclass(frozen=True)
class Scripted:
    """What a scripted server answers: status, headers, and JSON or bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] | None = None


TOKEN = Scripted(body={"access_token": "token", "expires_in": 3600})


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server in threads of its own: its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def scripted(*answers: Scripted, token: Scripted = TOKEN) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """A server whose last answer is repeated: its URL, and the method and path of what came, tokens included."""
    left, came = list(answers), list[tuple[str, str]]()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            came.append((self.command, self.path))
            given = token if self.path == "/oauth/token" else left.pop(0) if len(left) > 1 else left[0]
            body = given.body if isinstance(given.body, bytes) else json.dumps(given.body).encode()
            headers = {"Date": self.date_time_string(), "Content-Length": str(len(body)), **(given.headers or {})}
            self.send_response_only(given.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as url:
        yield url, came


class StoppedError(Exception):
    """Ends a client instead of its pause."""


def stopping(pauses: list[float]) -> Callable[[str, float], None]:
    """Ends a client at its first pause, which is kept."""

    def retrying(_: str, seconds: float) -> None:
        pauses.append(seconds)
        raise StoppedError

    return retrying


class Impatient(Connection):
    """Waits for no decision."""

    def call(self, *given: Any, headers: Mapping[str, str] | None = None, **named: Any) -> Answer:
        return super().call(*given, headers={**(headers or {}), "Prefer": "wait=0"}, **named)
