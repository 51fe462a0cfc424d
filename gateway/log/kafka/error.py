"""Classification of aiokafka's errors for the port."""

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from gateway.log.kafka.aiokafka_patches import StoppedProducerError

REFUSALS = (
    ClusterAuthorizationFailedError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
"""Errors that guarantee, for a batch that was sent once, that nothing of it was written."""


def is_fenced(error: BaseException) -> bool:
    """Whether a broker reports that a newer owner exists."""
    return isinstance(error, ProducerFenced | InvalidProducerEpoch) and not isinstance(error, StoppedProducerError)


def describe(error: BaseException) -> str:
    """The error as the end of a sentence."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = str(error) if isinstance(error, KafkaError | OSError) else repr(error)
    return text.rstrip(".")
