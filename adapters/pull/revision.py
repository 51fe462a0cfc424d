"""Assign revisions to offers without one: the last one for the same content, else one from the clock. Pure."""

from gateway.protocol.submission import Known


def next_revision(known: Known | None, digest: str, *, began: int) -> int:
    """Return the last revision if the content (``digest``) is the same, else a higher one, at least ``began``.

    ``began`` is the start of the run (ms). Call this only for offers that may be published today.
    """
    if known is None:
        return began
    if known.digest == digest and known.reason != "expired":
        return known.revision
    # An expired offer that may be published today expired while the clock was ahead. The same revision would be stale
    # (REV-001).
    return max(known.revision + 1, began)


def is_published(known: Known | None, digest: str) -> bool:
    """Return whether the offer is already published with this content."""
    return known is not None and known.published and known.digest == digest
