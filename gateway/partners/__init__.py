"""Partners of the federation: accounts on a compacted topic, authenticated by hashed credentials."""

from gateway.partners.partners import Partners, topics_of

__all__ = ["Partners", "topics_of"]
