"""Addresses that a feed may come from: public ones, in any notation."""

from ipaddress import ip_address

import pytest

from adapters.transport.address import resolve
from adapters.transport.feed import FeedError
from adapters.transport.limit import PlatformThread
from gateway.runtime.address import is_public
from gateway.runtime.public_host import is_permitted

PRIVATE = (
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "4000::1",
    "fec0::1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
)


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_public_is_refused(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_accepted(text: str) -> None:
    assert is_public(ip_address(text))


def test_loopback_is_permitted_only_where_it_is_allowed_and_other_private_networks_never() -> None:
    assert is_permitted(ip_address("127.0.0.1"), loopback=True)
    assert not is_permitted(ip_address("127.0.0.1"), loopback=False)
    assert not is_permitted(ip_address("10.0.0.1"), loopback=True)


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
async def test_a_name_that_leads_to_this_machine_is_refused_after_it_was_resolved(host: str) -> None:
    with pytest.raises(FeedError) as refused:
        await resolve(host, 443, loopback=False, worker=PlatformThread())
    assert "feed-address-private" == refused.value.code


async def test_an_unknown_host_name_is_reported_as_such() -> None:
    with pytest.raises(FeedError) as refused:
        await resolve("no-such-host.invalid", 443, loopback=False, worker=PlatformThread())
    assert "feed-name-unknown" == refused.value.code
