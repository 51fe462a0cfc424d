"""Every wrong publisher and subscriber: importing this module registers them all."""

from tests.conformance.mutants import (
    publisher_batches,
    publisher_documents,
    publisher_failures,
    publisher_overlaps,
    publisher_requests,
    publisher_snapshots,
    subscriber_content,
    subscriber_copies,
    subscriber_failures,
    subscriber_order,
    subscriber_pages,
    subscriber_pushes,
)
from tests.conformance.mutants.partner_table import register
from tests.conformance.mutants.partners import PARTNERS, WrongPartner

MODULES = (
    publisher_failures,
    publisher_requests,
    publisher_batches,
    publisher_documents,
    publisher_snapshots,
    publisher_overlaps,
    subscriber_order,
    subscriber_content,
    subscriber_pages,
    subscriber_failures,
    subscriber_copies,
    subscriber_pushes,
)

for _table in ("publishers", "subscribers"):
    register(f"partners/{_table}")

__all__ = ["MODULES", "PARTNERS", "WrongPartner"]
