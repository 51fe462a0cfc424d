"""The presets of the platforms agree with the protocol, the code lists and the routing of offers."""

import schemas
from gateway.partners.onboarding import presets
from gateway.partners.record import partner_document
from gateway.protocol.identity import is_slug

NINE = {
    "auvergne-rhone-alpes",
    "bourgogne-franche-comte",
    "bretagne",
    "grand-est",
    "ile-de-france",
    "normandie",
    "nouvelle-aquitaine",
    "occitanie",
    "pays-de-la-loire",
}


def test_the_nine_regions_and_the_national_site_are_known() -> None:
    assert {*NINE, "national"} == set(presets())
    assert all(is_slug(slug) for slug in presets())


def test_the_five_that_deliver_by_themselves_are_marked() -> None:
    own = {slug for slug, partner in presets().items() if partner.national_delivery == "self"}
    assert {"bourgogne-franche-comte", "bretagne", "normandie", "nouvelle-aquitaine", "occitanie"} == own


def test_no_department_belongs_to_two_regions_and_the_national_site_reads_all() -> None:
    departments = [code for slug in NINE for code in presets()[slug].territory]
    assert len(set(departments)) == len(departments)
    assert frozenset() == presets()["national"].territory


def test_territories_are_the_departments_of_the_region() -> None:
    assert {"22", "29", "35", "56"} == presets()["bretagne"].territory
    assert {"14", "27", "50", "61", "76"} == presets()["normandie"].territory
    counts = {slug: len(presets()[slug].territory) for slug in NINE}
    assert {
        "auvergne-rhone-alpes": 12,
        "bourgogne-franche-comte": 8,
        "bretagne": 4,
        "grand-est": 10,
        "ile-de-france": 8,
        "normandie": 5,
        "nouvelle-aquitaine": 12,
        "occitanie": 13,
        "pays-de-la-loire": 5,
    } == counts


def test_hosts_are_as_routing_compares_them() -> None:
    """Lower case, without ``www.``, and no two platforms on one host (RTE-004)."""
    hosts = [host for partner in presets().values() for host in partner.hosts]
    assert [host.lower().removeprefix("www.") for host in hosts] == hosts
    assert len(set(hosts)) == len(hosts)


def test_presets_carry_no_credential_and_follow_the_schema() -> None:
    for partner in presets().values():
        assert () == partner.secrets
        assert [] == list(schemas.validator("partner").iter_errors(partner_document(partner)))
