"""Visitors' slots: two for an address, shared among the processes of a gateway."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.pages.base.anonymous import AddressSlots
from gateway.pages.base.refusal import PageRefusedError

pytestmark = pytest.mark.slow


def test_an_address_has_two_slots_and_gets_them_back() -> None:
    slots = AddressSlots()
    with slots.one("192.0.2.1"), slots.one("192.0.2.1"), slots.one("192.0.2.2"):
        with pytest.raises(PageRefusedError) as error, slots.one("192.0.2.1"):
            pass
        assert (error.value.status, error.value.headers) == (429, {"Retry-After": "2"})
    with slots.one("192.0.2.1"), slots.one("192.0.2.1"):
        pass


def test_the_process_has_a_limit_for_all_addresses() -> None:
    slots = AddressSlots(most=3)
    with ExitStack() as stack:
        for number in range(3):
            stack.enter_context(slots.one(f"192.0.2.{number}"))
        with pytest.raises(PageRefusedError) as error, slots.one("192.0.2.9"):
            pass
        assert (error.value.status, error.value.headers) == (503, {"Retry-After": "5"})


def test_a_48_has_four_times_the_slots_of_a_64() -> None:
    """Its owner may use any of its 65,536."""
    slots = AddressSlots()
    with ExitStack() as stack:
        for number in range(4):
            for _ in range(2):
                stack.enter_context(slots.one(f"2001:db8:0:{number}::/64"))
        with pytest.raises(PageRefusedError) as error, slots.one("2001:db8:0:9::/64"):
            pass
        assert 429 == error.value.status
        with slots.one("2001:db8:1:9::/64"):
            assert 9 == slots.held
    with slots.one("2001:db8:0:9::/64"):
        assert 1 == slots.held


_HOLDER = """
import sys
from contextlib import ExitStack
from pathlib import Path
from gateway.pages.base.anonymous import AddressSlots
slots = AddressSlots(shared=Path(sys.argv[1]))
with ExitStack() as stack:
    stack.enter_context(slots.one("192.0.2.1"))
    print("held", flush=True)
    sys.stdin.read()
"""


def test_processes_share_the_slots_of_an_address_and_death_frees_them(tmp_path: Path) -> None:
    file = tmp_path / "addresses.lock"
    slots = AddressSlots(shared=file)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with slots.one("192.0.2.1"), slots.one("192.0.2.2"), slots.one("192.0.2.2"):
            with pytest.raises(PageRefusedError) as error, slots.one("192.0.2.1"):
                pass
            assert error.value.status == 429
        other.kill()
        other.wait()
    with slots.one("192.0.2.1"), slots.one("192.0.2.1"):
        pass
    assert file.read_bytes() == b""
    slots.close()
