"""Subscriber topics of the target, each read from the end that it had when the run began.

aiokafka is an extra of the kit, imported only where the set-up names a cluster.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from conformance.model.result import UnverifiableError
from conformance.script.event import TopicRecord
from conformance.target.cluster import Cluster
from conformance.target.setup import Setup, SetupError
from conformance.words import Texts, plain, say
from schemas.bilingual import system_reason

_SECONDS = 20.0
_PAUSE_MS = 50
EXTRA = "aiokafka[lz4,snappy,zstd]>=0.14,<0.15"
"""The packages of the wheel's extra ``kafka``: a cluster may compress its topics in any way."""


class SubscriberTopic:
    """One topic: its name, the number of its partitions, its configuration (None where the principal may not read it),
    and the records since the run began, in order within each partition.
    """

    def __init__(self, name: str, consumer: Any, configuration: Mapping[str, Any] | None, *, seconds: float) -> None:
        self.name = name
        self.partitions = len(consumer.assignment())
        self.configuration = configuration
        self.records: list[TopicRecord] = []
        self._consumer = consumer
        self._seconds = seconds

    async def read(self) -> None:
        """Read to the end that the topic has now, which is before the first open transaction. Raises
        UnverifiableError, also where the end is not reached in time, or the name of a header is not UTF-8.
        """
        from aiokafka.errors import KafkaError  # noqa: PLC0415  # an extra

        try:
            async with asyncio.timeout(self._seconds):
                ends = await self._consumer.end_offsets(self._consumer.assignment())
                while [each for each, end in ends.items() if await self._consumer.position(each) < end]:
                    found = await self._consumer.getmany(timeout_ms=_PAUSE_MS)
                    self.records += [_record(each) for records in found.values() for each in records]
        except (KafkaError, TimeoutError, UnicodeDecodeError) as error:
            raise UnverifiableError(say("topic-unread", topic=self.name, error=_name_of(error))) from error


def _record(found: Any) -> TopicRecord:
    headers: dict[str, str] = {}
    for name, value in found.headers:  # the values of a repeated name are one text, as in HTTP, which no form takes
        text = (value or b"").decode(errors="backslashreplace")
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    return TopicRecord(found.partition, (found.key or b"").decode(errors="backslashreplace"), found.value, headers)


@asynccontextmanager
async def subscriber_topics(setup: Setup) -> AsyncIterator[Mapping[str, SubscriberTopic]]:
    """The topics that the set-up names, by account, open for the block. Raises SetupError."""
    async with AsyncExitStack() as stack:
        yield {} if setup.cluster is None else await _open(setup, setup.cluster, stack)


async def _open(setup: Setup, cluster: Cluster, stack: AsyncExitStack) -> Mapping[str, SubscriberTopic]:
    try:
        from aiokafka import AIOKafkaConsumer  # noqa: PLC0415  # an extra
        from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415
        from aiokafka.errors import KafkaError  # noqa: PLC0415
    except ImportError as error:
        raise SetupError(say("no-aiokafka"), step=say("no-aiokafka-step", package=EXTRA)) from error
    names = {account: cluster.topic(setup.account(account).platform) for account in cluster.accounts}
    options, topics = _options(cluster), {}
    try:
        async with asyncio.timeout(_SECONDS * setup.patience):
            admin = AIOKafkaAdminClient(**options)
            stack.push_async_callback(admin.close)
            await admin.start()
            known = await admin.list_topics()  # a consumer that asks for an unknown topic may create it
            for account, name in names.items():
                if name not in known:
                    raise SetupError(say("no-topic", topic=name), step=say("no-topic-step", account=account))
                consumer = AIOKafkaConsumer(
                    name, **options, isolation_level="read_committed", auto_offset_reset="none", group_id=None
                )
                stack.push_async_callback(consumer.stop)
                await consumer.start()
                await consumer.seek_to_end(*consumer.assignment())
                for partition in consumer.assignment():
                    await consumer.position(partition)
                topics[account] = SubscriberTopic(
                    name, consumer, await _configuration(admin, name), seconds=_SECONDS * setup.patience
                )
    except (KafkaError, OSError, TimeoutError) as error:
        text = say("no-cluster-answer", servers=cluster.servers, error=_name_of(error))
        raise SetupError(text, step=say("no-cluster-answer-step")) from error
    return topics


def _options(cluster: Cluster) -> dict[str, Any]:
    options: dict[str, Any] = {
        "bootstrap_servers": cluster.servers,
        "client_id": "passerelle-conformance",
        "security_protocol": cluster.security,
    }
    if cluster.security.endswith("SSL"):
        try:
            context = ssl.create_default_context(cafile=cluster.ca)
            if cluster.certificate is not None:
                context.load_cert_chain(cluster.certificate, cluster.key, password="")  # never asks for one
        except OSError as error:
            text = say("kafka-files", error=system_reason(error).texts)
            raise SetupError(text, step=say("kafka-files-step")) from error
        options["ssl_context"] = context
    if cluster.security.startswith("SASL"):
        options |= {
            "sasl_mechanism": cluster.mechanism,
            "sasl_plain_username": cluster.username,
            "sasl_plain_password": cluster.secret,
        }
    return options


async def _configuration(admin: Any, name: str) -> Mapping[str, Any] | None:
    """The topic's configuration, numbers as such; None where the principal may not read it."""
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType  # noqa: PLC0415  # an extra

    for answer in await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)]):
        for code, _, _, _, entries in answer.resources:
            if not code:
                return {entry[0]: _number(entry[1]) for entry in entries}
    return None


def _number(text: str | None) -> Any:
    return int(text) if text is not None and text.isdecimal() else text


def _name_of(error: Exception) -> Texts:
    """The error in words, without values: a message of the library may name what is no one's business."""
    return system_reason(error).texts if isinstance(error, OSError) else plain(type(error).__name__)
