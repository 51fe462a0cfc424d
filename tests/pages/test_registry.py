"""The registry: every route is a listed page, every page has states in both languages, and its templates render."""

from collections import Counter

import pytest

from gateway.api.app import build_app
from gateway.pages.base.negotiation import is_api
from gateway.pages.base.page import Page, Role
from gateway.pages.site import MOVED, PageSite
from schemas.rulebook import LANGUAGES
from tests.harness import URL
from tests.pages.screenshots import PICTURES
from tests.pages.site import PageHarness
from tests.pages.visit import ERROR, journeys, states

UNLISTED = {"/static/{name}", "/en", *MOVED}
"""Routes that are no pages: static files, redirections to the English home page and from former addresses."""


async def test_every_page_has_a_state_and_every_state_a_page(site: PageHarness) -> None:
    """A new page fails here until ``tests/pages/states`` lists it."""
    pages = {page.name for page in site.site.pages}
    assert pages | {ERROR} == {state.page for state in states()}
    assert {journey.page for journey in journeys()} <= pages


async def test_every_route_beside_the_api_is_a_page(site: PageHarness) -> None:
    api = {route.resource.canonical for route in build_app(site.harness.context()).router.routes() if route.resource}
    routes = {route.resource.canonical for route in site.app.router.routes() if route.resource}
    paths = {path for page in site.site.pages for path in page.paths.values()}
    assert routes - api == paths | UNLISTED
    assert all(map(is_api, api))
    assert not any(map(is_api, paths))


async def test_a_page_has_an_address_of_its_own_in_each_language(site: PageHarness) -> None:
    assert {} == {name: n for name, n in Counter(page.name for page in site.site.pages).items() if n > 1}
    for page in site.site.pages:
        assert set(LANGUAGES) == set(page.paths)
        assert page.paths["en"].startswith("/en/")
        assert not page.paths["fr"].startswith("/en")


async def test_a_live_page_has_its_button_and_its_parts(site: PageHarness) -> None:
    """WCAG 2.2.2; any other page has neither."""
    for page in site.fixed:
        for path in map(page.path, page.paths) if page.get else ():
            text = await (await site.client.get(path, headers=await site.headers_for(page))).text()
            assert page.live == ("data-live-button=" in text) == ("data-live id=" in text), path


async def test_every_picture_shows_a_state_of_its_page(site: PageHarness) -> None:
    pages = {page.name for page in site.site.pages}
    listed = {(state.page, state.name) for state in states()}
    assert {(page, name) for page, name in PICTURES.items() if page in pages} <= listed


@pytest.mark.parametrize("role", ["platform", "operator"])
async def test_a_page_with_a_session_must_be_private(site: PageHarness, role: Role) -> None:
    """Without that, it would skip the check of a form's origin, and its answers could be stored."""
    page = Page("desk", {"fr": "/bureau", "en": "/en/desk"}, None, role=role)
    with pytest.raises(ValueError, match="desk has a role"):
        PageSite([page], public_url=URL, door=site.door)


def test_a_private_page_needs_a_door() -> None:
    page = Page("desk", {"fr": "/bureau", "en": "/en/desk"}, None, private=True)
    with pytest.raises(ValueError, match="desk needs a door"):
        PageSite([page], public_url=URL)


async def test_a_form_of_a_former_address_is_sent_on(site: PageHarness) -> None:
    for method in ("GET", "POST"):
        for path in MOVED:
            answer = await site.client.request(method, path, allow_redirects=False)
            assert (308, method) == (answer.status, answer.method), path
