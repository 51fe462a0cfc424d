"""Contacts: addresses in one form, and records that come back as they were."""

import pytest

from gateway.protocol.contact import (
    Contact,
    Erased,
    address_digest,
    clean_address,
    contact_record,
    fold_contacts,
    gone_record,
    read_contact,
)
from gateway.protocol.record import Record, StoredRecord

CONTACT = Contact(
    id="c1", platform="bretagne", address="essai@example.org", name="Personne d’essai", language="fr", asked_at=1
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (" essai@Example.ORG ", "essai@example.org"),
        ("essai@Économie.example", "essai@xn--conomie-9xa.example"),
        ("o'neil+avis@a.b.example", "o'neil+avis@a.b.example"),
    ],
)
def test_an_address_has_one_form_and_its_domain_is_idna(text: str, address: str) -> None:
    assert address == clean_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "essai",
        "@example.org",
        "essai@",
        "essai@localhost",
        "prénom@example.org",
        "essai@example.org\r\nBcc: autre@example.org",
        "essai\n@example.org",
        "essai@example.org, autre@example.org",
        "<essai@example.org>",
        '"essai autre"@example.org',
        "essai@-example.org",
        "essai@exam_ple.org",
        "essai@[127.0.0.1]",
        ".essai@example.org",
        f"{'e' * 65}@example.org",
        f"e@{'e' * 64}.org",
        f"e@{'.'.join(['e' * 60] * 5)}.org",
        "essai@example.org\x00",
        "=?utf-8?b?QQ==?=@example.org",
    ],
)
def test_what_is_no_single_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="its first part in ASCII"):
        clean_address(text)


def test_records_come_back_as_they_were_and_a_tombstone_erases() -> None:
    erased = Erased(id="c2", platform="bretagne", digest=address_digest("A@example.org", b"k" * 32), asked_at=2)
    kept = fold_contacts({}, [stored(contact_record(CONTACT)), stored(contact_record(erased))])
    assert {"c1": CONTACT, "c2": erased} == kept
    assert {"c2": erased} == fold_contacts(kept, [stored(gone_record("c1"))])
    assert "essai" not in repr(CONTACT)
    assert erased.digest == address_digest("a@EXAMPLE.org", b"k" * 32)


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"digest": 1}', b'{"address": "x"}'])
def test_a_record_that_the_gateway_did_not_write_is_nobody(value: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of JSON, or ours
        read_contact(b"c1", value)
    assert {} == fold_contacts({}, [StoredRecord(0, 0, b"c1", value)])


def stored(record: Record) -> StoredRecord:
    return StoredRecord(0, 0, record.key, record.value)
