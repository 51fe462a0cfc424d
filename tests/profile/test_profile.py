"""Profiles: the nine packaged ones, and the errors for a wrong one."""

from typing import Any

import orjson
import pytest

import schemas
from adapters.profile.profile import Profile, explain_profile, profiles, read_profile
from gateway.partners.onboarding import presets

SELF_DELIVERING = {"bourgogne-franche-comte", "bretagne", "normandie", "nouvelle-aquitaine", "occitanie"}
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"
BASE = {"platform": "bretagne", "name": "Bretagne", "region": "53"}
SFTP = {
    "kind": "sftp",
    "host": "sftp.example.org",
    "host_key": HOST_KEY,
    "credential": {"kind": "key", "user": "region", "secret": {"file": "bretagne"}},
    "folder": "/out",
    "pattern": "*.csv",
}


def problems_of(document: object) -> set[tuple[str, str]]:
    read = read_profile(document)
    assert not isinstance(read, Profile)
    return {(found.pointer, found.code) for found in read}


def read(document: dict[str, object]) -> Profile:
    profile = read_profile(document)
    assert isinstance(profile, Profile), profile
    return profile


def test_each_of_the_nine_regions_with_a_platform_has_a_profile() -> None:
    assert 9 == len(profiles())
    assert set(profiles()) == set(presets()) - {"national"}


@pytest.mark.parametrize("slug", sorted(profiles()))
def test_a_profile_agrees_with_the_platforms_preset(slug: str) -> None:
    profile, preset = profiles()[slug], presets()[slug]
    assert (preset.name, preset.hosts, preset.territory) == (profile.name, profile.hosts, profile.territory)
    assert preset.national_delivery == profile.national_delivery


def test_the_five_that_were_connected_still_deliver_by_themselves() -> None:
    assert SELF_DELIVERING == {slug for slug, one in profiles().items() if one.national_delivery == "self"}


def test_only_the_feed_whose_format_is_public_is_pulled_by_default() -> None:
    pulled = {slug: one.format for slug, one in profiles().items() if one.pulled}
    assert {"auvergne-rhone-alpes": "cleverconnect"} == pulled


@pytest.mark.parametrize("slug", sorted(profiles()))
def test_every_profile_states_its_sources_and_its_assumptions(slug: str) -> None:
    knowledge = profiles()[slug].document["knowledge"]
    assert {"known", "assumed"} == {one["status"] for one in knowledge}
    assert all(one.get("source") for one in knowledge if one["status"] == "known")


def test_the_territory_is_the_region_unless_the_profile_names_departments() -> None:
    assert {"22", "29", "35", "56"} == read({**BASE, "transport": {"kind": "native"}}).territory
    wider = read({**BASE, "territory": ["35", "44"], "transport": {"kind": "native"}})
    assert {"35", "44"} == wider.territory


def test_a_platform_of_the_whole_country_reads_everything() -> None:
    assert frozenset() == read({"platform": "stages", "name": "Stages", "transport": {"kind": "native"}}).territory


def test_another_mapping_is_another_profile_and_another_name_is_not() -> None:
    one = read({**BASE, "transport": SFTP, "format": "cleverconnect"})
    renamed = read({**BASE, "name": "IDÉO", "transport": SFTP, "format": "cleverconnect"})
    elsewhere = read({**BASE, "transport": {**SFTP, "folder": "/in"}, "format": "cleverconnect"})
    assert one.digest == renamed.digest
    assert one.digest != elsewhere.digest


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"transport": {"kind": "ftp"}}, "/transport/kind", "not-in-list"),
        ({"transport": {"kind": "https"}}, "/transport/url", "field-missing"),
        ({"nmae": "x"}, "/nmae", "field-misnamed"),
        ({"transport": SFTP}, "/format", "field-missing"),
        ({"transport": {**SFTP, "host_key": "md5:00"}}, "/transport/host_key", "invalid"),
        ({"transport": {"kind": "folder", "folder": "../..", "pattern": "*"}}, "/transport/folder", "invalid"),
        ({"transport": {"kind": "folder", "folder": "a", "pattern": "../*"}}, "/transport/pattern", "invalid"),
        ({"transport": {"kind": "native", "every_minutes": 5}}, "/transport/every_minutes", "field-unknown"),
        ({"region": "99"}, "/region", "not-in-list"),
        ({"territory": ["35", "2C"]}, "/territory/1", "not-in-list"),
    ],
)
def test_faults_of_a_profile_are_reported_with_their_pointers(change: dict[str, Any], pointer: str, code: str) -> None:
    assert (pointer, code) in problems_of({**BASE, "transport": {"kind": "native"}, **change})


@pytest.mark.parametrize("name", ["PATH", "PASSERELLE_SECRET", "FEED_"])
def test_a_profile_names_no_variable_but_those_of_feeds(name: str) -> None:
    credential = {"kind": "key", "user": "region", "secret": {"env": name}}
    found = problems_of({**BASE, "transport": {**SFTP, "credential": credential}, "format": "cleverconnect"})
    assert ("/transport/credential/secret/env", "invalid") in found


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", ".."])
def test_a_profile_names_no_file_outside_of_the_folder_of_secrets(name: str) -> None:
    credential = {"kind": "key", "user": "region", "secret": {"file": name}}
    found = problems_of({**BASE, "transport": {**SFTP, "credential": credential}, "format": "cleverconnect"})
    assert ("/transport/credential/secret/file", "invalid") in found


@pytest.mark.parametrize("document", [None, [], "bretagne", 7])
def test_a_document_that_is_no_object_is_no_profile(document: object) -> None:
    assert {("", "wrong-type")} == problems_of(document)


def test_all_problems_are_reported_at_once_in_both_languages() -> None:
    read = read_profile({"platform": "bretagne", "transport": {"kind": "https", "format": "csv"}})
    assert not isinstance(read, Profile)
    explained = explain_profile(read)
    assert "/name" in explained["fr"]
    assert "/transport/url" in explained["en"]
    assert explained["fr"] != explained["en"]


def test_packaged_profiles_can_be_checked_by_any_validator_of_json_schema() -> None:
    for profile in profiles().values():
        assert [] == list(schemas.validator("profile").iter_errors(orjson.loads(orjson.dumps(profile.document))))
