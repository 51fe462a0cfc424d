"""The connector: one fenced owner per national account, built from delivery, inbound and maintenance."""
