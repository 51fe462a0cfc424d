"""The interconnection protocol as pure functions and frozen values: no clock, no network, no disk."""
