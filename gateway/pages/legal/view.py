"""The three pages that the law asks for: what the operator has set, and a visible text where a setting is missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway.pages.base.page import Answer, Handler, Language, Page


@dataclass(frozen=True, slots=True, kw_only=True)
class Imprint:
    """The publisher and the host of this gateway; None where nothing is set. ``contact``: an e-mail address or URL."""

    publisher: str | None = None
    address: str | None = None
    director: str | None = None
    contact: str | None = None
    host: str | None = None

    @property
    def is_mail(self) -> bool:
        """Whether the contact is an e-mail address."""
        return "@" in (self.contact or "") and not (self.contact or "").startswith(("https://", "http://"))

    @property
    def contact_url(self) -> str | None:
        """The contact as the target of a link."""
        return f"mailto:{self.contact}" if self.is_mail else self.contact


def pages(imprint: Imprint) -> Sequence[Page]:
    """The three pages."""
    return [
        Page("legal", {"fr": "/mentions-legales", "en": "/en/legal-notice"}, _static("legal/legal.html", imprint)),
        Page("privacy", {"fr": "/donnees-personnelles", "en": "/en/privacy"}, _static("legal/privacy.html", imprint)),
        Page(
            "accessibility",
            {"fr": "/accessibilite", "en": "/en/accessibility"},
            _static("legal/accessibility.html", imprint),
        ),
    ]


def _static(template: str, imprint: Imprint) -> Handler:
    async def get(_request: web.Request, _language: Language) -> Answer:
        return Answer(template, {"imprint": imprint}, made_of=imprint)

    return get
