"""Table of the national site's rules that the simulator implements.

Each rule is a fact from the code of betagouv/monstagedeseconde; paths refer to that repository. Status and code of an
answer come from this table, and each answer names its rules in the header ``X-Simulator-Rules``. Every rule has a case
in ``tests/national/site/rule_cases.py``.
"""

from collections.abc import Mapping

from demo.national_site.rules_offer import BODY_RULES, BOTH, V1, V2, SiteRule

__all__ = ["BOTH", "NOT_PLAYED", "RULES", "V1", "V2", "SiteRule"]

_API = "app/controllers/api"
_CONCERNS = "app/controllers/concerns/api"
_SHARED = f"{_API}/shared/internship_offers_controller.rb"
_IN_V1 = f"{_API}/v1/internship_offers_controller.rb"
_IN_V2 = f"{_API}/v2/internship_offers_controller.rb"
_TOKEN = f"{_CONCERNS}/authentication.rb"
_FINDER = "app/libs/finders/context_typable_internship_offer.rb"
_CONSUMER = "app/libs/finders/internship_offer_consumer.rb"
_OFFER = "app/models/internship_offer.rb"
_PAGES = "app/controllers/application_controller.rb"
_LOGIN = f"{_API}/v2/auth_controller.rb#login"
_ROUTES = "config/routes.rb"
_WRONG = "UNAUTHORIZED"

_CALL_RULES: dict[str, SiteRule] = {
    # Routes and parameters
    "route.none": SiteRule("a path or method outside the routes is not found", _ROUTES, 404),
    "route.dot": SiteRule("a remote id in an address ends at its first dot", f"{_ROUTES}#internship_offers"),
    "route.put": SiteRule("PUT is PATCH", f"{_ROUTES}#internship_offers"),
    "params.broken": SiteRule("JSON that cannot be parsed reaches no controller", f"{_ROUTES}#/400", 400),
    "params.form": SiteRule("a form or the address may hold what JSON holds", f"{_SHARED}#query_params"),
    # Authentication and rate
    "token.bearer": SiteRule("a token that `Bearer ` does not precede is none", f"{_TOKEN}#token", 401, _WRONG),
    "token.parameter": SiteRule("the parameter `token` replaces a missing header", f"{_TOKEN}#bearer"),
    "token.header-first": SiteRule("the header hides the parameter", f"{_TOKEN}#bearer"),
    "token.fixed": SiteRule(
        "v1 knows the fixed token of an account", f"{_CONCERNS}/auth_v1.rb#current_api_user", versions=V1
    ),
    "token.signed": SiteRule("v2 knows a signed token", f"{_CONCERNS}/auth_v2.rb#current_api_user", versions=V2),
    "token.unknown": SiteRule("an unknown token is refused", f"{_TOKEN}#authenticate_api_user!", 401, _WRONG),
    "token.expired": SiteRule("a signed token lives 24 hours", "app/libs/jwt_auth.rb#encode", 401, _WRONG, V2),
    "token.user-gone": SiteRule(
        "the token of a user that is gone finds no user", f"{_CONCERNS}/auth_v2.rb", 404, "NOT_FOUND", V2
    ),
    "login.done": SiteRule("e-mail and password, in JSON, form or address, give a token", _LOGIN, 200, versions=V2),
    "login.refused": SiteRule("a wrong password is refused without a code", _LOGIN, 401, versions=V2),
    "login.case": SiteRule(
        "the e-mail is compared as it is written, and stored in lower case", _LOGIN, 401, versions=V2
    ),
    "login.ip-limit": SiteRule(
        "logins of one address are counted by the minute, in JSON for a JSON reader",
        f"{_PAGES}#throttle_ip_requests",
        429,
        versions=V2,
    ),
    "login.ip-limit-text": SiteRule(
        "… and as a text for any other reader", f"{_PAGES}#throttle_ip_requests", 429, versions=V2
    ),
    "login.maintenance": SiteRule(
        "under maintenance the login redirects", f"{_PAGES}#check_for_maintenance", 302, versions=V2
    ),
    "login.holidays": SiteRule(
        "in the holidays the login redirects elsewhere",
        f"{_PAGES}#check_for_holidays_maintenance_page",
        302,
        versions=V2,
    ),
    "maintenance.api": SiteRule("the calls about offers go on under maintenance", f"{_API}/api_base_controller.rb"),
    "rate.limit": SiteRule(
        "more than 100 calls in a clock minute are refused without a code", f"{_CONCERNS}/throttle.rb", 429
    ),
    "rate.service": SiteRule(
        "offers and sectors are counted apart, v1 and v2 together", f"{_CONCERNS}/throttle.rb#throttle_api_requests"
    ),
    # Lists
    "index.done": SiteRule("the index lists the account's own offers", f"{_SHARED}#index", 200),
    "index.kept": SiteRule("… that are not deleted, also unpublished ones", f"{_SHARED}#index"),
    "index.order": SiteRule("… newest first", f"{_SHARED}#index"),
    "page.size": SiteRule("a page has 30 offers", f"{_OFFER}#PAGE_SIZE"),
    "page.number": SiteRule("a page number is read loosely, and is 1 at least", f"{_SHARED}#index"),
    "page.links": SiteRule(
        "links lead to search, with the known parameters in alphabetical order", f"{_SHARED}#page_links"
    ),
    "page.beyond": SiteRule("a page beyond the last one is empty and has no links", f"{_SHARED}#page_links"),
    "list.v1": SiteRule(
        "v1 lists 16 members of an offer, and no remote id", f"{_IN_V1}#format_internship_offers", versions=V1
    ),
    "list.v2": SiteRule("v2 lists 24 members of an offer", f"{_IN_V2}#format_internship_offers", versions=V2),
    "list.url": SiteRule("an offer's url repeats the known parameters", f"{_IN_V2}#format_internship_offers"),
    "list.city": SiteRule("a city has one capital letter", f"{_IN_V2}#format_internship_offers"),
    "list.period": SiteRule(
        "the period is 1 or 2 for a partner's offer of one mandatory week, else 0",
        "app/models/internship_offers/api.rb#period",
    ),
    "search.right": SiteRule("search needs api_full_access", f"{_IN_V2}#search", 401, _WRONG),
    "search.done": SiteRule("search lists the offers of all", f"{_IN_V2}#search", 200),
    "search.open-data": SiteRule("v2 leaves out offers that are not open", f"{_IN_V2}#search", versions=V2),
    "search.not-open-data": SiteRule("v1 shows them all the same", f"{_IN_V1}#search", versions=V1),
    "search.departments": SiteRule("an account with departments sees these only", f"{_IN_V2}#search"),
    "search.published": SiteRule(
        "search shows kept and published offers", f"{_CONSUMER}#light_kept_published_offers_query"
    ),
    "search.seats": SiteRule("… with a seat left", f"{_CONSUMER}#light_kept_published_offers_query"),
    "search.season": SiteRule("… that are not over, and not of autumn weeks alone", f"{_OFFER}#within_current_year"),
    "search.keyword": SiteRule(
        "every word begins a word of title or descriptions; accents do not count", f"{_FINDER}#keyword_query"
    ),
    "search.keyword-order": SiteRule(
        "by keyword, the title ranks above the descriptions", f"{_OFFER}#search_by_keyword"
    ),
    "search.sectors": SiteRule("sectors[] filters by code", f"{_IN_V2}#format_sector_ids", versions=V2),
    "search.sector-unknown": SiteRule(
        "an unknown sector breaks the site", f"{_IN_V2}#format_sector_ids", 500, versions=V2
    ),
    "search.sector-ids": SiteRule("sector_ids[] filters by the site's own numbers", f"{_FINDER}#sector_ids_query"),
    "search.weeks": SiteRule("weeks[] keeps offers with one of these weeks", f"{_IN_V2}#format_week_ids", versions=V2),
    "search.weeks-unknown": SiteRule(
        "weeks that do not exist filter nothing", f"{_FINDER}#common_field_filter", versions=V2
    ),
    "search.week-ids": SiteRule("week_ids[] filters by the site's own numbers", f"{_FINDER}#week_ids_query"),
    "search.one-value": SiteRule("one value in place of a list breaks the site", f"{_IN_V2}#search", 500, versions=V2),
    "search.radius": SiteRule("latitude, longitude and radius in metres", f"{_FINDER}#nearby_query"),
    "search.default-radius": SiteRule(
        "the radius is 10 km where none is given", "app/models/concerns/nearbyable.rb#DEFAULT_NEARBY_RADIUS_IN_METER"
    ),
    "search.half-position": SiteRule("one coordinate alone filters nothing", f"{_FINDER}#coordinate_params"),
    "search.distance": SiteRule(
        "near a position, the nearest first, then the newest", "app/models/concerns/nearbyable.rb#nearby_and_ordered"
    ),
    "search.order": SiteRule("without position and keyword, the newest first", f"{_IN_V2}#search"),
    "search.grades": SiteRule(
        "grades[] filters nothing, or breaks the site (unknown: a method not on file)",
        f"{_IN_V2}#format_grades",
        versions=V2,
    ),
    # Sectors and schools
    "sectors.done": SiteRule(
        "the 51 sectors with number, name, code", f"{_API}/shared/sectors_controller.rb#index", 200
    ),
    "schools.search": SiteRule(
        "a search for schools needs no token", f"{_API}/shared/schools_controller.rb#search", 200
    ),
    "schools.nearby": SiteRule(
        "schools near a position are a list", f"{_API}/shared/schools_controller.rb#nearby", 200
    ),
    "schools.nowhere": SiteRule("schools near nothing break the site", "app/models/concerns/nearbyable.rb#nearby", 500),
}

RULES: Mapping[str, SiteRule] = {**_CALL_RULES, **BODY_RULES}
"""Every rule by its name."""

NOT_PLAYED: Mapping[str, str] = {
    "v3": "the connector does not use it",
    "internship applications": "pupils apply at the partner's own address",
    "schools by name": "the simulator holds no schools: a search finds none",
    "geocoding": "the simulator knows no map: `geocoder` answers what a test sets, else one point for any postcode",
    "French word stems in keyword search": "they need the dictionary of the database; beginnings of words are compared",
    "JSON without `internship_offer`": "the framework may wrap the columns that it knows; no partner relies on it",
    "`type` in a creation": "it names a class of the site's code",
    "v1 without token where an account has none": "a hole of the site, which finds the first account without a token",
    "users that are not partners": "their calls end in 500",
    "dates of an unpublished or refused change": "the site keeps first and last day as they were; lists compute them",
    "seats below the accepted pupils": "the simulator has no applications; `full` plays the missing seats",
    "offers that lack a permalink": "the web form's rules apply to them as well; they are refused anyway",
}
"""Behaviour of the site without simulation, each with the reason."""
