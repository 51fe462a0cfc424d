"""Files that cannot be used, or must not be: one sentence that names the file and the remedy, never a traceback."""

import asyncio
import multiprocessing
import os
import random
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gateway.bootstrap.log import open_log
from gateway.errors import LogUnavailableError, PortError, SettingsError
from gateway.log.sqlite import SqliteLog
from gateway.oauth.keys import KeyRing, SigningKeyError, rotate_signing_key
from gateway.runtime.keys import load_secret
from gateway.runtime.lock import locked
from gateway.settings import Settings, weakness
from gateway.store import OfferView
from gateway.store.local_copy import LocalCopy
from gateway.store.relay_state import RelayState

pytestmark = pytest.mark.slow

NOBODY = 65_534


def as_nobody(call: Callable[[], object]) -> str:
    """The error of a call in a process without root's rights, which ignore modes; "" without any."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def child() -> None:
        if os.geteuid() == 0:
            os.setegid(NOBODY)
            os.seteuid(NOBODY)
        try:
            call()
            there.send("")
        except (PortError, SettingsError) as error:
            there.send(str(error))
        except BaseException as error:  # noqa: BLE001  # reported as it is
            there.send(f"NOT EXPLAINED: {error!r}")

    process = context.Process(target=child)
    process.start()
    try:
        assert here.poll(60)
        said: str = here.recv()
        return said
    finally:
        process.join()


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A folder in which only root may write, reachable by every user."""
    opened = [one for one in (tmp_path, *tmp_path.parents) if one.stat().st_uid == os.geteuid() and one != Path("/")]
    modes = {one: one.stat().st_mode & 0o7777 for one in opened}
    for one in opened:
        with suppress(PermissionError):
            one.chmod(modes[one] | 0o055)
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    for one, mode in modes.items():
        with suppress(PermissionError):
            one.chmod(mode)


OPENED: dict[str, Callable[[Path], object]] = {
    "secret": lambda folder: load_secret(None, folder=folder),
    "signing.pem": lambda folder: KeyRing.open(folder / "signing.pem"),
    "log.sqlite": lambda folder: asyncio.run(SqliteLog.open(folder / "log.sqlite")),
    "offers.sqlite": lambda folder: asyncio.run(
        OfferView.open(folder / "offers.sqlite", log_identity="log", partitions=3)
    ),
    "relay-0.sqlite": lambda folder: RelayState(folder / "relay-0.sqlite", log="log"),
}


@pytest.mark.parametrize("name", OPENED)
def test_an_unwritable_folder_is_reported_with_the_file(closed: Path, name: str) -> None:
    said = as_nobody(lambda: OPENED[name](closed))
    assert str(closed / name) in said
    assert "NOT EXPLAINED" not in said


def test_a_data_folder_of_another_user_is_reported(closed: Path) -> None:
    def enter() -> None:
        with locked(closed):
            pass

    if os.geteuid() == 0:
        assert f"the data folder {closed} cannot be used" in as_nobody(enter)
    under = closed / "data"

    def enter_under() -> None:
        with locked(under):
            pass

    assert f"the data folder {under} cannot be used" in as_nobody(enter_under)


@contextmanager
def no_descriptors() -> Iterator[None]:
    """While entered, this process can open no file."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with open(os.devnull, "rb") as last:  # noqa: PTH123  # only its number is needed
        resource.setrlimit(resource.RLIMIT_NOFILE, (last.fileno(), limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_no_file_descriptors_left_is_an_outage_that_passes(tmp_path: Path) -> None:
    load_secret(None, folder=tmp_path)
    RelayState(tmp_path / "relay-0.sqlite", log="log").close()
    with no_descriptors():
        with pytest.raises(SettingsError, match=f"{tmp_path / 'secret'} cannot be read or made .Too many open files"):
            load_secret(None, folder=tmp_path)
        with pytest.raises(LogUnavailableError, match=str(tmp_path / "relay-0.sqlite")):
            RelayState(tmp_path / "relay-0.sqlite", log="log")
    RelayState(tmp_path / "relay-0.sqlite", log="log").close()
    load_secret(None, folder=tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n", b"x", b"short-secret-of-30-characters!", b"a" * 64, b"ab" * 32])
def test_a_weak_secret_is_not_used(tmp_path: Path, content: bytes) -> None:
    """[SEC-009]: an attacker that guesses it can forge cursors, marks and receipts."""
    (tmp_path / "secret").write_bytes(content)
    (tmp_path / "secret").chmod(0o600)
    with pytest.raises(SettingsError, match=str(tmp_path / "secret")):
        load_secret(None, folder=tmp_path)


@pytest.mark.parametrize("text", [" " * 40, "short", "x" * 40, "abc" * 20])
def test_a_weak_secret_of_the_settings_is_not_used(text: str) -> None:
    with pytest.raises(SettingsError, match="PASSERELLE_SECRET"):
        Settings.from_env({"PASSERELLE_SECRET": text})


def _drawn(alphabet: bytes, length: int, seed: int) -> bytes:
    draw = random.Random(seed)
    return bytes(draw.choice(alphabet) for _ in range(length))


@pytest.mark.parametrize(
    ("alphabet", "length"),
    [
        (bytes(range(256)), 32),
        (b"0123456789", 32),
        (b"01234567", 32),
        (b"0123456789abcdef", 32),
        (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 32),
        (b"ACGT", 64),
        (b"01", 128),
    ],
    ids=["bytes", "decimal", "octal", "hexadecimal", "base32", "four letters", "binary"],
)
def test_generated_secrets_are_not_refused(alphabet: bytes, length: int) -> None:
    """Bytes that look like white space at an end, and digits that happen to be few, included."""
    refused = [seed for seed in range(3_000) if weakness(_drawn(alphabet, length, seed).decode("latin-1"))]
    assert [] == refused
    assert None is weakness("\n" + _drawn(b"0123456789abcdef", 30, 1).decode() + " ")


def test_a_secret_of_random_bytes_is_used(tmp_path: Path) -> None:
    content = b"\n" + _drawn(bytes(range(256)), 30, 7) + b"\x85"
    (tmp_path / "secret").write_bytes(content)
    (tmp_path / "secret").chmod(0o600)
    assert content == load_secret(None, folder=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "password" * 4,
        "a" * 28 + "bcde",
        "secret" + " " * 40,
        "ab" * 64,
        "deadbeef" * 8,
        "1" * 200,
    ],
)
def test_a_secret_that_only_looks_long_is_refused(text: str) -> None:
    """[SEC-009]"""
    assert weakness(text) is not None


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----\n"])
def test_a_key_file_without_a_key_is_reported_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "signing.pem"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SigningKeyError, match=str(path)):
        KeyRing.open(path)


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o604, 0o660, 0o666])
async def test_a_log_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    """[SEC-009]: T-21. A restored file has the mode that the copying user gave it."""
    settings = Settings(data=tmp_path)
    async with open_log(settings):
        pass
    path = tmp_path / "log.sqlite"
    path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)  # root hands its own files over to a group
    with pytest.raises(SettingsError, match=f"mode {mode:04o}.; run: chmod 600 {path}"):
        async with open_log(settings):
            pass
    path.chmod(0o600)
    async with open_log(settings):
        pass


async def test_a_log_missing_beside_its_views_is_not_created_again(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    (tmp_path / "views").mkdir()
    (tmp_path / "views/offers.sqlite").touch()
    makes: tuple[Callable[[], None], ...] = (lambda: None, (tmp_path / "log.sqlite").touch)
    for make in makes:
        make()
        if (tmp_path / "log.sqlite").exists():
            (tmp_path / "log.sqlite").chmod(0o600)
        with pytest.raises(LogUnavailableError, match=f"{tmp_path / 'log.sqlite'} is missing or empty"):
            async with open_log(settings):
                pass


def test_secrets_and_keys_are_for_their_owner_alone_whatever_the_umask(tmp_path: Path) -> None:
    """[SEC-009]."""
    before = os.umask(0)
    try:
        load_secret(None, folder=tmp_path)
        KeyRing.open(tmp_path / "signing.pem")
        rotate_signing_key(tmp_path / "signing.pem", now=1)
    finally:
        os.umask(before)
    assert [0o600, 0o600] == [(tmp_path / name).stat().st_mode & 0o777 for name in ("secret", "signing.pem")]
    assert {"secret", "signing.pem"} == {one.name for one in tmp_path.iterdir()}


def test_a_link_instead_of_a_new_secret_is_not_followed(tmp_path: Path) -> None:
    """A new secret is created as a new file or not at all."""
    (tmp_path / "elsewhere").touch()
    draft = tmp_path / f"secret.{os.getpid()}.new"
    draft.symlink_to(tmp_path / "elsewhere")
    load_secret(None, folder=tmp_path)
    assert b"" == (tmp_path / "elsewhere").read_bytes()


class Words(LocalCopy):
    FORMAT = 1
    LAYOUT = "CREATE TABLE word (text TEXT);"


def test_a_foreign_database_instead_of_a_copy_is_replaced(tmp_path: Path) -> None:
    import sqlite3  # noqa: PLC0415  # only here

    foreign = sqlite3.connect(tmp_path / "copy.sqlite")
    foreign.execute("CREATE TABLE something (a)")
    foreign.commit()
    foreign.close()
    copy = Words(tmp_path / "copy.sqlite", log="one")
    copy.close()
    again = Words(tmp_path / "copy.sqlite", log="one")
    again.close()
