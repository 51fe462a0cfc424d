"""The withdrawal guard: a withdrawal of much at once needs a confirmation of its number (PUB-028). Pure."""

_GUARDED, _GUARDED_SHARE = 10, 0.2


def needs_confirmation(gone: int, live: int) -> bool:
    """Whether to withdraw ``gone`` of ``live`` offers at once needs confirmation: over a fifth, and at least ten."""
    return gone >= _GUARDED and gone > live * _GUARDED_SHARE
