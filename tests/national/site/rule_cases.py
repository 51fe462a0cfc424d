"""The cases of the rules of calls: routes, tokens, rates, lists and search. Each runs by v1 and v2 where both apply."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from tests.national.site.harness import PASSWORD
from tests.national.site.rule_site import WEEKS, RuleSite

Case: TypeAlias = Callable[[RuleSite], Awaitable[None]]
CASES: dict[str, Case] = {}
LOGIN = "/api/v2/auth/login"
ENDS = ("isFirstPage", "isLastPage")
RENNES, PARIS = (48.11, -1.68), (48.8566, 2.3522)


def proves(*rules: str) -> Callable[[Case], Case]:
    """Register a case for these rules."""

    def enter(case: Case) -> Case:
        assert not CASES.keys() & set(rules), rules
        CASES.update(dict.fromkeys(rules, case))
        return case

    return enter


@proves("route.none")
async def routes_that_do_not_exist(site: RuleSite) -> None:
    for method, path in (("GET", f"{site.offers}/a"), ("POST", f"{site.offers}/search"), ("GET", "/api/v4/sectors")):
        site.proves("route.none", await site.call(method, path))


@proves("route.dot", "route.put")
async def ids_in_addresses(site: RuleSite) -> None:
    await site.made()
    got = await site.call("PUT", f"{site.offers}/a.json", {"internship_offer": {"title": "Autre"}})
    site.proves("route.dot", site.proves("route.put", got))
    assert (200, "Autre") == (got.status, site.row().title)
    assert 201 == (await site.post(remote_id="b.c")).status
    assert 404 == (await site.delete("b.c")).status


@proves("params.broken", "params.form")
async def forms_and_broken_json(site: RuleSite) -> None:
    got = await site.call("POST", site.offers, data="{", headers={"Content-Type": "application/json"})
    site.proves("params.broken", got)
    body = site.body()
    pairs = [(f"internship_offer[{name}]", str(value)) for name, value in body.items() if isinstance(value, str | int)]
    pairs += [(f"internship_offer[coordinates][{name}]", str(value)) for name, value in body["coordinates"].items()]
    pairs += [("internship_offer[weeks][]", week) for week in WEEKS] + [("internship_offer[grades][]", "troisieme")]
    got = site.proves("params.form", await site.call("POST", site.offers, data=pairs))
    assert (201, RENNES, 3) == (got.status, site.row().coordinates, site.row().max_candidates)
    assert 422 == (await site.call("POST", site.offers, data="text", headers={"Content-Type": "text/plain"})).status


@proves("token.bearer", "token.unknown", "token.parameter", "token.header-first", "token.fixed", "token.signed")
async def tokens(site: RuleSite) -> None:
    token = site.token
    for header in (token, f"bearer {token}", "Bearer ", f"Token {token}"):
        got = await site.call("GET", site.offers, bearer=False, headers={"Authorization": header})
        assert "wrong api token" == site.proves("token.bearer", got).error
    site.proves("token.bearer", await site.call("GET", site.offers, bearer=False))
    site.proves("token.bearer", await site.call("GET", site.offers, bearer=False, params={"token": token}))
    site.proves("token.unknown", await site.call("GET", site.offers, headers={"Authorization": "Bearer none"}))
    known = {"token": f"Bearer {token}"}
    got = site.proves("token.parameter", await site.call("GET", site.offers, bearer=False, params=known))
    site.proves("token.fixed" if site.old else "token.signed", got)
    assert 200 == got.status
    got = await site.call("DELETE", f"{site.offers}/x", bearer=False, data=known)
    assert 404 == site.proves("token.parameter", got).status
    got = await site.call("DELETE", f"{site.offers}/x", {**known}, bearer=False)
    assert 404 == site.proves("token.parameter", got).status
    got = await site.call("GET", site.offers, headers={"Authorization": "Bearer none"}, params=known)
    assert 401 == site.proves("token.header-first", got).status


@proves("token.expired", "token.user-gone")
async def tokens_that_were_good(site: RuleSite) -> None:
    site.operator.gone = True
    got = site.proves("token.user-gone", await site.call("GET", site.offers))
    assert "user" in got.error
    site.operator.gone = False
    site.time.now += 24 * 3_600_000
    site.proves("token.expired", await site.call("GET", site.offers))


@proves("login.done", "login.refused", "login.case")
async def logins(site: RuleSite) -> None:
    good = {"email": site.operator.email, "password": PASSWORD}
    for request in ({"json": good}, {"data": good}, {"params": good}):
        got = site.proves("login.done", await site.call("POST", LOGIN, bearer=False, **request))
        assert {"token"} == got.body.keys()
    for wrong in ({**good, "password": "x"}, {}, {"email": "none@example.org", "password": PASSWORD}):
        got = site.proves("login.refused", await site.call("POST", LOGIN, wrong, bearer=False))
        assert {"error": "Invalid email or password"} == got.body
    cased = {**good, "email": site.operator.email.upper()}
    site.proves("login.case", await site.call("POST", LOGIN, cased, bearer=False))


@proves("login.ip-limit", "login.ip-limit-text")
async def too_many_logins(site: RuleSite) -> None:
    site.stock.unknown.logins = 3
    site.time.now += 60_000
    for _ in range(3):
        assert 401 == (await site.call("POST", LOGIN, {}, bearer=False)).status
    good = {"email": site.operator.email, "password": PASSWORD}
    got = site.proves("login.ip-limit", await site.call("POST", LOGIN, good, bearer=False))
    assert {"error"} == got.body.keys()
    got = await site.call("POST", LOGIN, good, bearer=False, headers={"Accept": "*/*"})
    assert isinstance(site.proves("login.ip-limit-text", got).body, str)
    site.time.now += 60_000
    assert 200 == (await site.call("POST", LOGIN, good, bearer=False)).status


@proves("login.maintenance", "login.holidays")
async def pages_under_maintenance(site: RuleSite) -> None:
    good = {"email": site.operator.email, "password": PASSWORD}
    site.stock.unknown.maintenance = "all"
    got = site.proves("login.maintenance", await site.call("POST", LOGIN, good, bearer=False))
    assert "/maintenance.html" == got.headers["Location"]
    site.stock.unknown.maintenance = "holidays"
    got = site.proves("login.holidays", await site.call("POST", LOGIN, good, bearer=False))
    assert "/maintenance_estivale.html" == got.headers["Location"]


@proves("maintenance.api")
async def calls_under_maintenance(site: RuleSite) -> None:
    site.stock.unknown.maintenance = "all"
    assert 200 == site.proves("maintenance.api", await site.call("GET", site.offers)).status


@proves("rate.limit", "rate.service")
async def rates(site: RuleSite) -> None:
    window = (site.operator.email, "offers", site.time.now // 60_000)
    site.simulator.counted[window] = 99
    assert 200 == (await site.call("GET", site.offers)).status
    got = site.proves("rate.limit", await site.call("GET", site.offers))
    assert ({"error"}, None) == (got.body.keys(), got.headers.get("Retry-After"))
    assert 200 == site.proves("rate.service", await site.call("GET", f"/api/{site.version}/sectors")).status
    site.time.now += 60_000
    assert 200 == (await site.call("GET", site.offers)).status


@proves("index.done", "index.kept", "index.order", "list.v1", "list.v2", "list.url", "list.city", "list.period")
async def the_index(site: RuleSite) -> None:
    names = ("a", "b", "c")
    for name in names:
        await site.made(remote_id=name, city="le BOUSCAT")
    site.publish()
    await site.delete("a")
    site.simulator.hide(site.row("b"))
    got = site.proves("index.done", await site.call("GET", f"{site.offers}?page=1&token=x&radius=5&other=1"))
    for rule in ("index.kept", "index.order", "list.url", "list.city", "list.period"):
        site.proves(rule, got)
    assert [3, 2] == got.ids
    item = got.body["internshipOffers"][0]
    assert "Le bouscat" == item["city"]
    assert item["url"].endswith("/offres-de-stage/3?page=1&radius=5&utm_source=operator-1")
    site.proves("list.v1" if site.old else "list.v2", got)
    assert (16 if site.old else 25) == len(item)
    assert ("remote_id" in item, "zipcode" in item) == (not site.old, not site.old)
    assert 0 == item["period"]


@proves("page.size", "page.number", "page.links", "page.beyond")
async def pages(site: RuleSite) -> None:
    for number in range(31):
        site.publish(title=f"Mairie {number}")
    got = site.proves("page.size", await site.search(("keyword", "Mairie services"), ("page", "1"), ("x", "y")))
    frame = site.proves("page.links", got).body["pagination"]
    assert [31, 30, 2, 1, True, False] == [
        frame[name] for name in ("totalInternshipOffers", "internshipOffersPerPage", "totalPages", "currentPage", *ENDS)
    ]
    base = f"{site.simulator.url}{site.offers}/search?keyword=Mairie%20services"
    assert (base, f"{base}&page=2", None) == (frame["pageUrlBase"], frame["nextPage"], frame["prevPage"])
    for page, number, number_returned in (("2x", 2, 1), ("0", 1, 30), ("-4", 1, 30), ("abc", 1, 30)):
        got = site.proves("page.number", await site.search(("page", page)))
        assert (number, number_returned) == (got.body["pagination"]["currentPage"], len(got.ids))
    got = site.proves("page.beyond", await site.search(("page", "9")))
    frame = got.body["pagination"]
    assert ([], 31, 2, None, None) == (
        got.ids,
        frame["totalInternshipOffers"],
        frame["totalPages"],
        frame["nextPage"],
        frame["prevPage"],
    )


@proves("search.right", "search.done", "search.published", "search.seats", "search.season", "search.order")
async def what_search_shows(site: RuleSite) -> None:
    site.publish(title="passée", weeks=("2026-W46",))
    site.publish(title="automne", weeks=("2026-W49",))
    site.publish(title="complète", full=True)
    site.simulator.hide(site.publish(title="masquée"))
    site.simulator.discard(site.publish(title="supprimée"))
    first, second = site.publish(title="une"), site.publish(title="deux")
    got = site.proves("search.done", await site.search())
    for rule in ("search.published", "search.seats", "search.season", "search.order"):
        site.proves(rule, got)
    assert [second.id, first.id] == got.ids
    site.operator.full_access = False
    assert "access denied" == site.proves("search.right", await site.search()).error


@proves("search.open-data", "search.not-open-data")
async def offers_that_are_not_open(site: RuleSite) -> None:
    closed = site.publish(open_data=False)
    got = site.proves("search.not-open-data" if site.old else "search.open-data", await site.search())
    assert ([closed.id] if site.old else []) == got.ids


@proves("search.departments")
async def departments_of_an_account(site: RuleSite) -> None:
    rows = [site.publish(zipcode=zipcode) for zipcode in ("59000", "20000", "20200", "97400", "35000")]
    site.operator.departments = frozenset({"59", "2A", "974"})
    got = site.proves("search.departments", await site.search())
    assert [rows[3].id, rows[1].id, rows[0].id] == got.ids


@proves("search.keyword", "search.keyword-order")
async def keywords(site: RuleSite) -> None:
    behind = site.publish(title="Bureau", description="Un menuisier à l'atelier")
    front = site.publish(title="Menuiserie", description="Établi")
    site.publish(title="Avocat")
    got = site.proves("search.keyword", await site.search(("keyword", "menuis")))
    assert [front.id, behind.id] == site.proves("search.keyword-order", got).ids
    assert [front.id] == (await site.search(("keyword", "MENUISERIE etabli"))).ids
    assert 3 == len((await site.search(("keyword", " "))).ids)


@proves("search.sectors", "search.sector-unknown", "search.one-value")
async def sectors_by_code(site: RuleSite) -> None:
    wood = site.publish(sector="s24")
    site.publish(sector="s25")
    assert [wood.id] == site.proves("search.sectors", await site.search(("sectors[]", "s24"))).ids
    site.proves("search.sector-unknown", await site.search(("sectors[]", "s99")))
    for name in ("sectors", "weeks"):
        site.proves("search.one-value", await site.search((name, "s24")))


@proves("search.sector-ids", "search.week-ids")
async def numbers_of_the_site(site: RuleSite) -> None:
    wood = site.publish(sector="s24", weeks=("2027-W10",))
    other = site.publish(sector="s25", weeks=("2027-W11",))
    listed = (await site.call("GET", f"/api/{site.version}/sectors")).body["sectors"]
    numbers = {one["uuid"]: str(one["id"]) for one in listed}
    got = site.proves("search.sector-ids", await site.search(("sector_ids[]", numbers["s24"])))
    assert [wood.id] == got.ids
    both = await site.search(("sector_ids[]", numbers["s24"]), ("sector_ids[]", numbers["s25"]))
    assert [other.id, wood.id] == both.ids
    week = str(52 * 6 + 53 * 2 + 10)  # from 2019-W01 on; 2020 and 2026 have 53 weeks
    got = site.proves("search.week-ids", await site.search(("week_ids[]", week)))
    assert [wood.id] == got.ids


@proves("search.weeks", "search.weeks-unknown")
async def weeks_by_name(site: RuleSite) -> None:
    march, june = site.publish(weeks=("2027-W10", "2027-W11")), site.publish()
    got = await site.search(("weeks[]", "2027-W11"), ("weeks[]", "2027-W60"))
    assert [march.id] == site.proves("search.weeks", got).ids
    got = site.proves("search.weeks-unknown", await site.search(("weeks[]", "2027-W60")))
    assert [june.id, march.id] == got.ids


@proves("search.radius", "search.default-radius", "search.half-position", "search.distance")
async def positions(site: RuleSite) -> None:
    far, near = site.publish(coordinates=PARIS), site.publish(coordinates=RENNES)
    close = site.publish(coordinates=(48.12, -1.68))  # 1.1 km north
    same = site.publish(coordinates=RENNES)
    here = (("latitude", "48.11"), ("longitude", "-1.68"))
    got = site.proves("search.default-radius", await site.search(*here))
    assert [same.id, near.id, close.id] == site.proves("search.distance", got).ids
    got = site.proves("search.radius", await site.search(*here, ("radius", "500000")))
    assert [same.id, near.id, close.id, far.id] == got.ids
    assert [same.id, near.id] == (await site.search(*here, ("radius", "1"))).ids
    got = site.proves("search.half-position", await site.search(here[0], ("longitude", "")))
    assert 4 == len(got.ids)


@proves("search.grades")
async def grades_in_a_search(site: RuleSite) -> None:
    site.publish()
    got = site.proves("search.grades", await site.search(("grades[]", "troisieme")))
    assert (200, 1) == (got.status, len(got.ids))
    site.stock.unknown.search_grades = "break"
    assert 500 == site.proves("search.grades", await site.search(("grades[]", "troisieme"))).status


@proves("sectors.done")
async def sectors(site: RuleSite) -> None:
    got = site.proves("sectors.done", await site.call("GET", f"/api/{site.version}/sectors"))
    assert (51, {"id", "name", "external_url", "uuid"}) == (len(got.body["sectors"]), got.body["sectors"][0].keys())
    assert 401 == (await site.call("GET", f"/api/{site.version}/sectors", bearer=False)).status


@proves("schools.search", "schools.nearby", "schools.nowhere")
async def schools(site: RuleSite) -> None:
    path = f"/api/{site.version}/schools"
    got = site.proves("schools.search", await site.call("POST", f"{path}/search", {}, bearer=False))
    assert {"match_by_city": {}, "match_by_name": [], "no_match": True} == got.body
    here = {"latitude": "48.11", "longitude": "-1.68"}
    got = site.proves("schools.nearby", await site.call("POST", f"{path}/nearby", bearer=False, data=here))
    assert [] == got.body
    site.proves("schools.nowhere", await site.call("POST", f"{path}/nearby", {}, bearer=False))
