"""Responses of pages: security headers, language, caching, entity tag, compression."""

from collections.abc import Mapping
from functools import cached_property
from gzip import compress
from hashlib import blake2b
from typing import Self
from urllib.parse import quote

from aiohttp import hdrs, web

from gateway.pages.base.negotiation import accepts_gzip
from gateway.pages.base.page import Download
from gateway.pages.base.static import Asset
from gateway.runtime.entity_tag import lists_tag
from schemas.rulebook import Language

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
PRIVATE: Mapping[str, str] = {hdrs.CACHE_CONTROL: "no-store", "Referrer-Policy": "same-origin"}
"""Of a page behind a session. With ``no-referrer`` a browser names no origin when it sends the page's form."""
_WORTH_BYTES, _MAX_COMPRESSED = 512, 256 * 1024
"""A larger page displays a visitor's own megabyte again: compressing it would hold the event loop for 30 ms."""
_KEPT = (hdrs.METH_GET, hdrs.METH_HEAD)


class Rendered:
    """A rendered page, as bytes; entity tag and compressed bytes are computed once."""

    def __init__(self, text: str) -> None:
        self.body = text.encode()

    def complete(self) -> Self:
        """Compute both now, where the event loop does not wait for them."""
        _ = self.tag, self.compressed if self.is_worth_it else b""
        return self

    @property
    def is_worth_it(self) -> bool:
        """Whether it is sent compressed."""
        return _WORTH_BYTES <= len(self.body) <= _MAX_COMPRESSED

    @cached_property
    def tag(self) -> str:
        """The entity tag, in quotation marks."""
        return f'"{blake2b(self.body, digest_size=12).hexdigest()}"'

    @cached_property
    def compressed(self) -> bytes:
        """Compressed with gzip."""
        return compress(self.body, 6, mtime=0)


def html_response(
    request: web.BaseRequest, page: Rendered, language: Language, *, status: int = 200, headers: Mapping[str, str]
) -> web.Response:
    """A rendered page. A page that answers GET is kept by the browser and asked for again; any other is not stored."""
    body = page.body
    whole: dict[str, str] = {
        **SECURITY,
        hdrs.CONTENT_TYPE: "text/html; charset=utf-8",
        hdrs.CONTENT_LANGUAGE: language,
        hdrs.VARY: f"{hdrs.ACCEPT_ENCODING}, {hdrs.ACCEPT}, {hdrs.ACCEPT_LANGUAGE}",
    }
    if status == 200 and request.method in _KEPT and hdrs.CACHE_CONTROL not in headers:
        whole |= {hdrs.CACHE_CONTROL: "no-cache", hdrs.ETAG: f"W/{page.tag}", **headers}
        if lists_tag(request.headers.getall(hdrs.IF_NONE_MATCH, ()), page.tag):
            del whole[hdrs.CONTENT_TYPE]
            return web.Response(status=304, headers=whole)
    else:
        whole |= {hdrs.CACHE_CONTROL: "no-store", **headers}
    if page.is_worth_it and accepts_gzip(request):
        body, whole[hdrs.CONTENT_ENCODING] = page.compressed, "gzip"
    return web.Response(status=status, body=body, headers=whole)


def redirect_response(url: str, headers: Mapping[str, str]) -> web.Response:
    """Another page, which the browser asks for with GET."""
    return web.Response(status=303, headers={**SECURITY, **PRIVATE, hdrs.LOCATION: url, **headers})


def download_response(download: Download, headers: Mapping[str, str] | None = None) -> web.Response:
    """A file that is saved and never displayed or stored on the way."""
    plain = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "_" for one in download.filename)
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(download.filename, safe='')}"
    whole: dict[str, str] = {
        **SECURITY,
        hdrs.CONTENT_TYPE: download.media_type,
        hdrs.CONTENT_DISPOSITION: named,
        hdrs.CACHE_CONTROL: "no-store",
        **(headers or {}),
    }
    return web.Response(body=download.body, headers=whole)


def static_response(request: web.BaseRequest, asset: Asset) -> web.Response:
    """A static file, which never changes under its name."""
    headers: dict[str, str] = {
        **SECURITY,
        hdrs.CONTENT_TYPE: asset.media_type,
        hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable",
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
    }
    body = asset.body
    if accepts_gzip(request):
        body, headers[hdrs.CONTENT_ENCODING] = asset.compressed, "gzip"
    return web.Response(body=body, headers=headers)
