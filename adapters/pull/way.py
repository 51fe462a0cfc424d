"""Ways: the transport that a profile asks for, with what only the operator of this gateway knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.profile.profile import Profile
from adapters.transport.drop import SETTLE_SECONDS
from adapters.transport.feed import Transport
from adapters.transport.folder import FolderDrop
from adapters.transport.https import HttpsPull, basic, bearer
from adapters.transport.secret import Secrets
from adapters.transport.worker import Worker

_SSH_PORT = 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """``feeds`` is the folder that folder drops lie in (None: there is none). ``loopback`` allows feeds from this
    machine, for tests and the demo. ``settle`` is how many seconds a file must stay as it is.
    """

    secrets: Secrets
    feeds: Path | None = None
    loopback: bool = False
    settle: float = SETTLE_SECONDS
    workers: dict[str, Worker] = field(default_factory=dict, repr=False)
    """By platform, what makes its blocking calls."""

    def transport(self, profile: Profile) -> Transport:
        """The transport of a profile that has a feed. Raises FeedError when a secret is missing."""
        way = profile.transport
        worker = self.workers.setdefault(profile.platform, Worker())
        match way["kind"]:
            case "https":
                return HttpsPull(
                    way["url"], authorization=self._authorization(way), loopback=self.loopback, worker=worker
                )
            case "sftp":
                return self._sftp(way, worker)
            case "folder":
                return FolderDrop(self.feeds, way["folder"], way["pattern"], settle=self.settle, worker=worker)
        raise ValueError(f"{profile.platform} has no feed to pull")

    def _authorization(self, way: Mapping[str, Any]) -> str | None:
        credential = way.get("credential")
        if credential is None:
            return None
        secret = self.secrets.read(credential["secret"])
        return bearer(secret) if credential["kind"] == "bearer" else basic(credential["user"], secret)

    def _sftp(self, way: Mapping[str, Any], worker: Worker) -> Transport:
        from adapters.transport.sftp import SftpDrop, SftpServer  # noqa: PLC0415 - a gateway without it starts sooner

        credential = way["credential"]
        server = SftpServer(
            host=way["host"],
            port=way.get("port", _SSH_PORT),
            host_key=way["host_key"],
            user=credential["user"],
            kind=credential["kind"],
            secret=self.secrets.read(credential["secret"]),
        )
        return SftpDrop(
            server, way["folder"], way["pattern"], loopback=self.loopback, settle=self.settle, worker=worker
        )
