"""Restrict fetches to public addresses, so that no profile reaches the gateway's own network."""

from collections.abc import Sequence

from adapters.transport.feed import FeedError
from adapters.transport.limit import PlatformThread
from gateway.runtime import public_host
from gateway.runtime.public_host import AddressRefusedError, HostUnknownError, Resolved


async def resolve(host: str, port: int, *, loopback: bool, worker: PlatformThread) -> Sequence[Resolved]:
    """As ``public_host.resolve``, with the errors of a feed. Raises FeedError."""
    try:
        return await public_host.resolve(host, port, loopback=loopback, worker=worker)
    except HostUnknownError:
        raise FeedError("feed-name-unknown", host=host) from None
    except AddressRefusedError as error:
        raise FeedError("feed-address-private", host=error.host, address=error.address) from None


def check_literal(host: str, *, loopback: bool) -> None:
    """Check a host that is an IP literal. Raises FeedError."""
    try:
        public_host.check_literal(host, loopback=loopback)
    except AddressRefusedError as error:
        raise FeedError("feed-address-private", host=error.host, address=error.address) from None
