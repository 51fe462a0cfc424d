"""Recorded contacts, notices and requests are read, and written byte for byte: replicas of two versions share them.

They are listed here: the recording of the other topics is of a version that had none.
"""

import pytest

from gateway.notices.notice import Event, Ledger, asked_record, fold_notices, notice_record, read_notice
from gateway.protocol.contact import contact_record, read_contact
from gateway.protocol.join_request import read_request, request_record
from gateway.protocol.record import StoredRecord

CONTACTS = {
    "asked": b'{"platform":"bretagne","address":"contact@bretagne.example","name":"Contact","language":"fr",'
    b'"asked_at":1800000000000,"wording":1,"choices":{}}',
    "left": b'{"platform":"bretagne","address":"contact@bretagne.example","name":"Contact","language":"en",'
    b'"asked_at":1800000000000,"wording":1,"choices":{"ends":"never","refusals":"now"},"confirmed_at":1800000000001,'
    b'"seen_at":1800000000002,"stopped":"left"}',
    "erased": b'{"platform":"bretagne","digest":"0123456789abcdef0123456789abcdef","asked_at":1800000000000}',
}
JOINING = {
    "asked": b'{"name":"Plateforme","feed":"https://flux.example/o.xml","format":"xml","mapping":{"items":"o"},'
    b'"address":"a@example.org","language":"fr","asked_at":1800000000000,"network":"0123456789abcdef0123456789abcdef"}',
    "tried": b'{"name":"Plateforme","feed":"https://flux.example/o.xml","format":"xml","mapping":{"items":"o"},'
    b'"address":"a@example.org","language":"fr","asked_at":1800000000000,"network":"0123456789abcdef0123456789abcdef",'
    b'"confirmed_at":1800000000001,"trial":{"at":1800000000002,"counts":{"items":2,"published":1,"unchanged":0,'
    b'"refused":1,"passed":0,"warned":0,"withdrawn":0},"rules":{"text-blank":1},"failure":null},"platform":"ville",'
    b'"claim":"0123","claimed_at":1800000000003}',
    "answered": b'{"asked_at":1800000000000,"network":"0123456789abcdef0123456789abcdef","platform":"ville"}',
}
NOTICES = {
    "due": b'{"contact":"c1","kind":"refusals","about":"bretagne","window":"2027-01-15","number":900,'
    b'"at":1800000000000,"state":"due","copy":0,"changed_at":1800000000000}',
    "sending": b'{"contact":"c1","kind":"refusals","about":"bretagne","window":"2027-01-15","number":900,'
    b'"at":1800000000000,"state":"sending","copy":1,"mail":"0123456789abcdef0123456789abcdef",'
    b'"until":1800000300000,"changed_at":1800000000001}',
    "sent": b'{"contact":"c1","kind":"confirm","about":"","window":"1800000000000","number":1,"at":1800000000000,'
    b'"state":"sent","copy":2,"mail":"0123456789abcdef0123456789abcdef","changed_at":1800000000002}',
}


@pytest.mark.parametrize("name", CONTACTS)
def test_a_recorded_contact_is_written_as_it_was(name: str) -> None:
    record = contact_record(read_contact(b"3f2a9c0b1d4e5f6071829304", CONTACTS[name]))
    assert (b"3f2a9c0b1d4e5f6071829304", CONTACTS[name]) == (record.key, record.value)


@pytest.mark.parametrize("name", NOTICES)
def test_a_recorded_notice_is_written_as_it_was(name: str) -> None:
    assert NOTICES[name] == notice_record(read_notice(NOTICES[name])).value


def test_the_id_of_a_notice_is_the_one_that_earlier_versions_gave_it() -> None:
    fact = Event(contact="c1", kind="refusals", about="bretagne", window="2027-01-15", number=900)
    assert "0d890f491763d3e886dd1abd9093e43c" == fact.id


def test_a_recorded_request_for_a_link_is_read() -> None:
    record = asked_record("c1", now=1_800_000_000_000)
    assert (b"asked/c1", b'{"at":1800000000000}') == (record.key, record.value)
    ledger = fold_notices(Ledger(), [StoredRecord(7, 1_800_000_000_000, record.key, record.value)])
    assert {("c1", 7): 1_800_000_000_000} == ledger.asked


@pytest.mark.parametrize("name", JOINING)
def test_a_recorded_request_to_join_is_written_as_it_was(name: str) -> None:
    record = request_record(read_request(b"3f2a9c0b1d4e5f6071829304", JOINING[name]))
    assert (b"3f2a9c0b1d4e5f6071829304", JOINING[name]) == (record.key, record.value)
