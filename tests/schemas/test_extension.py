"""Extensions: sorted by platform, forwarded unchanged (OFR-036)."""

import pytest

from tests.schemas.documents import changed, check, errors, found


def test_extensions_are_forwarded_as_they_came() -> None:
    """OFR-036"""
    extensions = {"bretagne": {"ref": 7, "tags": ["a", None, True], "é": {"x": 1.5}}, "grand-est": "y"}
    verdict = check(changed(extensions=extensions))
    assert verdict.offer is not None
    assert (verdict.offer["extensions"], found(verdict)) == (extensions, [])


@pytest.mark.parametrize("key", ["Bretagne", "a b", "", "-a", "a-", "x\n", "é"])
def test_extensions_are_sorted_by_platform(key: str) -> None:
    """OFR-036"""
    assert [code for code, _ in errors(check(changed(extensions={key: 1})))] == ["extension-key"]
