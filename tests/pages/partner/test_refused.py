"""Refused offers one by one, from receipts and from what refusals at the door name."""

from typing import Any

from gateway.federation.refused import RefusedFacts
from gateway.pages.partner.refused import fields_at_fault, refusals
from gateway.protocol.record import utc
from gateway.protocol.refused_document import RefusedDocument
from tests.pages.feeds import problem

NOW = 1_796_000_000_000


def test_a_receipt_names_its_errors_and_not_its_warnings() -> None:
    error = problem("week-malformed", actual="2027-W9")
    warning = {**problem("employer-undescribed"), "severity": "warning"}
    receipt = {"receipt": "r", "publisher": "bretagne", "at": utc(NOW), "verdict": "rejected"}
    receipts: list[dict[str, Any]] = [
        {**receipt, "id": "bretagne:1", "problems": [warning, error]},
        {**receipt, "problems": [{**warning, "severity": "grave"}]},
        receipt,
    ]
    [one, other, unknown] = refusals(RefusedFacts(documents=(), receipts=receipts, more=False), "fr")
    assert ("bretagne:1", NOW, ["week-malformed"]) == (one.offer, one.at, [reason.rule.code for reason in one.reasons])
    assert "/weeks/0" == one.reasons[0].pointer
    assert (None, 1, 0) == (other.offer, len(other.reasons), len(unknown.reasons))


def test_receipts_and_documents_are_one_list_newest_first() -> None:
    """A document has the rule without the values that broke it, an index counted from 1 where it has no id."""
    receipt = {"receipt": "r", "publisher": "bretagne", "at": utc(NOW), "verdict": "rejected", "problems": ()}
    documents = [
        RefusedDocument(platform="bretagne", at=NOW + 1, id="bretagne:1", fields={"week-malformed": "/weeks/0"}),
        RefusedDocument(platform="normandie", at=NOW - 1, index=0, fields={"text-blank": "/title", "new-rule": None}),
    ]
    found = refusals(RefusedFacts(documents=documents, receipts=[receipt], more=False), "fr")
    assert [("bretagne:1", None, None), (None, "r", None), (None, None, 1)] == [
        (one.offer, one.receipt, one.number) for one in found
    ]
    assert [("week-malformed", "/weeks/0")] == [(one.rule.code, one.pointer) for one in found[0].reasons]
    assert ("Semaine mal formée", None) == (found[0].reasons[0].rule.name, found[0].reasons[0].rule.sentence)
    assert [("text-blank", "/title"), ("new-rule", None)] == [(one.rule.code, one.pointer) for one in found[2].reasons]


def test_the_fields_of_a_rule_are_those_that_refusals_name() -> None:
    """Each once, the items of a list as one; a rule that names no field has none."""
    fields: list[dict[str, str | None]] = [
        {"a": "/weeks/0"},
        {"a": "/weeks/12", "b": None},
        {"a": "/title", "c": "/schedule/monday"},
    ]
    documents = [RefusedDocument(platform="p", at=NOW - n, index=n, fields=one) for n, one in enumerate(fields)]
    found = fields_at_fault(refusals(RefusedFacts(documents=documents, receipts=(), more=False), "en"))
    assert {"a": ["/weeks", "/title"], "c": ["/schedule/monday"]} == found
