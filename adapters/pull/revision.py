"""Revisions of offers that come without: the last one while the content stays, else one from the clock. Pure."""

from gateway.protocol.submission import Known


def next_revision(known: Known | None, digest: str, *, began: int) -> int:
    """The revision of an offer: the last one while its content (``digest``) stays, else a higher one, at least the time
    the run ``began`` (ms). Ask only for offers that may be published today.
    """
    if known is None:
        return began
    if known.digest == digest and known.reason != "expired":
        return known.revision
    # Here an expired offer has days left by the gateway's own rules: the clock was ahead when it expired. The same
    # revision would be stale (REV-001).
    return max(known.revision + 1, began)


def stands(known: Known | None, digest: str) -> bool:
    """Whether the offer is published already with this content."""
    return known is not None and known.published and known.digest == digest
