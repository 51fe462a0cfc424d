"""The errors of the ports, of refused input, and of invalid settings.

    PortError
    ├── LogError
    │   ├── LogUnavailableError      nothing was written; retry later
    │   │   └── LogDamagedError      the log's file is damaged: only an operator can restore it
    │   ├── LogBusyError             nothing was written: the queue is full
    │   ├── UnknownOutcomeError      the write may have happened; resending the same revision is safe
    │   ├── FencedError              another process owns this partition now
    │   ├── PositionLostError        a position is outside the range that the log holds
    │   ├── TopicError               a topic is missing or misconfigured
    │   └── QueuingStoppedError      the process stops: a part of an upload is queued
    └── TokenError                   a token or an assertion could not be verified

    CodedError                       a partner's input is refused, by a rule of the catalogue
    └── UploadRefusedError           an upload; nothing of it was stored

``SettingsError`` is separate: it ends the process at start.
"""

from typing import Any


class PortError(Exception):
    """Base of all infrastructure errors. Partner input never raises one."""


class LogError(PortError):
    """An operation of the event log failed."""


class LogUnavailableError(LogError):
    """The log is unreachable or rejected the operation; nothing was written."""


class LogDamagedError(LogUnavailableError):
    """The log's file is damaged; nothing was written. The message names the file and the remedy."""


class LogBusyError(LogError):
    """The bounded write queue is full; nothing was written."""


class UnknownOutcomeError(LogError):
    """The write may or may not have happened: a timeout, or a commit whose response was lost or late."""


class FencedError(LogError):
    """Another process has become the owner of the partition; nothing of this commit is ever written."""


class PositionLostError(LogError):
    """A position is before the log's start or after its end. The message names topic, partition and bounds."""


class TopicError(LogError):
    """A topic is missing, or its partition count, cleanup policy or timestamp type is wrong."""


class QueuingStoppedError(LogError):
    """The process stops; ``queued`` accepted items of an upload are on the log, the rest certainly is not."""

    def __init__(self, queued: int) -> None:
        super().__init__(queued)
        self.queued = queued


class TokenError(PortError):
    """A bearer token or client assertion could not be verified. The message never holds the token."""


class CodedError(Exception):
    """A partner's input is refused; ``code`` names a rule of the catalogue, ``values`` fill its message."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


class UploadRefusedError(CodedError):
    """A whole upload is refused; nothing of it was stored."""


class SettingsError(Exception):
    """A variable is missing or invalid. The message names the variable and the remedy."""
