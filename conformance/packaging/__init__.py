"""How the kit's own wheel is made."""
