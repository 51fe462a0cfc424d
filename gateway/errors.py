"""The errors that crossing a port may raise, and those of a wrong setting.

    PortError
    ├── LogError
    │   ├── LogUnavailableError      nothing was written; try again later
    │   │   └── LogDamagedError      the log's file is damaged: only an operator can restore it
    │   ├── LogBusyError             nothing was written: the queue is full
    │   ├── UnknownOutcomeError      may or may not have been written; resending the same revision is safe
    │   ├── FencedError              another owner has taken this partition
    │   ├── PositionLostError        a position lies outside what the log still holds
    │   └── TopicError               a topic is missing or is not as it must be
    └── TokenError                   a token or an assertion proves nothing

``SettingsError`` is apart: the process ends with it before it has begun.
"""


class PortError(Exception):
    """The base of all errors of infrastructure. Partner input never raises one."""


class LogError(PortError):
    """The event log did not do what it was asked."""


class LogUnavailableError(LogError):
    """The log could not be reached or refused; certainly nothing was written."""


class LogDamagedError(LogUnavailableError):
    """The log's file is damaged; nothing was written. The message names the file and the next step."""


class LogBusyError(LogError):
    """The bounded queue in front of the log is full; certainly nothing was written."""


class UnknownOutcomeError(LogError):
    """The write may or may not have happened: a time-out, or a commit whose answer was lost or late."""


class FencedError(LogError):
    """Another owner has taken the partition since; nothing of this commit was or will be written."""


class PositionLostError(LogError):
    """A reader stands below the log's start or beyond its end. The message names topic, partition and the bounds."""


class TopicError(LogError):
    """A topic is missing, or its partition count, policy or time stamps are not as they must be."""


class TokenError(PortError):
    """A bearer token or client assertion could not be verified. The message never holds the token."""


class SettingsError(Exception):
    """A variable is missing or wrong; the message names it and says how to mend it."""
