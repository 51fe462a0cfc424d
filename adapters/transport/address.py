"""Addresses: which ones a feed may be fetched from. Public ones only, so that no profile reaches into our own network.

A name is resolved once, every address it leads to is judged, and the connection is made to those and no others: a
second answer of its name server changes nothing. The settings may allow loopback, for tests and the demo.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from yarl import URL

from adapters.transport.error import FeedError
from adapters.transport.worker import Worker
from gateway.runtime.address import Address, is_public, literal
from schemas.spoken import Spoken


@dataclass(frozen=True, slots=True)
class Resolved:
    """One address of a name: its family and text."""

    family: socket.AddressFamily
    text: str


def feed_url_fault(url: URL, *, loopback: bool) -> Spoken | None:
    """Why an address cannot be that of a feed: it must be https and hold no name or password. ``loopback`` allows http
    to this machine itself, by its address or as ``localhost``.
    """
    host = url.host or ""
    if url.scheme != "https" and not (loopback and url.scheme == "http" and _is_this_machine(host)):
        return Spoken(f"it begins with {url.scheme}://", f"elle commence par {url.scheme}://")
    if not host:
        return Spoken("it names no host", "elle ne nomme aucune machine")
    if url.user is not None or url.password is not None:
        return Spoken("it holds a name or a password", "elle contient un nom ou un mot de passe")
    return None


def _is_this_machine(host: str) -> bool:
    address = literal(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


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
