"""Facts that the site's own request tests state, as a table: request, expected status and code.

``test`` names the file below ``test/controllers/api`` of betagouv/monstagedeseconde and what its test is about, in
words of this project. Where the stored tests of v1 and v2 differ, the fact of the newer one counts, and ``stale`` says
so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from adapters.national.simulator_rule import BOTH, V1, V2, Version
from tests.national_site.ground import JUNE
from tests.national_site.rule_site import Got, RuleSite

Token: TypeAlias = Literal["own", "parameter", "other", "junk", "none"]
Ground: TypeAlias = Literal["nothing", "own", "others", "two", "deleted", "offers", "towns", "near", "many", "titles"]
Check: TypeAlias = Callable[[RuleSite, Got], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One test of the site. ``body`` are changes of the body that the version takes; None sends no offer at all."""

    test: str
    method: str
    path: str = ""
    versions: tuple[Version, ...] = BOTH
    ground: Ground = "nothing"
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


def _shown(**values: Any) -> Check:
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
        all([said] == got.error[name] for name, said in _BLANKS.items())
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

_CREATE = "internship_offers/create_test.rb"
_UPDATE = "internship_offers/update_test.rb"
_DESTROY = "internship_offers/destroy_test.rb"
_INDEX = "internship_offers/index_test.rb"
_SEARCH = "internship_offers/search_test.rb"
_SECTORS = "sectors/index_test.rb"
_SECONDE: Mapping[str, Any] = {"grades": ["seconde"], "weeks": JUNE}

FACTS: tuple[Fact, ...] = (
    # create
    Fact(test=f"{_CREATE}: no token", method="POST", token="none", status=401, code="UNAUTHORIZED", check=_WRONG_TOKEN),
    Fact(test=f"{_CREATE}: no offer", method="POST", status=422, code="BAD_PAYLOAD"),
    Fact(
        test=f"{_CREATE}: an offer with a blank title only",
        method="POST",
        body={**_NOTHING, "title": ""},
        status=400,
        code="VALIDATION_ERROR",
        check=_all_missing,
    ),
    Fact(test=f"{_CREATE}: a remote id twice", method="POST", ground="own", body={}, status=409, code="DUPLICATE_API"),
    Fact(
        test=f"{_CREATE}: seconde",
        method="POST",
        versions=V2,
        body={**_SECONDE, "is_public": True, "lunch_break": "Repas", "siret": "1", "max_candidates": 2},
        status=201,
        check=_row(max_candidates=2, is_public=True, lunch_break="Repas", grades=("seconde",), rep=False, qpv=False),
    ),
    Fact(
        test=f"{_CREATE}: an offer",
        method="POST",
        versions=V1,
        body={"daily_hours": {"lundi": ["9:00", "17:00"]}},
        status=201,
        check=_row(grades=("seconde",), daily_hours={"lundi": ["9:00", "17:00"]}, weeks=tuple(JUNE)),
    ),
    Fact(
        test=f"{_CREATE}: without coordinates",
        method="POST",
        versions=V2,
        body={"coordinates": ..., "handicap_accessible": True, "rep": True, "qpv": True},
        status=201,
        check=_row(coordinates=(48.8602244, 2.333), handicap_accessible=True, rep=True, qpv=True, open_data=True),
    ),
    Fact(
        test=f"{_CREATE}: without coordinates, one week",
        method="POST",
        versions=V1,
        body={"coordinates": ..., "period": 1, "handicap_accessible": True},
        status=201,
        check=_row(coordinates=(48.8602244, 2.333), handicap_accessible=True, weeks=tuple(JUNE[:1]), is_public=False),
    ),
    Fact(
        test=f"{_CREATE}: seconde in other weeks",
        method="POST",
        versions=V2,
        body={"grades": ["seconde"]},
        status=422,
        code="WRONG_PARAMS",
    ),
    Fact(
        test=f"{_CREATE}: troisième and seconde",
        method="POST",
        versions=V2,
        body={"grades": ["troisieme", "seconde"], "weeks": [*JUNE, "2027-W20"]},
        status=422,
        code="WRONG_PARAMS",
        check=_says("Grades must be either college or lycee, not both"),
    ),
    Fact(
        test=f"{_CREATE}: without seats",
        method="POST",
        body={"max_candidates": ..., "period": 2},
        status=201,
        check=_row(max_candidates=1),
    ),
    Fact(test=f"{_CREATE}: a blank street", method="POST", body={"street": ""}, status=201, check=_row(street=_STREET)),
    Fact(
        test=f"{_CREATE}: a blank postcode and street",
        method="POST",
        body={"street": "", "zipcode": ""},
        status=201,
        check=_row(street=_STREET, zipcode="75007"),
    ),
    Fact(test=f"{_CREATE}: no street", method="POST", body={"street": ...}, status=201, check=_row(street=_STREET)),
    Fact(
        test=f"{_CREATE}: coordinates outside the earth, where the geocoder knows no street",
        method="POST",
        ground="nothing",
        body={"street": ..., "coordinates": {"latitude": 148, "longitude": 14}},
        status=201,
        check=lambda site, _got: site.row().coordinates == (148.0, 14.0),
    ),
    Fact(
        test=f"{_CREATE}: three seats in two weeks",
        method="POST",
        versions=V1,
        body={"max_candidates": 3},
        status=201,
        check=_row(max_candidates=3),
    ),
    Fact(
        test=f"{_CREATE}: public, with another sector than public service",
        method="POST",
        versions=V2,
        body={**_SECONDE, "is_public": True, "sector_uuid": "s31"},
        status=201,
        check=_row(is_public=True, sector="s31"),
    ),
    Fact(
        test=f"{_CREATE}: an account whose offers are not open",
        method="POST",
        versions=V2,
        body={"grades": ["troisieme"], "weeks": JUNE},
        status=201,
        check=lambda site, _got: site.row().open_data is site.operator.open_data,
    ),
    # update
    Fact(
        test=f"{_UPDATE}: no token",
        method="PATCH",
        path="/a",
        ground="own",
        token="none",
        status=401,
        code="UNAUTHORIZED",
        check=_WRONG_TOKEN,
    ),
    Fact(test=f"{_UPDATE}: no offer", method="PATCH", path="/a", ground="own", status=422, code="BAD_PAYLOAD"),
    Fact(
        test=f"{_UPDATE}: another account's offer",
        method="PATCH",
        path="/a",
        ground="others",
        body={"title": ""},
        status=403,
        code="FORBIDDEN",
        check=_says("You are not authorized to access this page."),
    ),
    Fact(
        test=f"{_UPDATE}: a remote id that nobody has",
        method="PATCH",
        path="/foo",
        body=_TOO_LONG,
        status=404,
        code="NOT_FOUND",
        check=_says("can't find internship_offer with this remote_id"),
    ),
    Fact(
        test=f"{_UPDATE}: a description that is too long",
        method="PATCH",
        path="/a",
        ground="own",
        body=_TOO_LONG,
        status=400,
        code="VALIDATION_ERROR",
        check=_error("description", "Description too long, allowed up to 1500 chars"),
        stale="the stored tests name the former limit of 500; the recorded answer names 1500",
    ),
    Fact(
        test=f"{_UPDATE}: another period",
        method="PATCH",
        path="/a",
        versions=V1,
        ground="own",
        body={"period": 12},
        status=400,
        code=401,
        check=_error("period", "n'est pas inclus(e) dans la liste"),
    ),
    Fact(
        test=f"{_UPDATE}: some members, and unpublishing",
        method="PATCH",
        path="/a",
        ground="own",
        body={
            "title": "hellow",
            "max_candidates": 2,
            "published_at": None,
            "is_public": True,
            "handicap_accessible": True,
            "period": 2,
        },
        status=200,
        check=_row(title="hellow", max_candidates=2, published_at=None, is_public=True, handicap_accessible=True),
    ),
    Fact(
        test=f"{_UPDATE}: unpublishing",
        method="PATCH",
        path="/a",
        ground="own",
        body={"published_at": None},
        status=200,
        check=_shown(published_at=None),
    ),
    Fact(
        test=f"{_UPDATE}: republishing",
        method="PATCH",
        path="/a",
        ground="own",
        body={"published_at": "2026-11-20T09:00:00Z"},
        status=200,
        check=lambda site, _got: site.row().published_at == site.time.now,
    ),
    # destroy
    Fact(
        test=f"{_DESTROY}: no token",
        method="DELETE",
        path="/a",
        ground="own",
        token="none",
        status=401,
        code="UNAUTHORIZED",
        check=_WRONG_TOKEN,
    ),
    Fact(
        test=f"{_DESTROY}: another account's offer",
        method="DELETE",
        path="/a",
        ground="others",
        status=404,
        code="NOT_FOUND",
        check=lambda site, _got: site.row().kept,
        stale="the stored test of v2 still expects 403; that of v1, which is newer, 404 by shared code",
    ),
    Fact(test=f"{_DESTROY}: nobody's offer", method="DELETE", path="/foo", status=404, code="NOT_FOUND"),
    Fact(
        test=f"{_DESTROY}: an offer",
        method="DELETE",
        path="/a",
        ground="own",
        status=200,
        check=lambda site, _got: not site.row().kept,
    ),
    Fact(
        test=f"{_DESTROY}: twice",
        method="DELETE",
        path="/a",
        ground="deleted",
        status=409,
        code="API_ALREADY_DESTROYED",
    ),
    # index
    Fact(test=f"{_INDEX}: no token", method="GET", token="none", status=401, code="UNAUTHORIZED", check=_WRONG_TOKEN),
    Fact(
        test=f"{_INDEX}: a wrong token", method="GET", token="junk", status=401, code="UNAUTHORIZED", check=_WRONG_TOKEN
    ),
    Fact(
        test=f"{_INDEX}: own offers only",
        method="GET",
        ground="two",
        query=(("page", "1"),),
        status=200,
        check=_page(2, 2, 1),
    ),
    Fact(
        test=f"{_INDEX}: no deleted offers",
        method="GET",
        ground="deleted",
        query=(("page", "1"),),
        status=200,
        check=_page(0, 0, 0),
    ),
    # search
    Fact(
        test=f"{_SEARCH}: no token",
        method="GET",
        path="/search",
        token="none",
        status=401,
        code="UNAUTHORIZED",
        check=_WRONG_TOKEN,
    ),
    Fact(
        test=f"{_SEARCH}: an account without the right",
        method="GET",
        path="/search",
        token="other",
        status=401,
        code="UNAUTHORIZED",
        check=_says("access denied"),
    ),
    Fact(
        test=f"{_SEARCH}: no filter",
        method="GET",
        path="/search",
        ground="towns",
        status=200,
        check=_page(2, 2, 1, "Paris", "Tours"),
    ),
    Fact(
        test=f"{_SEARCH}: spring weeks",
        method="GET",
        path="/search",
        versions=V2,
        ground="offers",
        query=(("weeks[]", "2027-W14"), ("weeks[]", "2027-W15")),
        status=200,
        check=_page(2, 2, 1, "Paris", "Tours"),
    ),
    Fact(
        test=f"{_SEARCH}: June weeks",
        method="GET",
        path="/search",
        versions=V2,
        ground="offers",
        query=(("weeks[]", "2027-W24"),),
        status=200,
        check=_page(1, 1, 1, "Bordeaux"),
    ),
    Fact(
        test=f"{_SEARCH}: a keyword",
        method="GET",
        path="/search",
        versions=V2,
        ground="offers",
        query=(("keyword", "Avocat"),),
        status=200,
        check=_page(1, 1, 1, "Tours"),
    ),
    Fact(
        test=f"{_SEARCH}: Paris",
        method="GET",
        path="/search",
        versions=V2,
        ground="offers",
        query=(("latitude", "48.8566"), ("longitude", "2.3522")),
        status=200,
        check=_page(1, 1, 1, "Paris"),
    ),
    Fact(
        test=f"{_SEARCH}: a sector",
        method="GET",
        path="/search",
        versions=V2,
        ground="offers",
        query=(("sectors[]", "s26"),),
        status=200,
        check=_page(1, 1, 1, "Paris"),
    ),
    Fact(
        test=f"{_SEARCH}: the second page",
        method="GET",
        path="/search",
        ground="many",
        query=(("page", "2"),),
        status=200,
        check=_page(1, 31, 2),
    ),
    Fact(
        test=f"{_SEARCH}: a page beyond the last",
        method="GET",
        path="/search",
        ground="many",
        query=(("page", "9"),),
        status=200,
        check=_page(0, 31, 2),
    ),
    Fact(
        test=f"{_SEARCH}: a position",
        method="GET",
        path="/search",
        ground="towns",
        query=(("latitude", "47.39"), ("longitude", "0.69")),
        status=200,
        check=_page(1, 1, 1, "Tours"),
    ),
    Fact(
        test=f"{_SEARCH}: ten kilometres",
        method="GET",
        path="/search",
        ground="near",
        query=(*_HERE, ("radius", "10000")),
        status=200,
        check=_page(2, 2, 1, "Bordeaux", "Le bouscat"),
    ),
    Fact(
        test=f"{_SEARCH}: one metre",
        method="GET",
        path="/search",
        ground="near",
        query=(*_HERE, ("radius", "1")),
        status=200,
        check=_page(1, 1, 1, "Bordeaux"),
    ),
    Fact(
        test=f"{_SEARCH}: a keyword inside a title",
        method="GET",
        path="/search",
        ground="titles",
        query=(("keyword", "cuisine"),),
        status=200,
        check=_page(1, 1, 1),
    ),
)
"""One row a test; a row of both versions counts as two tests of the site."""
