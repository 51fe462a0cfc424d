"""Partners: who takes part in the federation, kept on a compacted topic and proved by hashed credentials."""

from gateway.partners.partners import Partners

__all__ = ["Partners"]
