"""The page of help. Its site map is that of the header and the footer, with the page of each Region."""

from collections.abc import Sequence

from aiohttp import web

from gateway.pages.base.page import Answer, Language, Page
from gateway.pages.legal.view import Imprint
from gateway.pages.offers.territory import regions

TERMS: Sequence[str] = (
    *("offer", "platform", "national", "publisher", "subscriber", "feed", "transmission", "list", "receipt"),
    *("rule", "refusal", "withdrawal", "duplicate", "department", "week", "level", "public", "certificate", "journal"),
)
"""The words that are explained, in the order of the page."""


def pages(imprint: Imprint) -> Sequence[Page]:
    """The page."""

    async def get(_request: web.Request, _language: Language) -> Answer:
        values = {"terms": TERMS, "imprint": imprint, "regions": list(regions().values())}
        return Answer("help/help.html", values, made_of=imprint)

    return [Page("help", {"fr": "/aide", "en": "/en/help"}, get)]
