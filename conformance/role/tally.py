"""Tally of a run: what the partner's requests and its test interface came to, in constant memory."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from conformance.model.result import Exchange

_MAX_KEPT = 100
_FIRST_KEPT = 20
_MAX_NAMES, _MAX_PATHS = 50, 1_000
_NO_PROOF = frozenset({"/oauth/token", "/.well-known/passerelle"})
_FAULTS = frozenset({0, 429, 503})
"""Statuses that cases order from the kit's servers; they prove nothing about the partner."""
_KNOWN = re.compile(
    r"/(v1/(offers|snapshots|receipts|changes|exports|platforms|reference|schemas|openapi\.json|asyncapi\.json)|oauth"
    r"|\.well-known)(/|\Z)"
)
"""Addresses of a gateway; the kit's may answer 404 to some that no case needs."""
_CLIENT = re.compile(r"(?:^|&)client_id=([^&\s]+)")
_CODE = re.compile(r'"code":\s*"([a-z0-9:.-]+)"')


class Exchanges(list[Exchange]):
    """The exchanges of the present case: the first and the last ones of many. Each is counted in ``tally`` as well."""

    def __init__(self, tally: "RunTally | None" = None) -> None:
        super().__init__()
        self._tally = tally

    def append(self, exchange: Exchange, /) -> None:
        """Record an exchange."""
        if self._tally is not None:
            self._tally.note(exchange)
        if len(self) >= _MAX_KEPT:
            del self[_FIRST_KEPT]
        super().append(exchange)


@dataclass(slots=True)
class ControlTally:
    """The answers of the test interface to one call: executed, and failed (``late`` among them), with the last
    failure.
    """

    executed: int = 0
    failed: int = 0
    late: int = 0
    last: Exchange | None = None


@dataclass(slots=True)
class RunTally:
    """Counts of a run. ``control`` is the base URL of the partner's test interface; other exchanges are requests of the
    partner to the kit.

    ``tokens`` and ``token_refusals`` count token requests, with the ``token_error`` and the words of the last refusal;
    ``without_token`` and ``wrong_token`` requests that were
    answered 401 since the last token; ``unknown_paths`` those to addresses that no gateway has, ``denied`` those
    answered with another error, by status and code. ``taken`` counts successful writes, ``read`` successful reads,
    ``refused`` writes answered 422; ``common`` are the problems of all of these. ``used`` are the features that the
    partner used.
    """

    control: str | None = None
    came: int = 0
    tokens: int = 0
    token_refusals: int = 0
    client: str = ""
    basic: bool = False
    token_error: str = ""
    token_words: Mapping[str, str] = field(default_factory=dict)
    secret_in_address: bool = False
    without_token: int = 0
    wrong_token: int = 0
    unknown_paths: Counter[str] = field(default_factory=Counter)
    denied: Counter[tuple[int, str]] = field(default_factory=Counter)
    denial: Exchange | None = None
    taken: int = 0
    read: int = 0
    refused: int = 0
    refused_paths: set[str] = field(default_factory=set)
    common: dict[tuple[str, str], Mapping[str, Any]] | None = None
    frequent: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: dict[str, ControlTally] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def note(self, exchange: Exchange) -> None:
        """Count an exchange."""
        if self.control is not None and exchange.url.startswith(f"{self.control}/"):
            self._note_control(exchange)
        else:
            self._note_request(exchange)

    @property
    def succeeded(self) -> int:
        """Number of requests that the kit answered with success, token requests apart."""
        return self.taken + self.read

    def _note_control(self, exchange: Exchange) -> None:
        call = f"{exchange.method} {urlsplit(exchange.url[len(self.control or '') :]).path}"
        counts = self.calls.setdefault(call, ControlTally())
        if 200 <= exchange.status < 300:
            counts.executed += 1
            return
        counts.failed += 1
        counts.late += exchange.status == 0 and exchange.milliseconds > 1_000
        counts.last = exchange

    def _note_request(self, exchange: Exchange) -> None:
        self.came += 1
        path = urlsplit(exchange.url).path
        if path == "/oauth/token":
            self._note_token(exchange)
        elif path in _NO_PROOF or exchange.status in _FAULTS:
            return
        elif exchange.status == 401:
            self.wrong_token += _has(exchange, "authorization")
            self.without_token += not _has(exchange, "authorization")
        elif exchange.status < 300 or exchange.status in {304, 409, 410}:
            self._note_success(exchange, path)
        elif exchange.status == 404:
            self._note_unknown(exchange, path)
        elif exchange.status == 422:
            self._note_refusal(exchange, path)
        else:
            _count(self.denied, (exchange.status, _code_of(exchange.answer)))
            self.denial = exchange

    def _note_unknown(self, exchange: Exchange, path: str) -> None:
        """Count an address that no gateway has. Requests of others, such as a load balancer, prove nothing."""
        proved = _has(exchange, "authorization") or "/v1/" in path or path.endswith("/oauth/token")
        if proved and not _KNOWN.match(path):
            _count(self.unknown_paths, f"{exchange.method} {path}")

    def _note_token(self, exchange: Exchange) -> None:
        if exchange.status == 200:
            self.tokens += 1
            self.without_token = self.wrong_token = 0
        elif 400 <= exchange.status < 500:
            self.token_refusals += 1
            named = _CLIENT.search(exchange.body)
            self.client = unquote(named[1]) if named else ""
            self.basic = _has(exchange, "authorization")
            body = _json(exchange.answer)
            self.token_error = str(body.get("error", "")) if isinstance(body, dict) else ""
            words = body.get("message") if isinstance(body, dict) else None
            self.token_words = words if isinstance(words, dict) else {}
            self.secret_in_address = "client_secret=" in urlsplit(exchange.url).query

    def _note_success(self, exchange: Exchange, path: str) -> None:
        """A decision is a success too: stale or rejected, the document was read."""
        if exchange.method in {"GET", "HEAD"}:
            self.read += 1
            return
        self.taken += 1
        if exchange.method == "DELETE" or '"withdrawn"' in exchange.body:
            self.used.add("withdrawals")
        if path.startswith("/v1/snapshots"):
            self.used.add("snapshots")
        if path == "/v1/offers/batch":
            self.used.add("batch")
        if _has(exchange, "idempotency-key"):
            self.used.add("idempotency")

    def _note_refusal(self, exchange: Exchange, path: str) -> None:
        self.refused += 1
        if len(self.refused_paths) < _MAX_PATHS:
            self.refused_paths.add(path)
        found = {
            (str(each["code"]), str(each.get("pointer", ""))): each
            for each in _problems(_json(exchange.answer))
            if each.get("severity", "error") == "error"
        }
        for problem in found:
            _count(self.frequent, problem)
        self.common = found if self.common is None else {key: self.common[key] for key in self.common if key in found}


def _has(exchange: Exchange, header: str) -> bool:
    return any(name.lower() == header for name in exchange.headers)


def _count(counter: Counter[Any], key: Any) -> None:
    """Count a key; beyond fifty different ones no new key."""
    if key in counter or len(counter) < _MAX_NAMES:
        counter[key] += 1


def _json(text: str) -> Any:
    """The value of a recorded body; None where it was truncated or is no JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _code_of(answer: str) -> str:
    """The code of a problem document, also of a truncated one."""
    found = _CODE.search(answer)
    return found[1] if found else ""


def _problems(body: Any) -> Iterator[Mapping[str, Any]]:
    """The problems of a refusal: of one document, or of the first items of a batch."""
    if not isinstance(body, dict):
        return
    listed = body.get("problems")
    for problem in listed if isinstance(listed, list) else ():
        if isinstance(problem, dict) and "code" in problem:
            yield problem
    results = body.get("results")
    for result in results[:_MAX_NAMES] if isinstance(results, list) else ():
        yield from _problems(result)
