"""The cases of the rules about writing offers. Each runs by v1 and v2 where both apply."""

from typing import Any, Literal

from tests.national.site.harness import JUNE, at
from tests.national.site.rule_cases import proves
from tests.national.site.rule_site import WEEKS, RuleSite


@proves("body.missing", "body.not-object")
async def bodies_that_are_none(site: RuleSite) -> None:
    await site.made()
    for body in ({}, {"other": 1}, {"internship_offer": None}):
        site.proves("body.missing", await site.call("POST", site.offers, body))
        site.proves("body.missing", await site.call("PATCH", f"{site.offers}/a", body))
    for empty in ({}, {"siret": "1"}):
        got = await site.call("PATCH", f"{site.offers}/a", {"internship_offer": empty})
        assert "internship_offer" in site.proves("body.missing", got).error
    for wrong in ("text", [1]):
        site.proves("body.not-object", await site.call("PATCH", f"{site.offers}/a", {"internship_offer": wrong}))
        got = await site.call("POST", site.offers, {"internship_offer": wrong})
        site.proves("body.missing" if site.old else "body.not-object", got)
    assert 404 == (await site.call("PATCH", f"{site.offers}/none", {})).status  # sought before the body is read


@proves("body.unknown-key", "body.shape", "body.null-object", "body.old-keys")
async def members_that_are_dropped(site: RuleSite) -> None:
    got = await site.post(siret="73282932000074", daily_hours=None, description=["liste"], lunch_break={"a": 1})
    site.proves("body.unknown-key", site.proves("body.shape", site.proves("body.null-object", got)))
    assert (400, ["Missing description"]) == (got.status, got.error["description"])
    hours = {"lundi": ["9:00", "17:00"]}
    await site.made(daily_hours=hours)
    assert 200 == site.proves("body.null-object", await site.patch(daily_hours=None, title="x")).status
    assert 200 == site.proves("body.shape", await site.patch(daily_hours="9-17", title="x")).status
    assert hours == site.row().daily_hours
    if site.old:
        got = await site.post(remote_id="b", grades=["troisieme"], weeks=WEEKS, rep=True, employer_chosen_name="X")
        site.proves("body.old-keys", got)
        row = site.row("b")
        assert (("seconde",), False, "Atelier du Port") == (row.grades, row.rep, row.employer_name)


@proves("text.cast", "truth.cast")
async def casts(site: RuleSite) -> None:
    got = await site.post(title=12, city=True, zipcode=35000, is_public="off", handicap_accessible="oui")
    site.proves("text.cast", site.proves("truth.cast", got))
    row = site.row()
    assert ("12", "t", "35000", False, True) == (
        row.title,
        row.city,
        row.zipcode,
        row.is_public,
        row.handicap_accessible,
    )


@proves("grades.default", "grades.unknown")
async def grades(site: RuleSite) -> None:
    await site.made()
    got = site.proves("grades.default", await site.patch(title="x"))
    assert ["seconde"] == got.body["grades"]
    if site.old:
        return
    site.proves("grades.default", await site.patch(title="x", grades=None))
    got = site.proves("grades.unknown", await site.patch(title="x", grades=["troisieme", "cinquieme"]))
    assert ["troisieme"] == got.body["grades"]
    for sent in (["cinquieme"], []):
        got = await site.patch(title="x", grades=sent)
        assert (200, ["seconde"]) == (got.status, got.body["grades"])
    got = site.proves("grades.unknown", await site.post(remote_id="b", grades=["cm2"]))
    assert (201, ["seconde"], ["2027-W10", "2027-W11"]) == (got.status, got.body["grades"], got.body["weeks"])
    site.stock.unknown.unknown_grades = "break"
    assert 500 == site.proves("grades.unknown", await site.patch(title="x", grades=["cm2"])).status


@proves("grades.text")
async def grades_as_a_text(site: RuleSite) -> None:
    got = await site.post(grades="troisieme")
    assert (201, ["seconde"]) == (got.status, got.body["grades"])
    got = site.proves("grades.text", await site.post(remote_id="b", grades="seconde"))
    assert 500 == got.status


@proves("weeks.unknown", "weeks.loose", "weeks.malformed")
async def weeks(site: RuleSite) -> None:
    sent = ["2027-W10", "2027-W60", "2026-W53", "2027-11", "2027-W9", "2027-W12-5"]
    got = site.proves("weeks.unknown", site.proves("weeks.loose", await site.post(weeks=sent)))
    assert ["2026-W53", "2027-W9", "2027-W10", "2027-W11", "2027-W12"] == got.body["weeks"]
    for wrong in (["lundi"], [27], "2027-W10", {"a": 1}):
        site.proves("weeks.malformed", await site.patch(weeks=wrong, title="x"))
        site.proves("weeks.malformed", await site.post(remote_id="b", weeks=wrong))
    assert 500 == (await site.patch("none", weeks=["lundi"])).status  # before the offer is sought


@proves("weeks.old", "create.old-period", "update.old-period", "update.old-weeks")
async def periods(site: RuleSite) -> None:
    for name, period, weeks in (("a", 1, JUNE[:1]), ("b", "2", JUNE[1:]), ("c", 0, JUNE), ("d", "deux", JUNE)):
        got = site.proves("weeks.old", await site.post(remote_id=name, period=period))
        assert (201, weeks) == (got.status, got.body["weeks"])
    got = site.proves("create.old-period", await site.post(remote_id="e", period=12))
    assert (201, JUNE) == (got.status, got.body["weeks"])
    for remote_id in ("a", "none"):
        got = site.proves("update.old-period", await site.patch(remote_id, period=12))
        assert {"period"} == got.error.keys()
    got = site.proves("update.old-weeks", await site.patch(title="x"))
    assert (200, JUNE, ["seconde"]) == (got.status, got.body["weeks"], got.body["grades"])


@proves("weeks.year")
async def the_year_of_the_weeks(site: RuleSite) -> None:
    """1 July or after July: the simulator plays both, and each names the weeks of its year."""
    both = {"2027": ["2027-W24", "2027-W25"], "2028": ["2028-W25", "2028-W26"]}
    flips: tuple[tuple[Literal["july", "august"], str, str], ...] = (
        ("july", "2027-06-30T23:59:59", "2027"),
        ("july", "2027-07-01T00:00:00", "2028"),
        ("august", "2027-07-31T23:59:59", "2027"),
        ("august", "2027-08-01T00:00:00", "2028"),
    )
    for month, day, year in flips:
        site.stock.unknown.flips_in = month
        site.time.now = at(day)
        await site.login()
        for june, weeks in both.items():
            name = f"{month}-{day[5:10]}-{june}"
            got = await site.post(remote_id=name, **({} if site.old else {"grades": ["seconde"], "weeks": weeks}))
            if site.old:
                assert both[year] == site.proves("weeks.year", got).body["weeks"]
            elif june != year:
                assert 422 == site.proves("weeks.year", got).status
            else:
                assert 201 == got.status


@proves("create.done", "create.published-at", "create.other-name", "create.duplicate", "create.dead-name")
async def creations(site: RuleSite) -> None:
    other = site.add("other@example.org")
    await site.login(other)
    await site.made()
    await site.login()
    got = site.proves("create.done", await site.post(published_at="2020-01-01"))
    site.proves("create.other-name", site.proves("create.published-at", got))
    assert (site.time.now, "2026-11-20T10:00:00.000+01:00") == (site.row().published_at, got.body["published_at"])
    got = site.proves("create.duplicate", await site.post(title=""))  # whatever else is wrong
    assert "(a)" in got.error
    await site.delete()
    site.proves("create.dead-name", await site.post())
    site.stock.unknown.dead_names_are_taken = False
    assert 201 == (await site.post()).status
    site.proves("create.duplicate", await site.post())


@proves("create.open-data")
async def open_data(site: RuleSite) -> None:
    site.operator.open_data = False
    site.proves("create.open-data", await site.post())
    site.operator.open_data = True
    assert not site.row().open_data


@proves("create.incomplete", "create.mixed", "create.mandatory", "create.no-weeks")
async def what_v2_looks_at_first(site: RuleSite) -> None:
    for name in ("grades", "weeks"):
        for value in (..., None):
            got = site.proves("create.incomplete", await site.post(**{name: value, "title": ""}))
            assert got.error.endswith(name)
    site.proves("create.incomplete", await site.call("POST", site.offers, {"internship_offer": {}}))
    site.proves("create.mixed", await site.post(grades=["seconde", "troisieme"], weeks=JUNE, title=""))
    for weeks in ([JUNE[0]], WEEKS, [], ["2027-24", JUNE[1]]):
        site.proves("create.mandatory", await site.post(grades=["seconde"], weeks=weeks))
    assert 201 == (await site.post(grades=["seconde"], weeks=[*JUNE, "2027-W10"])).status
    for weeks in ([], ["2027-W60"]):
        site.proves("create.no-weeks", await site.post(remote_id="b", weeks=weeks))
    assert [] == site.stock.named("b")


@proves("update.done", "update.partial", "update.missing", "update.foreign", "update.name-kept")
async def changes(site: RuleSite) -> None:
    await site.made()
    body = {"internship_offer": {"title": "Autre", "remote_id": "b"}}
    got = site.proves("update.done", await site.call("PATCH", f"{site.offers}/a", body))
    site.proves("update.partial", site.proves("update.name-kept", got))
    assert ("Autre", "Observer.", "a") == (got.body["title"], got.body["description"], got.body["remote_id"])
    got = site.proves("update.missing", await site.patch("none", title="x"))
    assert "internship_offer" in got.error
    await site.login(site.add("other@example.org"))
    site.proves("update.foreign", await site.patch(title="x"))
    assert "Autre" == site.row().title


@proves("update.team")
async def teams(site: RuleSite) -> None:
    site.operator.team = "t"
    await site.made()
    mate = site.add("mate@example.org", team="t")
    await site.login(mate)
    site.proves("update.team", await site.patch(title="x"))
    assert mate is site.row().owner


@proves("update.dead", "delete.done", "delete.missing", "delete.twice")
async def deletions(site: RuleSite) -> None:
    await site.made()
    await site.login(site.add("other@example.org"))
    site.proves("delete.missing", await site.delete())
    await site.login()
    site.proves("delete.missing", await site.delete("none"))
    got = site.proves("delete.done", await site.delete())
    assert "a" == got.body["remote_id"]
    site.proves("delete.twice", await site.delete())
    got = site.proves("update.dead", await site.patch(title="Autre"))
    assert (200, "Autre", False) == (got.status, site.row().title, site.row().kept)


@proves("update.checked", "update.mixed", "update.no-weeks")
async def changes_of_grades_and_weeks(site: RuleSite) -> None:
    await site.made()
    mixed = ["seconde", "troisieme"]
    for weeks, grades in ((JUNE, mixed), (WEEKS, ["seconde"]), ([], ["seconde"])):
        site.proves("update.checked", await site.patch(weeks=weeks, grades=grades))
    site.proves("update.checked", await site.patch("none", weeks=WEEKS, grades=["seconde"]))
    got = site.proves("update.mixed", await site.patch(grades=mixed))
    assert {"grades"} == got.error.keys()
    got = await site.patch(grades=["seconde"])
    assert (200, ["2027-W10", "2027-W11"]) == (got.status, got.body["weeks"])
    got = site.proves("update.no-weeks", await site.patch(weeks=["2027-W60"]))
    assert {"weeks"} == got.error.keys()
    assert 200 == (await site.patch(weeks=[], published_at=None)).status


@proves("update.unpublished", "update.republished", "update.dated")
async def publishing(site: RuleSite) -> None:
    row = await site.made()
    later = "2027-01-05T09:00:00+01:00"
    got = site.proves("update.dated", await site.patch(published_at=later))
    assert "2027-01-05T09:00:00.000+01:00" == got.body["published_at"]
    for form in ("2027-01-05 08:00:00 UTC", "2027-01-05 09:00:00 +0100", "2027-01-05T08:00:00Z", "2027-01-05 09:00"):
        assert got.body["published_at"] == (await site.patch(published_at=form)).body["published_at"], form
    for form in ("2027-01-05 08:00:00.000 GMT", "Tue, 05 Jan 2027 08:00:00 +0000"):
        assert got.body["published_at"] == (await site.patch(published_at=form)).body["published_at"], form
    for nothing in (None, "", "bientôt", 5):
        got = site.proves("update.unpublished", await site.patch(published_at=nothing))
        assert (200, None, 0) == (got.status, got.body["published_at"], len(site.stock.live()))
    assert (await site.patch(title="x")).body["published_at"] is None
    got = site.proves("update.republished", await site.patch(published_at="2020-01-01"))
    assert (site.time.now, 1) == (site.row().published_at, len(site.stock.live()))
    assert row.id == site.row().id


@proves("update.writes-first")
async def refused_changes_that_write(site: RuleSite) -> None:
    await site.made()
    sent: dict[str, Any] = {"period": 1} if site.old else {"grades": ["quatrieme"], "weeks": ["2027-W12"]}
    got = site.proves("update.writes-first", await site.patch(description="a" * 1501, title="Autre", **sent))
    row = site.row()
    weeks, grades = (JUNE[:1], ("seconde",)) if site.old else (["2027-W12"], ("quatrieme",))
    assert (400, "Atelier", tuple(weeks), grades) == (got.status, row.title, row.weeks, row.grades)
    sent = {"period": 2} if site.old else {"grades": ["troisieme"], "weeks": ["2027-W13"]}
    assert 500 == (await site.patch(permalink=f"https://a.fr/{'a' * 200}", **sent)).status
    assert tuple(JUNE[1:] if site.old else ["2027-W13"]) == site.row().weeks


@proves("update.name-taken", "update.order")
async def two_rows_under_one_name(site: RuleSite) -> None:
    await site.made(remote_id="x", title="première")
    first = site.row("x")
    second = site.publish(owner=site.operator, remote_id="x", title="seconde ligne", permalink="https://a.fr/1")
    got = site.proves("update.name-taken", await site.patch("x", title="Autre", **_college(site)))
    assert "remote_id" in site.proves("update.order", got).error
    site.stock.touch(first)  # the database writes a changed row behind the others
    assert second is site.stock.found("x")[0]
    site.stock.oldest_first = True
    assert first is site.stock.found("x")[0]
    site.stock.oldest_first = False
    await site.delete("x")
    assert (True, False) == (first.kept, second.kept)
    site.stock.unknown.dead_names_are_taken = False
    assert 200 == (await site.patch("x", title="Autre", **_college(site))).status


def _college(site: RuleSite) -> dict[str, Any]:
    return {} if site.old else {"grades": ["troisieme"]}


@proves("check.missing", "check.sector", "check.position")
async def what_is_missing(site: RuleSite) -> None:
    names = (
        "title",
        "description",
        "employer_name",
        "employer_description",
        "street",
        "city",
        "remote_id",
        "permalink",
    )
    for name in names:
        for blank in (..., None, "", " \n\t "):
            if name == "street" and blank in (..., None, "", " \n\t "):
                continue  # sought by the coordinates
            got = site.proves("check.missing", await site.post(**{name: blank}))
            assert name in got.error, (name, blank)
    got = await site.post(street=" ", coordinates=...)
    assert "street" in site.proves("check.missing", got).error
    await site.made()
    for name in ("title", "city", "permalink"):
        site.proves("check.missing", await site.patch(**{name: " "}, **_college(site)))
    for code in ("s99", "", None, "Fonction publique"):
        assert "sector" in site.proves("check.sector", await site.post(remote_id="b", sector_uuid=code)).error
    for point in ({"latitude": 0, "longitude": 2}, {"latitude": 48.1}, {"latitude": "nord", "longitude": "1"}):
        got = site.proves("check.position", await site.post(remote_id="b", coordinates=point))
        assert ["Missing coordinates"] == got.error["coordinates"]


@proves("check.length", "check.column")
async def lengths(site: RuleSite) -> None:
    longest = {"title": 150, "description": 1500, "employer_name": 150, "employer_description": 275}
    longest |= {"street": 200, "city": 50}
    for number, (name, most) in enumerate(longest.items()):
        assert 201 == (await site.post(**{"remote_id": str(number), name: "é" * most})).status
        got = site.proves("check.length", await site.post(**{"remote_id": f"{name}", name: "é" * (most + 1)}))
        assert {name} == got.error.keys()
    for name, most in {"remote_id": 60, "permalink": 200, "employer_website": 560}.items():
        changes = {"remote_id": f"fits-{name}", name: "x" * most}
        assert 201 == (await site.post(**changes)).status
        site.proves("check.column", await site.post(**{**changes, "remote_id": f"over-{name}", name: "x" * (most + 1)}))
    assert 400 == (await site.post(remote_id="x" * 61, title="")).status  # the checks come first


@proves("check.zipcode", "check.department")
async def postcodes(site: RuleSite) -> None:
    for wrong in ("7500", "750011", "ABCDE", "75 001", "٧٥٠٠١", 7500):
        assert "zipcode" in site.proves("check.zipcode", await site.post(zipcode=wrong)).error
    for nowhere in ("00100", "96000", "97500", "97900", "98000", "98600", "99123"):
        assert "zipcode" in site.proves("check.department", await site.post(zipcode=nowhere)).error
    for number, known in enumerate(("01000", "20000", "20200", "20300", "95000", "97100", "97600", "98700")):
        assert 201 == (await site.post(remote_id=str(number), zipcode=known)).status, known


@proves("check.range", "place.street", "place.zipcode", "place.point", "place.not-found")
async def localities(site: RuleSite) -> None:
    got = site.proves("check.range", await site.post(coordinates={"latitude": 148, "longitude": 14}))
    assert 148 == got.body["formatted_coordinates"]["latitude"]
    for number, blank in enumerate((..., None, False, "", " ")):
        got = site.proves("place.street", await site.post(remote_id=f"s{number}", street=blank))
        assert (201, "N/A") == (got.status, got.body["street"])
    got = site.proves("place.zipcode", await site.post(remote_id="b", zipcode=""))
    assert (400, ["is invalid"]) == (got.status, got.error["zipcode"])
    site.stock.geocoder.street, site.stock.geocoder.zipcode = "Rue de Grenelle", "75007"
    got = await site.post(remote_id="b", zipcode="", street="")
    assert (201, "Rue de Grenelle", "75007") == (got.status, got.body["street"], got.body["zipcode"])
    got = await site.patch("b", coordinates={"latitude": 1, "longitude": 1}, **_college(site))
    assert (200, "Rue de Grenelle") == (site.proves("place.street", got).status, got.body["street"])
    site.stock.geocoder.point = (48.86, 2.33)
    no_points: tuple[object, ...] = (..., None, {}, "ici")
    for number, no_point in enumerate(no_points):
        got = site.proves("place.point", await site.post(remote_id=f"p{number}", coordinates=no_point))
        assert {"latitude": 48.86, "longitude": 2.33} == got.body["formatted_coordinates"]
    site.stock.geocoder.point = None
    got = site.proves("place.not-found", await site.post(remote_id="c", coordinates=...))
    assert {"coordinates": ["Missing coordinates"]} == got.error


@proves("check.permalink")
async def permalinks(site: RuleSite) -> None:
    for word in ("https://test.example.fr", "https://a.fr/conTESTer", "https://a.fr/?a=Staging", "latest"):
        assert {"permalink"} == site.proves("check.permalink", await site.post(permalink=word)).error.keys()
    assert 201 == (await site.post(permalink="no address at all")).status


@proves("check.seats", "seats.default", "seats.text")
async def seats(site: RuleSite) -> None:
    for wrong in (0, -1, 6001, 2.5, 2.0, "2.5", " 2 ", "deux", True, False):
        got = site.proves("check.seats", await site.post(max_candidates=wrong))
        assert {"max_candidates"} == got.error.keys(), wrong
    for number, nothing in enumerate((..., None, "", " ")):
        got = site.proves("seats.default", await site.post(remote_id=str(number), max_candidates=nothing))
        assert (201, 1) == (got.status, got.body["max_candidates"])
    got = site.proves("seats.text", await site.post(max_candidates="2"))
    assert (201, 2) == (got.status, got.body["max_candidates"])
    for nothing in (None, "", " "):
        site.proves("check.seats", await site.patch(max_candidates=nothing, **_college(site)))
    assert 201 == (await site.post(remote_id="c", max_candidates=6000)).status


@proves("check.public")
async def public_or_not(site: RuleSite) -> None:
    got = await site.post(is_public=None)
    assert (201, False) == (got.status, got.body["is_public"])
    for nothing in (None, ""):
        got = site.proves("check.public", await site.patch(is_public=nothing, **_college(site)))
        assert {"is_public"} == got.error.keys()


@proves("name.chosen", "name.both")
async def names_of_the_employer(site: RuleSite) -> None:
    got = site.proves("name.chosen", await site.post(employer_chosen_name="Enseigne"))
    assert "Enseigne" == got.body["employer_name"]
    got = site.proves("name.chosen", await site.patch(employer_name="Autre", grades=["troisieme"]))
    assert "Enseigne" == got.body["employer_name"]
    got = await site.patch(employer_chosen_name=" ", employer_name="Autre", grades=["troisieme"])
    assert "Autre" == got.body["employer_name"]
    got = await site.post(remote_id="b", employer_name=..., employer_chosen_name="Enseigne")
    assert {"employer_name"} == site.proves("name.both", got).error.keys()
