"""aiokafka's errors in the words of the port."""

from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    InvalidProducerEpoch,
    KafkaError,
    MessageSizeTooLargeError,
    ProducerFenced,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from gateway.log.kafka.aiokafka_patches import SpentError

REFUSALS = (
    ClusterAuthorizationFailedError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
"""Answers to a batch that was sent once which say that nothing of it was written."""


def is_fenced(error: BaseException) -> bool:
    """Whether a broker said that another owner has come since."""
    return isinstance(error, ProducerFenced | InvalidProducerEpoch) and not isinstance(error, SpentError)


def told(error: BaseException) -> str:
    """The error as the end of a sentence."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    text = str(error) if isinstance(error, KafkaError | OSError) else repr(error)
    return text.rstrip(".")
