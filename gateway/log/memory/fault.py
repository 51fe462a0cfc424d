"""Faults that tests inject into writes to the log in memory."""

from enum import Enum


class Fault(Enum):
    """The fault of one write. The caller sees an UnknownOutcomeError for all of them but ``REFUSED``."""

    REFUSED = "refused"
    """LogUnavailableError; nothing is written."""
    LOST = "lost"
    """UnknownOutcomeError; it is never written."""
    UNANSWERED = "unanswered"
    """UnknownOutcomeError; it is written, and the answer is lost."""
    LATE = "late"
    """UnknownOutcomeError; ``MemoryLog.deliver`` writes it, unless its owner has been fenced by then."""
