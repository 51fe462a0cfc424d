"""The event log on Apache Kafka, by aiokafka."""

from gateway.log.kafka.log import KafkaLog
from gateway.log.kafka.settings import KafkaSettings

__all__ = ["KafkaLog", "KafkaSettings"]
