"""The deployment under test: one log, its partners, and the gateway replicas that work on it."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway import clock
from gateway.bootstrap.log import open_log
from gateway.log.port import EventLog
from gateway.operate.audit import audit
from gateway.partners import Partners, topics_of
from gateway.partners.credential import mint_secret
from gateway.partners.onboarding import presets
from gateway.protocol.topic import COMMON, full_name
from gateway.settings import Settings
from tests.faults.process import GatewayProcess

PUBLISHERS = ("bretagne", "normandie", "occitanie")
SUBSCRIBER = "national"
"""Sees everything; on Kafka it also has a feed topic."""
NATIVE = "pays-de-la-loire"
"""Publishes by Kafka, on its own inbox; takes no part on the embedded log."""
FILTERED = "grand-est"
"""Sees one sector only, so that offers come into its view and leave it."""
LIMITLESS = "1000000"


class Deployment:
    """Replicas by name, the addresses of those that run, and the checker's access to the log."""

    def __init__(
        self,
        folder: Path,
        *,
        kafka: str | None = None,
        behind: str | None = None,
        replication: int = 1,
        workers: int = 0,
        small_queue: bool = False,
        loopback: bool = False,
    ) -> None:
        """``kafka`` is the broker's address, ``behind`` the one given to replicas (a proxy); ``replication`` is that
        of the topics; ``workers`` counts further processes of each replica; ``small_queue``: see GatewayProcess.
        ``loopback`` allows endpoints of pushes on this machine.
        """
        self.folder = folder
        self.kafka = kafka
        self.replicas: list[GatewayProcess] = []
        self.secrets: dict[str, str] = {}
        self._made = 0
        self._replication = replication
        self._workers = workers
        self._small_queue = small_queue
        self._loopback = loopback
        self._key = folder / "signing.pem"
        self._secret = secrets.token_urlsafe(32)
        self._prefix = f"faults-{secrets.token_hex(4)}"
        self._behind = behind or kafka
        folder.mkdir(parents=True, exist_ok=True)
        self._key.touch(0o600)
        self._key.write_bytes(_signing_key())

    @property
    def settings(self) -> Settings:
        """The settings of this log, for the checker's own client."""
        settings = Settings(data=self.folder / "one", secret=self._secret, signing_key=self._key)
        if self.kafka is None:
            return settings
        return replace(settings, kafka=self.kafka, kafka_prefix=self._prefix, kafka_replication=self._replication)

    @property
    def urls(self) -> list[str]:
        """The addresses of the replicas that are up, as a load balancer would know them."""
        return [replica.url for replica in self.replicas if replica.running and not replica.paused]

    def topic(self, name: str) -> str:
        """The full name of a topic on Kafka."""
        return full_name(self._prefix, name)

    async def onboard(self) -> None:
        """Create the topics and all partners."""
        async with self.log() as log:
            await log.create_topics(COMMON)
            partners = Partners(log)
            for slug in (*PUBLISHERS, SUBSCRIBER, FILTERED, NATIVE):
                minted = mint_secret(now=clock.now(), entropy=os.urandom)
                self.secrets[slug] = minted.text
                native = self.kafka is not None
                known = replace(presets()[slug], feed=native and slug == SUBSCRIBER, inbox=native and slug == NATIVE)
                await partners.save(replace(known, secrets=(minted.kept,)))
            await log.create_topics(topics_of(partners))
            await partners.close()

    async def add_replica(self, folder: Path | None = None) -> GatewayProcess:
        """Start one more, without waiting for it. It gets a data folder of its own, unless one is given."""
        name = "one" if not self._made else f"another-{self._made}"
        self._made += 1
        folder = folder or self.folder / name
        replica = GatewayProcess(name, folder, self._environment(), small_queue=self._small_queue)
        self.replicas.append(replica)
        await replica.start()
        return replica

    async def ready(self) -> None:
        """Wait until every replica that was started is ready."""
        await asyncio.gather(*(replica.ready() for replica in self.replicas if replica.running or replica.died))

    @asynccontextmanager
    async def log(self) -> AsyncIterator[EventLog]:
        """The log itself, beside the gateways."""
        async with open_log(self.settings) as log:
            yield log

    async def audit(self) -> list[str]:
        """Findings of the gateway's own audit; the replicas may run meanwhile."""
        async with self.log() as log:
            return (await audit(log)).findings

    async def close(self) -> None:
        """End what still runs."""
        for replica in self.replicas:
            await replica.kill()

    def _environment(self) -> dict[str, str]:
        environment = {
            "PASSERELLE_SECRET": self._secret,
            "PASSERELLE_SIGNING_KEY": str(self._key),
            "PASSERELLE_PUBLIC_URL": "http://gateway.test",
            "PASSERELLE_REQUESTS_PER_MINUTE": LIMITLESS,
            "PASSERELLE_UPLOADS_AT_ONCE": "64",
            "PASSERELLE_WORKERS": str(self._workers),
            "PASSERELLE_LOG_LEVEL": "info",
            "PASSERELLE_LOOPBACK_FEEDS": str(int(self._loopback)),
        }
        if self._behind is not None:
            environment |= {
                "PASSERELLE_KAFKA": self._behind,
                "PASSERELLE_KAFKA_PREFIX": self._prefix,
                "PASSERELLE_KAFKA_REPLICATION": str(self._replication),
            }
        return environment


def _signing_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
