"""Addresses: which ones a feed may be fetched from. Public ones only, so that no profile reaches into our own network.

A name is resolved once, every address it leads to is judged, and the connection is made to those and no others: a
second answer of its name server changes nothing. The settings may allow loopback, for tests and the demo.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from adapters.transport.error import FeedError

Address: TypeAlias = IPv4Address | IPv6Address
_NAT64 = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Resolved:
    """One address of a name: its family and text."""

    family: socket.AddressFamily
    text: str


def is_public(address: Address) -> bool:
    """Whether an address lies on the public internet, as the address that it carries inside does too."""
    inner = _carried(address)
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def is_permitted(address: Address, *, loopback: bool) -> bool:
    """Whether a feed may be fetched there: public, or, where that is allowed, this machine itself."""
    return is_public(address) or (loopback and address.is_loopback)


def literal(host: str) -> Address | None:
    """The address that a host is by itself; None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


async def resolve(host: str, port: int, *, loopback: bool) -> Sequence[Resolved]:
    """Every address of a host. Raises FeedError when there is none, and when only one of them is not permitted."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FeedError("feed-name-unknown", host=host) from None
    for _, _, _, _, place in found:
        if not is_permitted(ip_address(str(place[0])), loopback=loopback):
            raise FeedError("feed-address-private", host=host, address=str(place[0]))
    return [Resolved(family, str(place[0])) for family, _, _, _, place in found]


def _carried(address: Address) -> IPv4Address | None:
    """The IPv4 address inside an IPv6 one: mapped, 6to4, or behind a NAT64 gateway."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
