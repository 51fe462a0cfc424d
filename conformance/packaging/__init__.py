"""Build of the kit's own wheel."""
