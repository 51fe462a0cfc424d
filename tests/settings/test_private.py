"""Files with secrets are read only where they are their owner's alone: one rule for all of them."""

import pytest

from gateway.keys import load_secret
from gateway.private import ExposedError, check_private, is_private, read_private
from gateway.settings import SettingsError

ROOT, ME, OTHER = 0, 10001, 10002


@pytest.mark.parametrize(
    ("mode", "owner", "reader", "expected"),
    [
        (0o600, ME, ME, True),
        (0o400, ME, ME, True),
        (0o640, ME, ME, False),
        (0o604, ME, ME, False),
        (0o620, ME, ME, False),
        (0o640, ROOT, ME, True),
        (0o440, ROOT, ME, True),
        (0o660, ROOT, ME, False),
        (0o444, ROOT, ME, False),
        (0o640, ROOT, ROOT, False),
        (0o640, OTHER, ME, False),
    ],
)
def test_a_file_is_its_owners_alone_or_handed_over_by_root(mode, owner, reader, expected):
    """[SEC-009]: T-21."""
    assert expected == is_private(0o100000 | mode, owner=owner, reader=reader)


def test_a_file_that_others_can_read_is_refused_with_the_remedy(tmp_path):
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


def test_a_secret_that_others_can_read_is_not_used(tmp_path):
    """[SEC-009]: T-21."""
    load_secret(None, folder=tmp_path)
    (tmp_path / "secret").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        load_secret(None, folder=tmp_path)
