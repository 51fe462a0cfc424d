"""OAuth 2.0: the gateway's token endpoint, and the verifier of its own and of external tokens."""
