"""The network address of a client, behind the reverse proxies that the settings name. Pure.

Only ``X-Forwarded-For`` is read, and only from a named proxy: proxies append to it by default. ``Forwarded`` (RFC 7239)
is not: a proxy that does not write it passes on what the client wrote.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import islice
from typing import TypeAlias

from gateway.settings import Network

Address: TypeAlias = IPv4Address | IPv6Address
_MAX_HOPS = 16
_IPV6_PREFIX = 64
"""The network of one household or host; a client may choose any address within it."""
_IPV6_SITE, _SITE_DUE = 48, 4
"""The network of a site, and of many a host (RFC 6177)."""
_IPV4_SITE = 24


class Proxies:
    """The networks of the reverse proxies, whose ``X-Forwarded-For`` is accepted; none by default."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def client(self, peer: str | None, forwarded: Sequence[str]) -> str:
        """The client's network (``network_of``): that of the peer of the connection, or, if a named proxy is the
        peer, the last address in the values of ``X-Forwarded-For`` that is no named proxy. Behind an entry that is no
        address nothing counts: the proxy that wrote it counts as the client.
        """
        client = _address(peer or "")
        if client is None:
            return peer or ""
        for hop in islice(_hops(forwarded), _MAX_HOPS):
            if not self._named(client):
                break
            previous = _address(hop)
            if previous is None:
                break
            client = previous
        return network_of(client)

    def _named(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def _hops(forwarded: Sequence[str]) -> Iterator[str]:
    """The entries of all values, from the right, split as far as they are read: anybody can send thousands."""
    for value in reversed(forwarded):
        rest, comma = value, ","
        while comma:
            rest, comma, hop = rest.rpartition(",")
            yield hop


def network_of(address: Address) -> str:
    """An IPv4 address, or the /64 of an IPv6 address, as text."""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address) >> _IPV6_PREFIX << _IPV6_PREFIX, _IPV6_PREFIX)))


def blocks_of(client: str) -> Mapping[str, int]:
    """The blocks of addresses that a client's network (``network_of``) is counted in, with how many times the due of
    one client each may have: itself, and of an IPv6 /64 its /48, of which one host may have all.
    """
    if ":" not in client:
        return {client: 1}
    return {client: 1, str(IPv6Network(client, strict=False).supernet(new_prefix=_IPV6_SITE)): _SITE_DUE}


def site_of(client: str) -> str:
    """The /24 or the /48 of a client's network (``network_of``), of which one sender may have all; a client that is no
    network stays as it is.
    """
    try:
        network = ip_network(client)
    except ValueError:
        return client
    return str(network.supernet(new_prefix=_IPV4_SITE if isinstance(network, IPv4Network) else _IPV6_SITE))


def _address(text: str) -> Address | None:
    """The address of a peer or a hop, a port left out; an IPv4 address mapped to IPv6 is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
