"""Restrict fetches to public addresses, so that no profile reaches the gateway's own network.

A name is resolved once, each of its addresses is checked, and the connection is made to these only: a second answer of
the name server has no effect. The settings may allow loopback, for tests and the demo.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address

from yarl import URL

from adapters.transport.feed import FeedError
from adapters.transport.limit import PlatformThread
from gateway.runtime.address import Address, is_public, literal
from schemas.bilingual import Bilingual


@dataclass(frozen=True, slots=True)
class Resolved:
    """One IP address of a name: its family and text."""

    family: socket.AddressFamily
    text: str


def feed_url_fault(url: URL, *, loopback: bool) -> Bilingual | None:
    """The reason that a URL cannot be that of a feed, or None: it must be https without user or password.

    ``loopback`` allows http to this machine, by its address or as ``localhost``.
    """
    host = url.host or ""
    if url.scheme != "https" and not (loopback and url.scheme == "http" and _is_this_machine(host)):
        return Bilingual(f"it begins with {url.scheme}://", f"elle commence par {url.scheme}://")
    if not host:
        return Bilingual("it names no host", "elle ne nomme aucune machine")
    if url.user is not None or url.password is not None:
        return Bilingual("it holds a name or a password", "elle contient un nom ou un mot de passe")
    return None


def _is_this_machine(host: str) -> bool:
    address = literal(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def is_permitted(address: Address, *, loopback: bool) -> bool:
    """Whether a feed may be fetched from the address: public, or this machine if ``loopback``."""
    return is_public(address) or (loopback and address.is_loopback)


async def resolve(host: str, port: int, *, loopback: bool, worker: PlatformThread) -> Sequence[Resolved]:
    """Every address of a host, resolved by the worker, since a name server may block.

    Raises FeedError if there is none, or if at least one of them is not permitted.
    """
    try:
        found = await worker.do(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        raise FeedError("feed-name-unknown", host=host) from None
    for _, _, _, _, endpoint in found:
        if not is_permitted(ip_address(str(endpoint[0])), loopback=loopback):
            raise FeedError("feed-address-private", host=host, address=str(endpoint[0]))
    return [Resolved(family, str(endpoint[0])) for family, _, _, _, endpoint in found]
