"""SFTP drops against a real server on loopback: its key, ours, the newest file, and refusals."""

import os
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from adapters.transport.drop import MAX_ENTRIES
from adapters.transport.feed import Feed, FeedError, FetchLimits, Unchanged, Validators
from adapters.transport.sftp import SftpDrop, SftpServer
from gateway import clock
from tests.transport.server import content_of
from tests.transport.sftp_server import public, sftp_server

pytestmark = pytest.mark.slow


def drop(server: SftpServer, folder: str = "/out", *, loopback: bool = True) -> SftpDrop:
    return SftpDrop(server, folder, "*.xml", loopback=loopback, settle=0.05)


async def code_of(drop: SftpDrop, limits: FetchLimits) -> str:
    with pytest.raises(FeedError) as refused:
        await drop.fetch({}, limits)
    return refused.value.code


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "files" / "out"
    folder.mkdir(parents=True)
    (folder / "feed.xml").write_bytes(b"<offers/>")
    return folder


@pytest.fixture
def limits(tmp_path: Path) -> FetchLimits:
    return FetchLimits(folder=tmp_path / "spool", most_bytes=100_000)


async def test_the_newest_file_is_fetched_by_key_and_not_again(out: Path, limits: FetchLimits) -> None:
    async with sftp_server(out.parent) as server:
        feed = await drop(server).fetch({}, limits)
        assert b"<offers/>" == content_of(feed)
        assert isinstance(feed, Feed)
        assert isinstance(await drop(server).fetch(feed.validators, limits), Unchanged)


async def test_a_password_opens_as_well(out: Path, limits: FetchLimits) -> None:
    async with sftp_server(out.parent) as server:
        by_password = replace(server, kind="password", secret="word")
        assert b"<offers/>" == content_of(await drop(by_password).fetch({}, limits))
        assert "feed-denied" == await code_of(drop(replace(by_password, secret="wrong")), limits)


async def test_a_server_with_another_key_is_refused(out: Path, limits: FetchLimits) -> None:
    other = public(asyncssh.generate_private_key("ssh-ed25519"))
    async with sftp_server(out.parent) as server:
        assert "feed-host-key-wrong" == await code_of(drop(replace(server, host_key=other)), limits)


async def test_a_file_beyond_the_limit_is_refused(out: Path, limits: FetchLimits) -> None:
    (out / "feed.xml").write_bytes(b"x" * 200_000)
    async with sftp_server(out.parent) as server:
        assert "feed-too-large" == await code_of(drop(server), limits)


async def test_links_and_folders_are_no_feeds(out: Path, limits: FetchLimits) -> None:
    (out / "feed.xml").rename(out / "feed.txt")
    (out / "link.xml").symlink_to("feed.txt")
    (out / "folder.xml").mkdir()
    async with sftp_server(out.parent) as server:
        assert "feed-missing" == await code_of(drop(server), limits)


async def test_a_folder_with_too_many_entries_is_refused(out: Path, limits: FetchLimits) -> None:
    for number in range(MAX_ENTRIES):
        (out / f"{number}.xml").touch()
    async with sftp_server(out.parent) as server:
        assert "feed-folder-too-full" == await code_of(drop(server), limits)


async def test_a_missing_folder_is_reported(out: Path, limits: FetchLimits) -> None:
    async with sftp_server(out.parent) as server:
        assert "feed-missing" == await code_of(drop(server, "/elsewhere"), limits)


async def test_this_machine_is_refused_unless_it_is_allowed(out: Path, limits: FetchLimits) -> None:
    async with sftp_server(out.parent) as server:
        assert "feed-address-private" == await code_of(drop(server, loopback=False), limits)


async def test_an_unreachable_server_is_reported(out: Path, limits: FetchLimits) -> None:
    async with sftp_server(out.parent) as server:
        pass
    assert "feed-unreachable" == await code_of(drop(server), limits)


async def test_an_invalid_key_is_reported_as_denied(out: Path, limits: FetchLimits) -> None:
    async with sftp_server(out.parent) as server:
        assert "feed-denied" == await code_of(drop(replace(server, secret="no key")), limits)


def test_the_secret_is_not_displayed() -> None:
    text = repr(SftpServer(host="h", host_key="k", user="u", kind="password", secret="s3cret"))
    assert "s3cret" not in text


async def test_a_file_with_a_date_in_the_future_is_read_once_and_the_next_ones_after_it(
    out: Path, limits: FetchLimits
) -> None:
    now = clock.now() / 1000
    dates = {b"ahead": now + 10 * 365 * 86_400, b"one": now - 20, b"two": now - 10, b"later": now + 86_400}
    known: Validators = {}
    (out / "feed.xml").unlink()
    async with sftp_server(out.parent) as server:
        for content, date in dates.items():
            path = out / f"{content.decode()}.xml"
            path.write_bytes(content)
            os.utime(path, (date, date))
            feed = await drop(server).fetch(known, limits)
            assert content == content_of(feed)
            assert isinstance(feed, Feed)
            known = feed.validators
            assert isinstance(await drop(server).fetch(known, limits), Unchanged)
