"""The demo's SFTP server on loopback, which lets its user in by a password as well, to one folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh

from adapters.transport.sftp import SftpServer
from demo.region_site.simulator import USER, Gatekeeper, serving_sftp


class PasswordGatekeeper(Gatekeeper):
    """Lets the user in by key or by password."""

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, "word")


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()


@asynccontextmanager
async def sftp_server(folder: Path) -> AsyncIterator[SftpServer]:
    async with serving_sftp(folder, PasswordGatekeeper) as address:
        yield SftpServer(
            host="127.0.0.1", port=address.port, host_key=address.host_key, user=USER, kind="key", secret=address.key
        )
