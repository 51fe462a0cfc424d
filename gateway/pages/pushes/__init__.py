"""Subscriptions to pushes, for the persons of a platform and for the operator."""
