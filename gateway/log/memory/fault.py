"""What can be made to go wrong with a write to the log in memory, so that callers can be tested against it."""

from enum import Enum


class Fault(Enum):
    """The fate of one write. All but ``REFUSED`` look the same to the caller: an UnknownOutcomeError."""

    REFUSED = "refused"
    """LogUnavailableError; nothing was written."""
    LOST = "lost"
    """UnknownOutcomeError; it never gets written."""
    UNANSWERED = "unanswered"
    """UnknownOutcomeError; it was written, the answer was lost."""
    LATE = "late"
    """UnknownOutcomeError; it turns up at ``MemoryLog.deliver``, unless its owner has been fenced by then."""
