"""OAuth 2.0: the token endpoint of the gateway, and the verifier of its own and of external tokens."""
