"""Pages for people: server-rendered HTML in French and English. A folder per page; ``base`` is what they share."""
