"""Delivery of offers to the national site: outbox, calls, outcomes, orders."""
