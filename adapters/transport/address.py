"""Addresses: which ones a feed may be fetched from. Public ones only, so that no profile reaches into our own network.

A name is resolved once, every address it leads to is judged, and the connection is made to those and no others: a
second answer of its name server changes nothing. The settings may allow loopback, for tests and the demo.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from adapters.transport.error import FeedError
from adapters.transport.worker import Worker
from gateway.address import Address, is_public


@dataclass(frozen=True, slots=True)
class Resolved:
    """One address of a name: its family and text."""

    family: socket.AddressFamily
    text: str


def is_permitted(address: Address, *, loopback: bool) -> bool:
    """Whether a feed may be fetched there: public, or, where that is allowed, this machine itself."""
    return is_public(address) or (loopback and address.is_loopback)


async def resolve(host: str, port: int, *, loopback: bool, worker: Worker) -> Sequence[Resolved]:
    """Every address of a host, looked up by the worker: a name server may not answer for a long time. Raises FeedError
    when there is none, and when only one of them is not permitted.
    """
    try:
        found = await worker.do(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        raise FeedError("feed-name-unknown", host=host) from None
    for _, _, _, _, place in found:
        if not is_permitted(ip_address(str(place[0])), loopback=loopback):
            raise FeedError("feed-address-private", host=host, address=str(place[0]))
    return [Resolved(family, str(place[0])) for family, _, _, _, place in found]
