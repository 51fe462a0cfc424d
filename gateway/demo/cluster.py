"""A Kafka cluster that somebody else runs, lent to the demo: no topic of the demo stays there."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, NoError, for_code

VARIABLE = "KAFKA_BOOTSTRAP_SERVERS"


class ClusterError(Exception):
    """The cluster did not answer, or kept topics; ``step`` says what to do next."""

    def __init__(self, message: str, *, step: str) -> None:
        super().__init__(message)
        self.step = step


def lent_cluster() -> str | None:
    """Bootstrap servers of the cluster that the environment names; None where the demo starts its own."""
    return os.environ.get(VARIABLE)


@asynccontextmanager
async def cleared(servers: str, prefix: str) -> AsyncIterator[None]:
    """See that the cluster answers, and delete all topics of this prefix when the block ends. Raises ClusterError."""
    try:
        async with _asking(servers):
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
        async with _asking(servers) as admin:
            names = [name for name in await admin.list_topics() if name.startswith(f"{prefix}.")]
            codes = (await admin.delete_topics(names)).topic_error_codes if names else []
    except (KafkaError, OSError) as error:
        raise ClusterError(f"Kafka at {servers} may have kept topics: {error}.", step=step) from error
    kept = [f"{name} ({for_code(code).__name__})" for name, code in codes if code != NoError.errno]
    if kept:
        raise ClusterError(f"Kafka at {servers} has kept topics: {', '.join(kept)}.", step=step)


@asynccontextmanager
async def _asking(servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
