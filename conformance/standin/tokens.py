"""Access tokens: the token endpoint (RFC 6749, section 4.4), and whose a bearer token is."""

import secrets
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

import orjson

from conformance.standin.exchange import NO_STORE, REALM, HostAnswer, RefusedError, invalid_token, problem, refused
from schemas.refusal import token_refusals

FORM_BYTES = 16 * 1024
LIFE_SECONDS = 3600
PUBLISHER = ("offers:publish", "offers:read")
SUBSCRIBER = ("offers:read",)
_ALL = ("offers:publish", "offers:read", "operate")
_MEDIA_TYPE = "application/x-www-form-urlencoded"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_BASIC = 'Basic realm="passerelle", charset="UTF-8"'
_MAX_FIELDS = 20
_ATTEMPTS, _WINDOW_SECONDS = 20, 60.0
_FAILED = 401
_PROOFS = ("client", "assertion-signature")
"""Refusals of a proof that could be read; too many of them are throttled."""
_MAX_TOKENS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A partner at the stand-in. ``host`` is the platform's own, where its offers apply; ``territory`` are the
    departments that its reads mean by default. Without a secret it gets no token.
    """

    platform: str
    client_id: str = ""
    secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = PUBLISHER
    host: str | None = None
    territory: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose request it is, and what its token opens."""

    client: Client
    scopes: frozenset[str]


class _TokenRefusedError(Exception):
    """The token endpoint refuses; ``reason`` is a key of ``schemas/oauth.json``."""

    def __init__(self, reason: str, client: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.client = client


class Tokens:
    """Issues tokens to clients and knows whose they are. ``now`` is monotonic, in seconds."""

    def __init__(self, clients: Sequence[Client], now: Callable[[], float]) -> None:
        self.clients = clients
        self._now = now
        self._issued: dict[str, tuple[float, Caller]] = {}
        self._failures: dict[str, tuple[int, float]] = {}

    def expire(self) -> None:
        """Invalidate every token."""
        self._issued.clear()

    def authorise(self, authorization: str, opening: Sequence[str]) -> Caller:
        """The caller. Raises RefusedError: 401 without a valid token, 403 where no scope of it opens the operation."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token.strip():
            raise refused("token-missing", headers={"WWW-Authenticate": REALM})
        ends, caller = self._issued.get(token.strip(), (0.0, None))
        if caller is None or ends <= self._now():
            raise RefusedError(invalid_token())
        if caller.scopes.isdisjoint(opening):
            challenge = f'{REALM}, error="insufficient_scope", scope="{" ".join(opening)}"'
            raise refused("scope-missing", headers={"WWW-Authenticate": challenge}, expected=", ".join(opening))
        return caller

    def issue(self, body: bytes, *, content_type: str, authorization: str | None) -> HostAnswer:
        """Answer a token request."""
        if len(body) > FORM_BYTES:
            return problem(413, "body-too-large", expected=FORM_BYTES)
        try:
            form = _read_form(body, content_type, authorization)
            client = self._prove(form, authorization)
            scopes = _granted(client, form.get("scope"))
        except _TokenRefusedError as error:
            return self._refuse(error)
        token = _token(client.platform, scopes)
        while len(self._issued) >= _MAX_TOKENS:
            del self._issued[next(iter(self._issued))]
        self._issued[token] = (self._now() + LIFE_SECONDS, Caller(client, frozenset(scopes)))
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": LIFE_SECONDS, "scope": " ".join(scopes)}
        return HostAnswer(200, answer, _HEADERS)

    def _prove(self, form: Mapping[str, str], authorization: str | None) -> Client:
        """The client that proves itself."""
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
        if authorization is not None:
            name, secret = _read_basic(authorization)
        if form["grant_type"] != "client_credentials":
            raise _TokenRefusedError("grant-type", name)
        if "client_assertion" in form:  # no account of the kit has keys
            raise _TokenRefusedError("assertion-signature", _subject(form["client_assertion"]))
        for client in self.clients:
            right = secrets.compare_digest(secret.encode(errors="replace"), client.secret.encode())
            if name == client.client_id and secret and right:
                return client
        raise _TokenRefusedError("client", name)

    def _refuse(self, error: _TokenRefusedError) -> HostAnswer:
        """The refusal; after twenty failed proofs a minute of one client, 429 (SEC-013)."""
        headers, reason, now = dict(_HEADERS), error.reason, self._now()
        if reason in _PROOFS:
            number, began = self._failures.get(error.client, (0, now))
            number, began = (0, now) if now >= began + _WINDOW_SECONDS else (number, began)
            if number >= _ATTEMPTS:
                reason, headers["Retry-After"] = "too-many", str(int(began + _WINDOW_SECONDS - now) + 1)
            else:
                self._failures[error.client] = (number + 1, began)
        entry = token_refusals()[reason]
        if entry["status"] == _FAILED:
            headers["WWW-Authenticate"] = _BASIC
        body = {"error": entry["error"], "error_description": entry["en"]}
        return HostAnswer(entry["status"], {**body, "message": {"fr": entry["fr"], "en": entry["en"]}}, headers)


_HEADERS: Mapping[str, str] = {"Pragma": "no-cache", **NO_STORE}


def _read_form(body: bytes, content_type: str, authorization: str | None) -> Mapping[str, str]:
    if content_type.partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise _TokenRefusedError("media-type")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=_MAX_FIELDS,
        )
    except ValueError:
        raise _TokenRefusedError("form-unreadable") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise _TokenRefusedError("parameter-repeated")
    if "grant_type" not in form:
        raise _TokenRefusedError("grant-type-missing")
    if (authorization is not None) + ("client_secret" in form) + ("client_assertion" in form) > 1:
        raise _TokenRefusedError("methods-mixed")
    if "client_assertion" in form and form.get("client_assertion_type") != _ASSERTION:
        raise _TokenRefusedError("assertion-type")
    return form


def _read_basic(authorization: str) -> tuple[str, str]:
    """Client id and secret, each form-encoded (RFC 6749, 2.3.1)."""
    kind, _, encoded = authorization.strip().partition(" ")
    try:
        name, colon, secret = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise _TokenRefusedError("basic-unreadable") from None
    if kind.lower() != "basic" or not colon:
        raise _TokenRefusedError("basic-unreadable")
    return unquote(name), unquote(secret)


def _subject(assertion: str) -> str:
    """The client that an assertion names, proved or not; empty where it names none."""
    try:
        claims = orjson.loads(b64decode(assertion.split(".")[1] + "==", altchars=b"-_"))
    except (IndexError, ValueError):
        return ""
    return str(claims.get("sub", "")) if isinstance(claims, dict) else ""


def _granted(client: Client, asked: str | None) -> tuple[str, ...]:
    wanted = set(client.scopes) if asked is None else set(asked.split())
    if not wanted or not wanted <= set(client.scopes):
        raise _TokenRefusedError("scope")
    return tuple(scope for scope in _ALL if scope in wanted)


def _token(platform: str, scopes: Sequence[str]) -> str:
    """A text in the form, and of the length, of a signed token; it is proved by being known."""
    claims = {"iss": "passerelle-conformance", "sub": platform, "scope": " ".join(scopes), "jti": secrets.token_hex(16)}
    parts = (
        orjson.dumps({"alg": "ES256", "typ": "at+jwt", "kid": "kit"}),
        orjson.dumps(claims),
        secrets.token_bytes(64),
    )
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
