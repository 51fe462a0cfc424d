"""Seals: only texts sealed by this gateway open."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.protocol.seal import Seal

SEAL = Seal(b"k" * 32, purpose="cursor")


@given(st.binary(max_size=100))
def test_a_sealed_text_opens(payload: bytes) -> None:
    assert SEAL.open(SEAL.close(payload)) == payload


@given(st.text(max_size=60))
def test_a_text_sealed_elsewhere_does_not_open(text: str) -> None:
    """[SEC-006]."""
    assert SEAL.open(text) is None


def test_purposes_and_keys_do_not_open_each_other() -> None:
    """[SEC-006]."""
    text = SEAL.close(b"x")
    assert Seal(b"k" * 32, purpose="mark").open(text) is None
    assert Seal(b"l" * 32, purpose="cursor").open(text) is None
