"""Anonymous clients that send the worst requests without a pause: a process of their own, with a low priority.

``python -m tests.threats.flood`` reads one line of JSON, ``Orders``, writes a line when it has got its first answers,
and floods until standard input ends; then it writes how many answers of each status it has got.
"""

import json
import os
import random
import socket
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from threading import Event, Lock, Thread

from tests.threats.hostile import BODIES, hostile, names, posted

CLIENTS = 20
HALF_SENT = 5
"""Of each client of this kind."""
_SECONDS = 10.0
_WORDS = ("atelier", "decouverte", "rennes", "menuiserie", "e", "a", "35000", "nothing")
_HALF_BYTES = 65_536
_PIECE = b"x" * 65_536


@dataclass(frozen=True)
class Orders:
    """``addresses``: of the clients, in rotation; ``kind``: ``requests``, ``searches``, ``half-sent`` or
    ``endless``.
    """

    port: int
    addresses: Sequence[str]
    routes: Sequence[tuple[str, str]]
    origin: str
    kind: str

    def line(self) -> bytes:
        """As one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


class Client(Thread):
    """One client."""

    def __init__(self, orders: Orders, number: int, ended: Event, counts: Counter[str]) -> None:
        super().__init__(daemon=True)
        self._orders = orders
        self._address = orders.addresses[number % len(orders.addresses)]
        self._random = random.Random(number)
        self._ended = ended
        self._counts = counts
        self._lock = Lock()

    def run(self) -> None:
        send = {
            "requests": lambda: self._requests(self._worst()),
            "searches": lambda: self._requests(self._searches()),
            "half-sent": self._half,
            "endless": self._endless,
        }[self._orders.kind]
        while not self._ended.is_set():
            try:
                send()
            except OSError as error:
                self._count(type(error).__name__)

    def _count(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1

    def _connect(self) -> socket.socket:
        return socket.create_connection(
            ("127.0.0.1", self._orders.port), timeout=_SECONDS, source_address=(self._address, 0)
        )

    def _requests(self, requests: Iterator[bytes]) -> None:
        """Requests on one connection until the gateway closes it."""
        with closing(self._connect()) as connection:
            for request in requests:
                sending = Thread(target=_send, args=(connection, request))
                sending.start()
                status, kept = _answer(connection)
                self._count(status)
                if not kept:
                    with suppress(OSError):
                        connection.shutdown(socket.SHUT_RDWR)
                sending.join()
                if not kept or self._ended.is_set():
                    return

    def _worst(self) -> Iterator[bytes]:
        while not self._ended.is_set():
            method, path = self._random.choice(self._orders.routes)
            yield hostile(method, path, self._random.choice(names(method)), origin=self._orders.origin)

    def _searches(self) -> Iterator[bytes]:
        """Searches of public offers, each another one."""
        while not self._ended.is_set():
            words = "+".join(self._random.sample(_WORDS, 2))
            query = f"q={words}+{self._random.random()}"[: self._random.choice((9, 40))]
            order = self._random.choice(("newest", "title", "city"))
            path = f"/offres?{query}&order={order}&page={self._random.randint(1, 20)}"
            yield f"GET {path} HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\n\r\n".encode()

    def _forms(self) -> str:
        return self._random.choice([path for method, path in self._orders.routes if method == "POST"])

    def _half(self) -> None:
        """Forms that lack their end, on some connections at once, until they are answered."""
        open_: list[socket.socket] = []
        try:
            for _ in range(HALF_SENT):
                kind, body = self._random.choice([*BODIES.values()])
                open_.append(self._connect())
                form = posted(self._forms(), kind, body, origin=self._orders.origin)
                _send(open_[-1], form[: min(len(form) - 1, _HALF_BYTES)])
            for connection in open_:
                connection.settimeout(0.5)
                self._count(_answer(connection)[0])
        finally:
            for connection in open_:
                connection.close()

    def _endless(self) -> None:
        """A body without an end, to any address, as fast as it is read."""
        method, path = self._random.choice(self._orders.routes)
        with closing(self._connect()) as connection:
            head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=a\r\n"
            head += f"Origin: {self._orders.origin}\r\nContent-Length: {1 << 40}\r\n\r\n"
            connection.sendall(head.encode())
            with suppress(OSError):
                while not self._ended.is_set():
                    connection.sendall(_PIECE)
            self._count(_answer(connection)[0])


def _send(connection: socket.socket, request: bytes) -> None:
    with suppress(OSError):  # answered and closed before all of it was sent
        connection.sendall(request)


def _answer(connection: socket.socket) -> tuple[str, bool]:
    """The status of an answer, read to its end, and whether the connection is kept."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65_536)
        if not piece:
            return "closed", False
        head += piece
    head, _, body = head.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    size = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
    while len(body) < size and (piece := connection.recv(65_536)):
        body += piece
    return head[9:12].decode(), b"connection: close" not in lines


def main() -> None:
    """Flood until standard input ends."""
    os.nice(10)  # a flood comes from other machines
    orders = Orders(**json.loads(sys.stdin.readline()))
    ended, counts = Event(), Counter[str]()
    clients = [Client(orders, number, ended, counts) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    while sum(counts.values()) < CLIENTS:
        ended.wait(0.05)
    os.write(1, b"flooding\n")
    sys.stdin.read()
    ended.set()
    os.write(1, json.dumps(dict(counts)).encode())
    os._exit(0)  # some wait for an answer


if __name__ == "__main__":
    main()
