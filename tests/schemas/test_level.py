"""Who an offer is for: restrictions and their levels, schools, no recipient at all (OFR-033, OFR-035)."""

from tests.schemas.documents import changed, check, errors, found


def test_restrictions_need_their_level() -> None:
    """OFR-033"""
    college = {"levels": ["troisieme"], "stay_weeks": 1}
    assert errors(check(changed(restrictions={"rep": True}, **college))) == []
    assert errors(check(changed(restrictions={"qpv": True}))) == []
    assert errors(check(changed(restrictions={"rep": True}))) == [("rep-without-college", "/restrictions/rep")]
    assert errors(check(changed(restrictions={"qpv": True}, **college))) == [
        ("qpv-without-seconde", "/restrictions/qpv")
    ]
    assert errors(check(changed(restrictions={"rep": False, "qpv": False}))) == []
    both = changed(restrictions={"rep": True, "qpv": True}, levels=["quatrieme", "seconde"])
    assert errors(check(both)) == []


def test_schools_are_named_by_uai_codes() -> None:
    """OFR-033"""
    verdict = check(changed(restrictions={"schools": ["0750655E", "0750655F", "0750655I", "750655E"]}))
    assert errors(verdict) == [
        ("uai-malformed", "/restrictions/schools/2"),
        ("uai-malformed", "/restrictions/schools/3"),
    ]
    assert errors(check(changed(restrictions={"schools": ["0750655E", "0750655F"]}))) == [
        ("uai-checksum", "/restrictions/schools/1")
    ]


def test_an_offer_without_recipients_is_reported() -> None:
    """OFR-035"""
    verdict = check(changed(redistribution={"national": False, "regions": False}))
    assert (verdict.accepted, found(verdict)) == (True, [("redistribution-nobody", "/redistribution")])
