"""Files with secrets are read only if their owner alone can read them: one rule for all of them."""

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.runtime.keys import load_secret
from gateway.runtime.private_files import (
    ExposedError,
    check_private,
    is_private,
    read_private,
)

ROOT, USER = 0, 10001


@pytest.mark.parametrize(
    ("mode", "owner", "expected"),
    [
        (0o600, USER, True),
        (0o400, USER, True),
        (0o640, USER, False),
        (0o604, USER, False),
        (0o620, USER, False),
        (0o600, ROOT, True),
        (0o640, ROOT, True),
        (0o440, ROOT, True),
        (0o660, ROOT, False),
        (0o444, ROOT, False),
        (0o644, ROOT, False),
    ],
)
def test_a_file_is_its_owners_alone_or_handed_over_by_root(mode: int, owner: int, *, expected: bool) -> None:
    """[SEC-009]: T-21. Root must be able to examine files that it hands over, without a request to restrict them."""
    assert expected == is_private(0o100000 | mode, owner=owner)


def test_a_file_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    """[SEC-009]: T-21."""
    path = tmp_path / "key"
    path.write_bytes(b"x")
    path.chmod(0o600)
    check_private(path)
    assert b"x" == read_private(path)
    path.chmod(0o644)
    for look in (check_private, read_private):
        with pytest.raises(ExposedError, match=f"chmod 600 {path}"):
            look(path)


def test_a_secret_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    """[SEC-009]: T-21."""
    load_secret(None, folder=tmp_path)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_secret(None, folder=tmp_path)
