"""Facts that the site's own request tests state, as a table: request, expected status and code.

``test`` names the file below ``test/controllers/api`` of betagouv/monstagedeseconde and what its test is about, in
words of this project. Where the stored tests of v1 and v2 differ, the fact of the newer one counts, and ``stale`` says
so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from demo.national_site.rules_offer import BOTH, V1, V2, Version
from tests.national.site.harness import JUNE
from tests.national.site.rule_site import Got, RuleSite

Token: TypeAlias = Literal["own", "parameter", "other", "junk", "none"]
Setting: TypeAlias = Literal["nothing", "own", "others", "two", "deleted", "offers", "towns", "near", "many", "titles"]
Check: TypeAlias = Callable[[RuleSite, Got], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One test of the site. ``body`` are changes of the body that the version takes; None sends no offer at all."""

    test: str
    method: str
    path: str = ""
    versions: tuple[Version, ...] = BOTH
    setting: Setting = "nothing"
    token: Token = "parameter"
    body: Mapping[str, Any] | None = None
    whole: bool = False
    query: tuple[tuple[str, str], ...] = ()
    status: int
    code: str | int | None = None
    check: Check = field(default=lambda _site, _got: True)
    stale: str = ""


def _error(name: str, *sentences: str) -> Check:
    return lambda _site, got: list(sentences) == got.error[name]


def _says(sentence: str) -> Check:
    return lambda _site, got: sentence == got.error


def _row(**values: Any) -> Check:
    return lambda site, _got: values == {name: getattr(site.row(), name) for name in values}


def _returned(**values: Any) -> Check:
    return lambda _site, got: values == {name: got.body[name] for name in values}


def _page(count: int, total: int, pages: int, *cities: str) -> Check:
    def check(_site: RuleSite, got: Got) -> bool:
        frame, items = got.body["pagination"], got.body["internshipOffers"]
        seen = (len(items), frame["totalInternshipOffers"], frame["totalPages"])
        return (count, total, pages) == seen and list(cities) == [item["city"] for item in items][: len(cities)]

    return check


_WRONG_TOKEN = _says("wrong api token")
_HERE = (("latitude", "44.8624"), ("longitude", "-0.5848"))
_STREET = "Rue de Grenelle"
_TOO_LONG = {"description": "a" * 1502}
_BLANKS = {
    "title": "Missing title",
    "employer_name": "Missing employer_name",
    "city": "Missing city",
    "remote_id": "Missing remote_id",
    "sector": "Missing sector",
}


def _all_missing(_site: RuleSite, got: Got) -> bool:
    return (
        all([sentence] == got.error[name] for name, sentence in _BLANKS.items())
        and [
            "Missing zipcode",
            "is invalid",
        ]
        == got.error["zipcode"]
    )


_NOTHING = dict.fromkeys(
    (
        *("description", "employer_name", "employer_description", "employer_website", "street", "zipcode", "city"),
        *("coordinates", "sector_uuid", "remote_id", "permalink", "max_candidates"),
    ),
    ...,
)


def _of(file: str, method: str, path: str = "") -> Callable[..., Fact]:
    """A row's constructor for the tests of one file: the subject of the test, the expected status and code."""

    def fact(test: str, status: int, code: str | int | None = None, /, *, path: str = path, **more: Any) -> Fact:
        return Fact(test=f"{file}: {test}", method=method, path=path, status=status, code=code, **more)

    return fact


_create = _of("internship_offers/create_test.rb", "POST")
_update = _of("internship_offers/update_test.rb", "PATCH", "/a")
_destroy = _of("internship_offers/destroy_test.rb", "DELETE", "/a")
_index = _of("internship_offers/index_test.rb", "GET")
_search = _of("internship_offers/search_test.rb", "GET", "/search")
_SECONDE: Mapping[str, Any] = {"grades": ["seconde"], "weeks": JUNE}

FACTS: tuple[Fact, ...] = (
    _create("no token", 401, "UNAUTHORIZED", token="none", check=_WRONG_TOKEN),
    _create("no offer", 422, "BAD_PAYLOAD"),
    _create(
        "an offer with a blank title only", 400, "VALIDATION_ERROR", body={**_NOTHING, "title": ""}, check=_all_missing
    ),
    _create("a remote id twice", 409, "DUPLICATE_API", setting="own", body={}),
    _create(
        "seconde",
        201,
        versions=V2,
        body={**_SECONDE, "is_public": True, "lunch_break": "Repas", "siret": "1", "max_candidates": 2},
        check=_row(max_candidates=2, is_public=True, lunch_break="Repas", grades=("seconde",), rep=False, qpv=False),
    ),
    _create(
        "an offer",
        201,
        versions=V1,
        body={"daily_hours": {"lundi": ["9:00", "17:00"]}},
        check=_row(grades=("seconde",), daily_hours={"lundi": ["9:00", "17:00"]}, weeks=tuple(JUNE)),
    ),
    _create(
        "without coordinates",
        201,
        versions=V2,
        body={"coordinates": ..., "handicap_accessible": True, "rep": True, "qpv": True},
        check=_row(coordinates=(48.8602244, 2.333), handicap_accessible=True, rep=True, qpv=True, open_data=True),
    ),
    _create(
        "without coordinates, one week",
        201,
        versions=V1,
        body={"coordinates": ..., "period": 1, "handicap_accessible": True},
        check=_row(coordinates=(48.8602244, 2.333), handicap_accessible=True, weeks=tuple(JUNE[:1]), is_public=False),
    ),
    _create("seconde in other weeks", 422, "WRONG_PARAMS", versions=V2, body={"grades": ["seconde"]}),
    _create(
        "troisième and seconde",
        422,
        "WRONG_PARAMS",
        versions=V2,
        body={"grades": ["troisieme", "seconde"], "weeks": [*JUNE, "2027-W20"]},
        check=_says("Grades must be either college or lycee, not both"),
    ),
    _create("without seats", 201, body={"max_candidates": ..., "period": 2}, check=_row(max_candidates=1)),
    _create("a blank street", 201, body={"street": ""}, check=_row(street=_STREET)),
    _create(
        "a blank postcode and street",
        201,
        body={"street": "", "zipcode": ""},
        check=_row(street=_STREET, zipcode="75007"),
    ),
    _create("no street", 201, body={"street": ...}, check=_row(street=_STREET)),
    _create(
        "coordinates outside the earth, where the geocoder knows no street",
        201,
        setting="nothing",
        body={"street": ..., "coordinates": {"latitude": 148, "longitude": 14}},
        check=lambda site, _got: site.row().coordinates == (148.0, 14.0),
    ),
    _create("three seats in two weeks", 201, versions=V1, body={"max_candidates": 3}, check=_row(max_candidates=3)),
    _create(
        "public, with another sector than public service",
        201,
        versions=V2,
        body={**_SECONDE, "is_public": True, "sector_uuid": "s31"},
        check=_row(is_public=True, sector="s31"),
    ),
    _create(
        "an account whose offers are not open",
        201,
        versions=V2,
        body={"grades": ["troisieme"], "weeks": JUNE},
        check=lambda site, _got: site.row().open_data is site.operator.open_data,
    ),
    _update("no token", 401, "UNAUTHORIZED", setting="own", token="none", check=_WRONG_TOKEN),
    _update("no offer", 422, "BAD_PAYLOAD", setting="own"),
    _update(
        "another account's offer",
        403,
        "FORBIDDEN",
        setting="others",
        body={"title": ""},
        check=_says("You are not authorized to access this page."),
    ),
    _update(
        "a remote id that nobody has",
        404,
        "NOT_FOUND",
        path="/foo",
        body=_TOO_LONG,
        check=_says("can't find internship_offer with this remote_id"),
    ),
    _update(
        "a description that is too long",
        400,
        "VALIDATION_ERROR",
        setting="own",
        body=_TOO_LONG,
        check=_error("description", "Description too long, allowed up to 1500 chars"),
        stale="the stored tests name the former limit of 500; the recorded answer names 1500",
    ),
    _update(
        "another period",
        400,
        401,
        versions=V1,
        setting="own",
        body={"period": 12},
        check=_error("period", "n'est pas inclus(e) dans la liste"),
    ),
    _update(
        "some members, and unpublishing",
        200,
        setting="own",
        body={
            "title": "hellow",
            "max_candidates": 2,
            "published_at": None,
            "is_public": True,
            "handicap_accessible": True,
            "period": 2,
        },
        check=_row(title="hellow", max_candidates=2, published_at=None, is_public=True, handicap_accessible=True),
    ),
    _update("unpublishing", 200, setting="own", body={"published_at": None}, check=_returned(published_at=None)),
    _update(
        "republishing",
        200,
        setting="own",
        body={"published_at": "2026-11-20T09:00:00Z"},
        check=lambda site, _got: site.row().published_at == site.time.now,
    ),
    _destroy("no token", 401, "UNAUTHORIZED", setting="own", token="none", check=_WRONG_TOKEN),
    _destroy(
        "another account's offer",
        404,
        "NOT_FOUND",
        setting="others",
        check=lambda site, _got: site.row().kept,
        stale="the stored test of v2 still expects 403; that of v1, which is newer, 404 by shared code",
    ),
    _destroy("nobody's offer", 404, "NOT_FOUND", path="/foo"),
    _destroy("an offer", 200, setting="own", check=lambda site, _got: not site.row().kept),
    _destroy("twice", 409, "API_ALREADY_DESTROYED", setting="deleted"),
    _index("no token", 401, "UNAUTHORIZED", token="none", check=_WRONG_TOKEN),
    _index("a wrong token", 401, "UNAUTHORIZED", token="junk", check=_WRONG_TOKEN),
    _index("own offers only", 200, setting="two", query=(("page", "1"),), check=_page(2, 2, 1)),
    _index("no deleted offers", 200, setting="deleted", query=(("page", "1"),), check=_page(0, 0, 0)),
    _search("no token", 401, "UNAUTHORIZED", token="none", check=_WRONG_TOKEN),
    _search("an account without the right", 401, "UNAUTHORIZED", token="other", check=_says("access denied")),
    _search("no filter", 200, setting="towns", check=_page(2, 2, 1, "Paris", "Tours")),
    _search(
        "spring weeks",
        200,
        versions=V2,
        setting="offers",
        query=(("weeks[]", "2027-W14"), ("weeks[]", "2027-W15")),
        check=_page(2, 2, 1, "Paris", "Tours"),
    ),
    _search(
        "June weeks",
        200,
        versions=V2,
        setting="offers",
        query=(("weeks[]", "2027-W24"),),
        check=_page(1, 1, 1, "Bordeaux"),
    ),
    _search(
        "a keyword", 200, versions=V2, setting="offers", query=(("keyword", "Avocat"),), check=_page(1, 1, 1, "Tours")
    ),
    _search(
        "Paris",
        200,
        versions=V2,
        setting="offers",
        query=(("latitude", "48.8566"), ("longitude", "2.3522")),
        check=_page(1, 1, 1, "Paris"),
    ),
    _search(
        "a sector", 200, versions=V2, setting="offers", query=(("sectors[]", "s26"),), check=_page(1, 1, 1, "Paris")
    ),
    _search("the second page", 200, setting="many", query=(("page", "2"),), check=_page(1, 31, 2)),
    _search("a page beyond the last", 200, setting="many", query=(("page", "9"),), check=_page(0, 31, 2)),
    _search(
        "a position",
        200,
        setting="towns",
        query=(("latitude", "47.39"), ("longitude", "0.69")),
        check=_page(1, 1, 1, "Tours"),
    ),
    _search(
        "ten kilometres",
        200,
        setting="near",
        query=(*_HERE, ("radius", "10000")),
        check=_page(2, 2, 1, "Bordeaux", "Le bouscat"),
    ),
    _search("one metre", 200, setting="near", query=(*_HERE, ("radius", "1")), check=_page(1, 1, 1, "Bordeaux")),
    _search("a keyword inside a title", 200, setting="titles", query=(("keyword", "cuisine"),), check=_page(1, 1, 1)),
)
"""One row a test; a row of both versions counts as two tests of the site."""
