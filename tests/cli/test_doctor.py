"""``passerelle doctor`` and ``passerelle topics``: faults are reported with a remedy."""

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.federation.doctor import examine_exposure
from gateway.protocol.topic import COMMON
from gateway.settings import Settings
from gateway.store import RunView
from gateway.store.relay_state import RelayState
from tests.cli.conftest import Ended, Shell


async def test_a_new_machine_passes_and_nothing_is_created(shell: Shell) -> None:
    ended = await shell("doctor", PASSERELLE_PORT="0", PASSERELLE_MANAGEMENT_PORT="0")
    assert ended.code == 0, ended.output
    assert "none yet; passerelle serve creates it" in ended.output
    assert f"the embedded log in {shell.folder}/.data\n" in ended.output
    assert f"data folder: {shell.folder}/.data will be created" in ended.output
    assert "! legal notice: " in ended.output
    assert "! security contact: " in ended.output
    assert "incomplete without PASSERELLE_LEGAL_PUBLISHER, PASSERELLE_LEGAL_ADDRESS" in ended.output
    assert [] == list(shell.folder.iterdir())


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


async def test_a_taken_port_is_named_with_its_variable(shell: Shell, taken: str) -> None:
    ended = await shell("doctor", PASSERELLE_PORT=taken, PASSERELLE_MANAGEMENT_PORT="0")
    assert ended.code == 1
    assert f"127.0.0.1:{taken} cannot be listened on (Address already in use)\n" in ended.output
    assert "next step: free it, or set PASSERELLE_PORT to another port" in ended.output


async def test_a_legal_notice_is_complete_or_not_needed(shell: Shell) -> None:
    names = ("PUBLISHER", "ADDRESS", "DIRECTOR", "HOST")
    set_: dict[str, Any] = {f"PASSERELLE_LEGAL_{name}": "x" for name in names}
    set_ |= {"PASSERELLE_LEGAL_CONTACT": "a@region.example", "PASSERELLE_SOURCE_URL": "https://region.example/code"}
    ended = await shell("doctor", PASSERELLE_PORT="0", PASSERELLE_MANAGEMENT_PORT="0", **set_)
    assert "legal notice: complete" in ended.output
    ended = await shell("doctor", PASSERELLE_PORT="0", PASSERELLE_MANAGEMENT_PORT="0", PASSERELLE_PAGES="0")
    assert "legal notice" not in ended.output


@pytest.mark.parametrize(
    ("brokers", "expected"),
    [
        ("[::1]:9092, 127.0.0.1:9093,localhost:9094", []),
        ("[2001:db8::1]:9092", ["plain_brokers"]),
        ("127.example:9092", ["plain_brokers"]),
    ],
)
def test_only_brokers_of_other_machines_need_encryption(brokers: str, expected: list[str]) -> None:
    found = examine_exposure(Settings(kafka=brokers, host="127.0.0.1"))
    assert expected == [one.code for one in found if one.about == "TLS"]


async def test_an_ipv6_port_is_checked(shell: Shell) -> None:
    try:
        listening = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("NO IPv6 HERE: its ports are not looked at")
    with listening:
        environ: dict[str, Any] = {"PASSERELLE_HOST": "::1", "PASSERELLE_PORT": str(listening.getsockname()[1])}
        held = await shell("doctor", PASSERELLE_MANAGEMENT_PORT="0", **environ)
    free = await shell("doctor", PASSERELLE_MANAGEMENT_PORT="0", **environ)
    assert (1, 0) == (held.code, free.code)
    assert f"[::1]:{environ['PASSERELLE_PORT']} cannot be listened on" in held.output
    assert f"[::1]:{environ['PASSERELLE_PORT']} is free" in free.output


async def test_a_wrong_variable_is_named(shell: Shell) -> None:
    ended = await shell("doctor", PASSERELLE_PARTITIONS="many")
    assert ended.code == 1
    assert "PASSERELLE_PARTITIONS" in ended.output


async def test_plain_http_and_an_unreachable_broker_are_reported(shell: Shell) -> None:
    environ: dict[str, Any] = {
        "PASSERELLE_HOST": "0.0.0.0",
        "PASSERELLE_PUBLIC_URL": "http://stages.example",
        "PASSERELLE_PORT": "0",
        "PASSERELLE_MANAGEMENT_PORT": "0",
        "PASSERELLE_KAFKA": "127.0.0.1:1",
        "PASSERELLE_SECRET": "0123456789abcdef" * 3,
        "PASSERELLE_SIGNING_KEY": "signing.pem",
    }
    ended = await shell("doctor", **environ)
    assert ended.code == 1
    assert "! TLS: the gateway listens on 0.0.0.0" in ended.output
    assert "✗ signing key: signing.pem cannot be read" in ended.output
    assert "next step: check PASSERELLE_KAFKA" in ended.output


async def test_a_proxy_that_seems_to_be_in_front_is_to_be_named(shell: Shell) -> None:
    environ: dict[str, Any] = {
        "PASSERELLE_PUBLIC_URL": "https://stages.example",
        "PASSERELLE_PORT": "0",
        "PASSERELLE_MANAGEMENT_PORT": "0",
    }
    silent = await shell("doctor", **environ)
    named = await shell("doctor", PASSERELLE_PROXIES="127.0.0.1,10.0.0.0/8", **environ)
    assert (0, 0) == (silent.code, named.code)
    assert "! proxies: a proxy seems to be in front" in silent.output
    assert "next step: set PASSERELLE_PROXIES" in silent.output
    assert "✓ proxies: X-Forwarded-For is accepted from 127.0.0.1,10.0.0.0/8" in named.output


async def test_a_path_that_cannot_be_a_folder_is_reported(shell: Shell) -> None:
    (shell.folder / "file").write_text("")
    ended = await shell("doctor", PASSERELLE_DATA="file", PASSERELLE_PORT="0", PASSERELLE_MANAGEMENT_PORT="0")
    assert ended.code == 1
    assert "PASSERELLE_DATA" in ended.output


async def test_a_secret_that_others_can_read_is_reported(shell: Shell) -> None:
    """[SEC-009]: T-21."""
    (shell.folder / ".data").mkdir()
    (shell.folder / ".data/secret").write_text("x" * 64)
    (shell.folder / ".data/secret").chmod(0o644)
    ended = await shell("doctor", PASSERELLE_PORT="0", PASSERELLE_MANAGEMENT_PORT="0")
    assert ended.code == 1
    assert f"next step: chmod 600 {shell.folder}/.data/secret" in ended.output


async def test_topics_are_created_once_and_then_as_they_must_be(shell: Shell) -> None:
    created = await shell("topics", "create")
    again = await shell("topics", "create")
    checked = await shell("topics", "check")
    assert (0, 0, 0) == (created.code, again.code, checked.code)
    assert created.output == again.output
    assert f"{len(COMMON)} topics are as required" in checked.output


@pytest.fixture
async def populated(shell: Shell) -> Path:
    """A data folder with a log."""
    ended = await shell("topics", "create")
    assert ended.code == 0, ended.output
    return shell.folder / ".data"


async def examined(shell: Shell) -> Ended:
    return await shell("doctor", PASSERELLE_PORT="0", PASSERELLE_MANAGEMENT_PORT="0")


async def test_an_intact_log_is_reported(shell: Shell, populated: Path) -> None:
    ended = await examined(shell)
    assert ended.code == 0, ended.output
    assert f"✓ log file: {populated}/log.sqlite is intact" in ended.output


async def test_a_damaged_log_is_named_with_the_next_step(shell: Shell, populated: Path) -> None:
    path = populated / "log.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[:40_000] + bytes(9_000) + content[49_000:])
    ended = await examined(shell)
    assert ended.code == 1
    assert f"✗ log file: {path} is damaged" in ended.output
    assert "next step: stop the gateway and restore the file" in ended.output


async def test_a_changed_row_of_the_log_is_found(shell: Shell, populated: Path) -> None:
    other = sqlite3.connect(populated / "log.sqlite")
    other.execute("UPDATE about SET identity = 'another'")
    other.commit()
    other.close()
    ended = await examined(shell)
    assert ended.code == 1
    assert f"✗ log file: {populated}/log.sqlite is damaged (the checksum of the log's identity" in ended.output


async def test_a_damaged_copy_is_named_and_rebuilt(shell: Shell, populated: Path) -> None:
    view = await RunView.open(populated / "views/runs.sqlite", log_identity="log", partitions=3)
    await view.close()
    RelayState(populated / "relay/relay-0.sqlite", log="log").close()
    assert f"✓ local copies: 2 in {populated} are intact" in (await examined(shell)).output
    for name in ("views/runs.sqlite", "relay/relay-0.sqlite"):
        (populated / name).write_bytes(b"no database " * 1_000)
    ended = await examined(shell)
    assert ended.code == 0, ended.output
    for name in ("views/runs.sqlite", "relay/relay-0.sqlite"):
        assert f"! local copies: {populated}/{name} is damaged (file is not a database)" in ended.output


async def test_a_weak_secret_and_a_log_that_others_can_read_are_reported(shell: Shell, populated: Path) -> None:
    """[SEC-009]: T-21."""
    (populated / "secret").write_text("x" * 64)
    (populated / "secret").chmod(0o600)
    (populated / "signing.pem").touch(0o600)
    (populated / "log.sqlite").chmod(0o644)
    ended = await examined(shell)
    assert ended.code == 1
    assert f"✗ secret: the secret in {populated}/secret has too few different characters" in ended.output
    assert f"✗ signing key: {populated}/signing.pem: there is no signing key" in ended.output
    assert f"next step: chmod 600 {populated}/log.sqlite" in ended.output
