"""Local SFTP server for a platform's exports: one user, one key, one folder."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import asyncssh

USER = "region"
Files: TypeAlias = Callable[["asyncssh.SSHServerChannel[bytes]"], asyncssh.SFTPServer]
"""Factory of the SFTP file system of one session."""


@dataclass(frozen=True, slots=True)
class SftpAddress:
    """Port and keys: ``host_key`` in OpenSSH's format, ``key`` the private key of ``USER``."""

    port: int
    host_key: str
    key: str = field(repr=False)


class Gatekeeper(asyncssh.SSHServer):
    """Authenticates one user by one key."""

    def __init__(self, key: asyncssh.SSHKey) -> None:
        self._key = key

    def public_key_auth_supported(self) -> bool:
        """True: public key authentication only (called by asyncssh)."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether user and key are the expected ones (called by asyncssh)."""
        return username == USER and key == self._key


@asynccontextmanager
async def serving_sftp(
    folder: Path, keep: type[Gatekeeper] = Gatekeeper, *, files: Files | None = None
) -> AsyncIterator[SftpAddress]:
    """Serve a folder as root on a free port for the block; ``keep`` is the authentication, ``files`` another file
    system.
    """
    user, host = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))

    def chrooted(channel: "asyncssh.SSHServerChannel[bytes]") -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(folder).encode())

    server = await asyncssh.create_server(
        lambda: keep(user.convert_to_public()), "127.0.0.1", 0, server_host_keys=[host], sftp_factory=files or chrooted
    )
    async with server:
        yield SftpAddress(
            server.get_port(), host.export_public_key().decode().strip(), user.export_private_key().decode()
        )
