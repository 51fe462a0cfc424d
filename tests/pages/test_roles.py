"""[SEC-014] [SEC-016]: a crawler over all pages as each role.

Only the platform itself and the operator find what concerns a platform. The operator does, so the crawler could.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

import pytest

from gateway.protocol.partner import Secret
from schemas.rulebook import LANGUAGES, Language
from tests.pages.partner.seeded import CANARY, HTML, OTHER, seed
from tests.pages.signing import OPERATOR, SIGNED, cookie_of
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

_HREF = re.compile(r'(?:href|action)="(/[^"#]*)')
_VARIANTS = 12
"""Addresses of one page with other parameters that are opened; filters and pages of lists have no end."""
FEWEST = {"": 15, SIGNED.platform: 30, OPERATOR.platform: 40}
HASH = "f00d" * 16


async def crawl(site: PageHarness, platform: str, language: Language) -> Mapping[str, str]:
    """The text of every page that links lead to, from the homes of all roles on; a text may be a refusal's."""
    cookie = "" if not platform else await cookie_of(site.harness.federation, platform)
    headers = {**HTML, "Cookie": cookie}
    waiting = [page.path(language) for page in site.site.pages]
    found: dict[str, str] = {}
    opened = Counter[str]()
    while waiting:
        path = waiting.pop()
        plain = urlsplit(path).path
        if path in found or plain.startswith(("/static/", "/v1/", "/.well-known/")) or opened[plain] >= _VARIANTS:
            continue
        opened[plain] += 1
        answer = await site.client.get(path, headers=headers, allow_redirects=False)
        assert answer.status < 500, path
        found[path] = unescape(await answer.text()) + str(answer.headers.get("Location"))
        waiting += [unescape(one) for one in _HREF.findall(found[path])]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("platform", ["", SIGNED.platform, OPERATOR.platform])
async def test_what_concerns_a_platform_is_on_pages_of_itself_and_of_the_operator_alone(
    site: PageHarness, platform: str, language: Language
) -> None:
    await seed(site)
    texts = await crawl(site, platform, language)
    assert len(texts) > FEWEST[platform]
    seen = {path for path, text in texts.items() if CANARY in text.replace(OTHER.name, "")}  # a name is public
    assert bool(seen) == (platform == OPERATOR.platform), sorted(seen)


async def test_no_role_finds_a_hash_of_a_secret(site: PageHarness) -> None:
    partners = site.harness.federation.partners
    for one in (OTHER, SIGNED, OPERATOR):
        stored = partners.get(one.platform) or one
        await partners.save(replace(stored, secrets=(Secret(hash=f"sha256:{HASH}", created_at=1),)))
    for platform in ("", SIGNED.platform, OPERATOR.platform):
        texts = await crawl(site, platform, "fr")
        assert len(texts) > FEWEST[platform] / 2
        assert [] == [path for path, text in texts.items() if HASH[:12] in text]
