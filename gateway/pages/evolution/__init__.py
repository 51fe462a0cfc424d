"""Live offers that a release will refuse at their next change: a platform's own, or for an operator all."""
