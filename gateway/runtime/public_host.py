"""Public hosts alone: connections to addresses that partners name never reach the gateway's own network (SSRF).

A name is resolved once, each of its addresses is checked, and the connection is made to these only: a second answer of
the name server has no effect. ``loopback`` allows this machine, for tests and the demo.
"""

import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.runtime.address import Address, is_public, literal
from gateway.runtime.daemon_thread import DaemonThread
from schemas.bilingual import Bilingual


class HostUnknownError(Exception):
    """A name has no address."""


class AddressRefusedError(Exception):
    """An address is not a public one."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host}: {address}")
        self.host = host
        self.address = address


@dataclass(frozen=True, slots=True)
class Resolved:
    """One IP address of a name: its family and text."""

    family: socket.AddressFamily
    text: str


Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[Resolved]]]
"""The checked addresses of a host and port."""


def url_fault(url: URL, *, loopback: bool) -> Bilingual | None:
    """The reason for which the gateway connects to no such URL, or None: it is https without user or password.

    ``loopback`` allows http to this machine, by its address or as ``localhost``.
    """
    host = url.host or ""
    if url.scheme != "https" and not (loopback and url.scheme == "http" and _is_this_machine(host)):
        if not url.scheme:
            return Bilingual("it does not begin with https://", "elle ne commence pas par https://")
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
    """Whether the gateway may connect to the address: public, or this machine if ``loopback``."""
    return is_public(address) or (loopback and address.is_loopback)


def check_literal(host: str, *, loopback: bool) -> None:
    """Check a host that is an IP literal; a name is checked when it is resolved. Numbers and colons in another form are
    refused: the system takes them as addresses, and no resolver sees them. Raises AddressRefusedError.
    """
    address = literal(host)
    if address is None:
        refused = ":" in host or host.replace(".", "").isdigit()
    else:
        refused = not is_permitted(address, loopback=loopback)
    if refused:
        raise AddressRefusedError(host, str(address or host))


async def resolve(host: str, port: int, *, loopback: bool, worker: DaemonThread) -> Sequence[Resolved]:
    """Every address of a host, resolved by the worker, since a name server may block.

    Raises HostUnknownError, AddressRefusedError if at least one of them is not permitted, ThreadBusyError.
    """
    try:
        found = await worker.do(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        raise HostUnknownError(host) from None
    for _, _, _, _, endpoint in found:
        if not is_permitted(ip_address(str(endpoint[0])), loopback=loopback):
            raise AddressRefusedError(host, str(endpoint[0]))
    return [Resolved(family, str(endpoint[0])) for family, _, _, _, endpoint in found]


class PublicResolver(AbstractResolver):
    """Resolver that gives aiohttp the checked addresses only. Errors of ``resolve`` reach the caller of the request."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The checked addresses of a host, as literals."""
        found = await self._resolve(host, port)
        return [
            ResolveResult(
                hostname=host, host=one.text, port=port, family=one.family, proto=0, flags=socket.AI_NUMERICHOST
            )
            for one in found
            if family in {socket.AF_UNSPEC, one.family}
        ]

    async def close(self) -> None:
        """Do nothing: the resolver has no state."""
