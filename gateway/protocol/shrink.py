"""The shrink guard: how much may vanish at once before somebody has to say that this is meant."""

_SHARE = 0.2
_LEAST = 10


def would_shrink(gone: int, live: int) -> bool:
    """Whether so many of what is live are too many to lose without a word: over a fifth, and at least ten (PUB-028)."""
    return gone >= _LEAST and gone > live * _SHARE
