"""Demandes: requests of strangers to connect a feed, their dry run and their answer, for the operator."""
