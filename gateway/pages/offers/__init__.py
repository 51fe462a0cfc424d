"""Offers in public: searched, listed and shown, for everybody."""
