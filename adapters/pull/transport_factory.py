"""Create the transport of a profile, with the secrets and folders of this gateway."""

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
class TransportFactory:
    """Transport factory. ``feeds``: the parent folder of folder drops (None: no folder drops). ``loopback`` allows
    feeds from this machine, for tests and the demo. ``settle``: seconds without a change before a file is read.
    """

    secrets: Secrets
    feeds: Path | None = None
    loopback: bool = False
    settle: float = SETTLE_SECONDS
    workers: dict[str, Worker] = field(default_factory=dict, repr=False)
    """The worker for blocking calls, by platform."""

    def transport(self, profile: Profile) -> Transport:
        """Return the transport of a profile. Raises FeedError if a secret is missing, ValueError if it has no feed."""
        transport = profile.transport
        worker = self.workers.setdefault(profile.platform, Worker())
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
        return bearer(secret) if credential["kind"] == "bearer" else basic(credential["user"], secret)

    def _sftp(self, transport: Mapping[str, Any], worker: Worker) -> Transport:
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
