"""Token requests: the form and the Authorization header, parsed strictly. Pure."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote

from gateway.errors import TokenError
from gateway.oauth.client_assertion import ASSERTION_TYPE
from gateway.oauth.jws import read_unverified
from gateway.oauth.refusal import RefusalError
from gateway.oauth.server import TokenRequest

MEDIA_TYPE = "application/x-www-form-urlencoded"
_MAX_FIELDS = 20


def read_request(body: bytes, *, content_type: str, authorization: str | None) -> TokenRequest:
    """The request for Authlib. Raises RefusalError if it is malformed or uses several authentication methods."""
    if content_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        raise RefusalError("media-type")
    form = _read_form(body)
    if "grant_type" not in form:
        raise RefusalError("grant-type-missing")
    if (authorization is not None) + ("client_secret" in form) + ("client_assertion" in form) > 1:
        raise RefusalError("methods-mixed")
    if "client_assertion" in form and form.get("client_assertion_type") != ASSERTION_TYPE:
        raise RefusalError("assertion-type")
    return TokenRequest(form, authorization=None if authorization is None else _checked_basic(authorization))


def claimed_client(request: TokenRequest) -> str:
    """The client id that the request claims, verified or not; empty if it claims none."""
    authorization = request.headers.get("Authorization")
    if authorization is not None:
        name: str = b64decode(authorization.partition(" ")[2]).decode().partition(":")[0]
        return unquote(name)
    if "client_assertion" in request.form:
        try:
            return str(read_unverified(request.form["client_assertion"]).claims.get("sub", ""))
        except TokenError:
            return ""
    return request.form.get("client_id", "")


def _read_form(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise RefusalError("form-unreadable") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise RefusalError("parameter-repeated")
    return form


def _checked_basic(authorization: str) -> str:
    """The header in the one spelling that Authlib always parses: it assumes valid base64 and UTF-8. Raises
    RefusalError.
    """
    kind, _, encoded = authorization.strip().partition(" ")
    try:
        credentials = b64decode(encoded.strip(), validate=True)
        readable = kind.lower() == "basic" and ":" in credentials.decode()
    except ValueError:
        readable = False
    if not readable:
        raise RefusalError("basic-unreadable")
    return "Basic " + b64encode(credentials).decode()
