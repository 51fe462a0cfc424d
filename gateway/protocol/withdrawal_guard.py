"""The withdrawal guard: how many offers may be withdrawn at once without confirmation."""

_SHARE = 0.2
_LEAST = 10


def needs_confirmation(gone: int, live: int) -> bool:
    """Whether ``gone`` of ``live`` offers need confirmation: over a fifth, and at least ten (PUB-028)."""
    return gone >= _LEAST and gone > live * _SHARE
