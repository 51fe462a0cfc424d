"""The client's address behind named proxies: only what a named proxy wrote counts."""

import pytest

from gateway.runtime.proxies import Proxies
from gateway.settings import proxy_networks

NAMED = Proxies(proxy_networks("10.0.0.0/8, 2001:db8:1::/48,192.0.2.7"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.1", [], "198.51.100.1"),
        ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6", "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["6.6.6.6, 203.0.113.9, 10.2.3.4"], "203.0.113.9"),
        ("192.0.2.7", ["10.9.9.9"], "10.9.9.9"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8:2::5]:4711"], "2001:db8:2::/64"),
        ("2001:db8:1::1", ["2001:db8:2:3:ffff:1:2:3"], "2001:db8:2:3::/64"),
        ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, "], "10.0.0.1"),
        ("10.0.0.1", ["6.6.6.6," * 1_000 + "203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", [",".join(["10.1.1.1"] * 100)], "10.1.1.1"),
        (None, ["6.6.6.6"], ""),
        ("", [], ""),
    ],
)
def test_the_client_is_the_last_address_that_no_named_proxy_has(
    peer: str | None, forwarded: list[str], client: str
) -> None:
    assert NAMED.client(peer, forwarded) == client


def test_without_a_setting_the_peer_is_the_client() -> None:
    assert Proxies().client("127.0.0.1", ["203.0.113.9"]) == "127.0.0.1"
