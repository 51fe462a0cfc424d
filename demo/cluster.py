"""Kafka cluster that the environment lends to the demo: named, checked, and left without the demo's topics."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NoError, for_code

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"


class ClusterError(Exception):
    """The cluster did not answer, or kept topics; ``step`` is the remedy."""

    def __init__(self, message: str, *, step: str) -> None:
        super().__init__(message)
        self.step = step


def lent_cluster() -> str | None:
    """Bootstrap servers in ``KAFKA_BOOTSTRAP_SERVERS``; None where the demo starts its own broker."""
    return os.environ.get(VARIABLE)


@asynccontextmanager
async def cleared(servers: str, prefix: str) -> AsyncIterator[None]:
    """Check that the cluster answers; delete all topics with this prefix after the block. Raises ClusterError."""
    try:
        async with _admin_client(servers):
            pass
    except (KafkaError, OSError) as error:
        step = f"let {VARIABLE} name a cluster that runs and needs no proof of who asks, or unset it"
        raise ClusterError(f"Kafka at {servers} does not answer: {error}.", step=step) from error
    try:
        yield
    finally:
        await _delete_topics(servers, prefix)


async def _delete_topics(servers: str, prefix: str) -> None:
    step = f"delete the topics {prefix}.* there"
    try:
        async with _admin_client(servers) as admin:
            names = [name for name in await admin.list_topics() if name.startswith(f"{prefix}.")]
            codes = (await admin.delete_topics(names)).topic_error_codes if names else []
    except (KafkaError, OSError) as error:
        raise ClusterError(f"Kafka at {servers} may have kept topics: {error}.", step=step) from error
    kept = [f"{name} ({for_code(code).__name__})" for name, code in codes if code != NoError.errno]
    if kept:
        raise ClusterError(f"Kafka at {servers} has kept topics: {', '.join(kept)}.", step=step)


@asynccontextmanager
async def _admin_client(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
