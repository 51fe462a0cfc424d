"""Which refused documents are named, and what is kept of them: closed sets, and few."""

import pytest

from gateway.protocol.refused_document import (
    MAX_DOCUMENTS,
    MAX_OF_RULE,
    MAX_RULES,
    RefusedDocument,
    RefusedDocuments,
    fields_at_fault,
    known_field,
    own_id,
)


def document(name: str | int, *rules: str, platform: str = "bretagne") -> RefusedDocument:
    fields = dict.fromkeys(rules)
    if isinstance(name, int):
        return RefusedDocument(platform=platform, at=1, index=name, fields=fields)
    return RefusedDocument(platform=platform, at=1, id=name, fields=fields)


def taken(*documents: RefusedDocument) -> list[str | int | None]:
    found = RefusedDocuments()
    for one in documents:
        found.add(one)
    names = [one.index if one.id is None else one.id for one in found.take()]
    assert [] == found.take()
    return names


def test_the_first_documents_of_each_rule_are_named_each_once() -> None:
    many = [document(n, "a") for n in range(100)]
    assert list(range(MAX_OF_RULE)) == taken(*many)
    assert [*range(MAX_OF_RULE), "other"] == taken(*many, document("other", "a", "b"))
    assert ["x", "y"] == taken(document("x", "a"), document("x", "a", "b"), document("y", "a"))


def test_a_platform_has_a_bound_of_its_own() -> None:
    many = [document(n, f"rule-{n}") for n in range(100)]
    assert [*range(MAX_DOCUMENTS), "normandie:1"] == taken(*many, document("normandie:1", "a", platform="normandie"))


def test_after_a_record_each_rule_has_room_again() -> None:
    found = RefusedDocuments()
    for _ in range(2):
        for number in range(MAX_OF_RULE):
            assert found.wants("bretagne", ["a"])
            found.add(document(number, "a"))
        assert not found.wants("bretagne", ["a"])
        found.take()


@pytest.mark.parametrize(
    ("pointer", "kept"),
    [
        ("/title", "/title"),
        ("/weeks/12", "/weeks/12"),
        ("/location/postal_code", "/location/postal_code"),
        ("/schedule/monday/start", "/schedule/monday/start"),
        ("/withdrawn", "/withdrawn"),
        ("", None),
        (None, None),
        ("/jean.dupont@example.org", None),
        ("/0612345678", None),
        ("/employer/Jean Dupont", "/employer"),
        ("/extensions/Jean Dupont/name", "/extensions"),
        ("/weeks/\u0661", "/weeks"),
    ],
)
def test_a_pointer_is_kept_as_far_as_its_names_are_those_of_the_schema(pointer: str | None, kept: str | None) -> None:
    """The names of unknown members are text of the document."""
    assert kept == known_field(pointer)


def test_a_rule_has_the_first_field_that_breaks_it() -> None:
    problems = [
        {"code": "b", "pointer": "/title"},
        {"code": "a", "pointer": "/weeks/3"},
        {"code": "a", "pointer": "/weeks/4"},
        {"code": "warning", "pointer": "/city"},
    ]
    assert {"b": "/title", "a": "/weeks/3", "c": None} == fields_at_fault(problems, ["a", "b", "c"])
    assert MAX_RULES == len(fields_at_fault((), [f"rule-{n}" for n in range(50)]))


@pytest.mark.parametrize("text", [None, "", "bretagne", "normandie:1", "bretagne:a b", "bretagne:" + "a" * 61])
def test_only_an_id_of_the_platform_is_kept(text: str | None) -> None:
    assert own_id(text, "bretagne") is None
    assert "bretagne:a" == own_id("bretagne:a", "bretagne")
