"""The version of the kit, stamped into every report; it grows with every change of a case or of how one is judged."""

KIT_VERSION = "1.1.0"
PROTOCOL_VERSION = "1"
"""The version of the protocol that the cases are about."""
