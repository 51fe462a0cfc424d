"""Create the transport of a profile, with the secrets and folders of this gateway."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import encode_basic_auth

from adapters.profile.profile import Profile
from adapters.transport.drop import SETTLE_SECONDS, FolderDrop
from adapters.transport.feed import FeedError, Transport
from adapters.transport.https import HttpsPull
from adapters.transport.limit import PlatformThread

_SSH_PORT = 22


@dataclass(frozen=True, slots=True)
class Secrets:
    """Sources of secrets: environment variables, and the files of one folder (None: no folder)."""

    environ: Mapping[str, str] = field(repr=False)
    folder: Path | None = None

    def read(self, named: Mapping[str, str]) -> str:
        """The secret of ``{"env": NAME}`` or ``{"file": NAME}`` without its last line feed. Raises FeedError.

        The profile schema restricts the names to ``FEED_…`` and to plain file names: no profile can read other values.
        """
        name = named.get("env") or named["file"]
        text = self.environ.get(name, "") if "env" in named else self._read_file(name)
        if not text:
            raise FeedError("feed-secret-missing", name=name)
        return text

    def _read_file(self, name: str) -> str:
        if self.folder is None:
            return ""
        try:
            return (self.folder / name).read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError):
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportFactory:
    """Transport factory. ``feeds``: the parent folder of folder drops (None: no folder drops). ``loopback`` allows
    feeds from this machine, for tests and the demo. ``settle``: seconds without a change before a file is read.
    """

    secrets: Secrets
    feeds: Path | None = None
    loopback: bool = False
    settle: float = SETTLE_SECONDS
    workers: dict[str, PlatformThread] = field(default_factory=dict, repr=False)
    """The worker for blocking calls, by platform."""

    def transport(self, profile: Profile) -> Transport:
        """The transport of a profile. Raises FeedError if a secret is missing, ValueError if it has no feed."""
        transport = profile.transport
        worker = self.workers.setdefault(profile.platform, PlatformThread())
        match transport["kind"]:
            case "https":
                return HttpsPull(
                    transport["url"],
                    authorization=self._authorization(transport),
                    loopback=self.loopback,
                    worker=worker,
                )
            case "sftp":
                return self._sftp(transport, worker)
            case "folder":
                return FolderDrop(
                    self.feeds, transport["folder"], transport["pattern"], settle=self.settle, worker=worker
                )
        raise ValueError(f"{profile.platform} has no feed to pull")

    def _authorization(self, transport: Mapping[str, Any]) -> str | None:
        credential = transport.get("credential")
        if credential is None:
            return None
        secret = self.secrets.read(credential["secret"])
        return f"Bearer {secret}" if credential["kind"] == "bearer" else encode_basic_auth(credential["user"], secret)

    def _sftp(self, transport: Mapping[str, Any], worker: PlatformThread) -> Transport:
        from adapters.transport.sftp import SftpDrop, SftpServer  # noqa: PLC0415 - a gateway without it starts sooner

        credential = transport["credential"]
        server = SftpServer(
            host=transport["host"],
            port=transport.get("port", _SSH_PORT),
            host_key=transport["host_key"],
            user=credential["user"],
            kind=credential["kind"],
            secret=self.secrets.read(credential["secret"]),
        )
        return SftpDrop(
            server, transport["folder"], transport["pattern"], loopback=self.loopback, settle=self.settle, worker=worker
        )
