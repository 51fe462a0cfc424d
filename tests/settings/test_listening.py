"""Listening: on IPv4 and IPv6 alike, with usable addresses in the output."""

import socket
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from gateway.bootstrap.gateway import running
from gateway.bootstrap.serving import listen
from gateway.errors import SettingsError
from gateway.runtime.listening import bind, format_endpoint
from gateway.settings import Settings


def has_ipv6() -> bool:
    """Whether this machine can listen on ``::1``."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


ipv6 = pytest.mark.skipif(not has_ipv6(), reason="NO IPv6 HERE: listening on it is not tried")


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", "127.0.0.1:80"), ("stages.example", "stages.example:80"), ("::1", "[::1]:80")]
)
def test_an_ipv6_host_is_in_brackets(host: str, expected: str) -> None:
    assert expected == format_endpoint(host, 80)


@ipv6
async def test_a_gateway_on_ipv6_answers_at_the_addresses_that_it_prints(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", host="::1", port=0, management_host="::1", management_port=0)
    async with running(settings) as gateway, aiohttp.ClientSession(raise_for_status=True) as session:
        for url in (f"{gateway.url}/.well-known/passerelle", f"{gateway.management_url}/healthz"):
            assert url.startswith("http://[::1]:")
            async with session.get(url) as response:
                assert 200 == response.status


@ipv6
@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="one socket cannot take both here")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_every_address_of_ipv6_is_every_one_of_ipv4_too(address: str) -> None:
    with bind("::", 0) as listening, socket.create_connection((address, listening.getsockname()[1]), timeout=10):
        pass


async def test_an_unavailable_address_is_reported_with_the_variables(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", host="192.0.2.1", port=0, management_port=0)
    with pytest.raises(SettingsError, match=r"cannot listen on 192\.0\.2\.1:0 .*PASSERELLE_HOST"):
        async with running(settings):
            pass


async def test_a_taken_port_is_reported_with_the_systems_message() -> None:
    async with AsyncExitStack() as stack:
        host, port = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()
        with pytest.raises(SettingsError) as caught:
            await listen(stack, host, port, patience=0)
    assert str(caught.value).startswith(f"cannot listen on {host}:{port} (Address already in use); free the port")


async def test_an_unknown_host_is_reported_as_such() -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match=r"cannot listen on no\.such\.host\.invalid:0 \((?!Unknown error)"):
            await listen(stack, "no.such.host.invalid", 0, patience=0)
