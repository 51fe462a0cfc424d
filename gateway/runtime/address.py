"""Addresses of the internet: which are public, so that whoever names one cannot reach into our own network. Pure."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether an address lies on the public internet, as the address that it carries inside does too."""
    if isinstance(address, IPv6Address):
        inner = _carried(address)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def literal(host: str) -> Address | None:
    """The address that a host is by itself; None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside: mapped, 6to4, or behind a NAT64 gateway."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour
