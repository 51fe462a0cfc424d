"""The event log on Apache Kafka, by aiokafka; and in ``broker`` a local Kafka for tests and the demo."""

from gateway.log.kafka.log import KafkaLog
from gateway.log.kafka.settings import KafkaSettings

__all__ = ["KafkaLog", "KafkaSettings"]
