"""The page "check an offer": an offer, several, or a feed; the same verdict as everywhere. Nothing is kept."""
