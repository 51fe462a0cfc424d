"""An SFTP server on loopback that lets one user in, by key or by password, to one folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from adapters.transport.sftp import SftpServer


class Gatekeeper(asyncssh.SSHServer):
    """Lets ``region`` in, by key or by password."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self._key = key

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("region", "word")

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "region" and key == self._key


KEY = asyncssh.generate_private_key("ssh-ed25519")
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


@asynccontextmanager
async def sftp_server(folder: Path) -> AsyncIterator[SftpServer]:
    def files(channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(folder).encode())

    server = await asyncssh.create_server(
        lambda: Gatekeeper(KEY.convert_to_public()),
        "127.0.0.1",
        0,
        server_host_keys=[HOST_KEY],
        sftp_factory=files,
    )
    async with server:
        yield SftpServer(
            host="127.0.0.1",
            port=server.get_port(),
            host_key=public(HOST_KEY),
            user="region",
            kind="key",
            secret=KEY.export_private_key().decode(),
        )
