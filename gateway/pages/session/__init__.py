"""Sign-in and sign-out: a link begins a session, a button ends it."""

from gateway.pages.session.view import ENTER, LINK, link_url, pages

__all__ = ["ENTER", "LINK", "link_url", "pages"]
