"""Requests generated from the OpenAPI document, valid and wrong, the same in every run.

Every operation that a partner can meet × its parameters (valid, at their limits, beyond, repeated, unknown) × headers ×
bodies. What a request changes concerns offers of its own, so that the order of answers does not matter.
"""

import gzip
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from schemas.contract import openapi_document
from tests.conformance.standin.both_gateways import Request

SEED = 14
LINES, JSON, FORM = "application/x-ndjson", "application/json", "application/x-www-form-urlencoded"
_PER_OPERATION = 60
"""Requests with several random parameters and headers, for each operation that has any."""
_VARIABLES = {
    "id": "bretagne:seed-1",
    "receipt": "${receipt}",
    "format": "csv",
    "list": "sectors",
    "platform": "bretagne",
    "order": "x",
}
_GOOD: Mapping[str, tuple[str, ...]] = {
    "region": ("53", "53,28"),
    "department": ("35", "35,2A,971"),
    "level": ("seconde", "troisieme,quatrieme"),
    "week": ("2027-W24", "2026-W53", "2027-W24,2027-W25"),
    "sector": ("s5", "s5,s1"),
    "platform": ("bretagne", "normandie,grand-est"),
    "bbox": ("-5,41,10,51", "0,0,0,0", "-180,-90,180,90", "-5.5,4.1e1,10,51"),
    "territory": ("all",),
    "cursor": (),
    "wait": ("0", "0.01"),
    "id": ("bretagne:seed-1", "bretagne:none"),
    "batch": ("b" + "A" * 16,),
    "snapshot": ("s" + "A" * 16, "A" * 17, "A" * 2000),
    "since": ("2027-01-15T08:00:00Z", "2026-01-01T00:00:00.123456+02:00"),
    "mark": (),
    "verdict": ("accepted", "stale,rejected"),
    "revision": ("1", "9007199254740991", "007"),
    "confirm": ("0", "1000000000"),
    "from": ("2026-11-01", "2000-01-01"),
    "to": ("2026-11-28", "2099-12-31"),
    "group": ("rule", "day,rule", "department,verdict,platform"),
}
_WRONG: Mapping[str, tuple[str, ...]] = {
    "region": ("", "5", "53,", "Bretagne", "53;28"),
    "department": ("", "1", "2a", "35,,22"),
    "level": ("", "Seconde", "3e", "seconde,x"),
    "week": ("", "2027-W60", "2027-24", "2027-W5", "2025-W53", "２０２７-W24", "2027-w24"),
    "sector": ("", "S5", "s0", "51"),
    "platform": ("", "Bretagne", "a--b", "-a", "a" * 41, "gateway:1"),
    "bbox": ("", "1,2,3", "10,41,-5,51", "-5,51,10,41", "-181,0,0,0", "0,0,0,91", "a,b,c,d", "1,2,3,4,5", "1_0,2,30,4"),
    "territory": ("", "ALL", "none", "true"),
    "cursor": ("", "x", "0.1", "A" * 400, "${offercursor}x", "é"),
    "wait": ("", "-1", "31", "30.5", "x", "1e400", "nan", " 1", "+1", "1_0"),
    "id": ("", "bretagne", "Bretagne:1", "bretagne:é", "bretagne:" + "a" * 61, "gateway:1", "bretagne:1 "),
    "batch": ("", "x", "b" + "A" * 15, "b" + "A" * 17, "s" + "A" * 16, "b" + "!" * 16),
    "snapshot": ("", "s" + "A" * 15, "A" * 2001, "s" + "!" * 16),
    "since": (
        "",
        "2027-01-15",
        "2027-01-15T08:00:00",
        "2027-13-15T08:00:00Z",
        "1999-01-15T08:00:00Z",
        "2027-01-15t08:00:00z",
        "2027-01-15T25:00:00Z",
        "2027-01-15T08:00:00.1234567Z",
        "2027-01-15 08:00:00Z",
        "2027-01-15T08:00:00+0100",
        "2027-01-15T08:00:00%2B01:00x",
        "yesterday",
    ),
    "mark": ("", "x", "é", "A" * 300, "A" * 2001, "a b"),
    "verdict": ("", "pending", "Accepted", "accepted,", "refused"),
    "revision": ("", "0", "-1", "1.0", "9007199254740992", "1" * 17, "²", "+1", " 1", "1_0", "0x1"),
    "confirm": ("", "-1", "1000000001", "x", "1.5"),
    "from": ("", "2026-02-30", "20260201", "2026-W05-1", "1999-01-01", "2026-1-1", "2099-12-31", "yesterday"),
    "to": ("", "2026-13-01", "0001-01-01", "９999-01-01", "2025-12-31 "),
    "group": ("", "employer", "Day", "day,", "day;rule"),
}
_BY_TYPE: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "boolean": (("true", "false", "1", "0"), ("", "2", "True", "yes", "null", "TRUE", " true", "01")),
    "integer": ((), ("", "x", "-1", "1.0", "1e1", "１")),
}
_LANGUAGES = ("en", "fr", "en-GB, fr;q=0.5", "de", "*", "en;q=x", "en;q=0.1, fr;q=0.2", "")
_TAGS = ("*", '"x"', 'W/"x"', '"x", "*"', "x", "", '"', '"a" "b"')
_PREFER = (
    "wait=5",
    "wait=0",
    "respond-async, wait=5",
    "wait",
    "wait=x",
    'wait="5"',
    "WAIT=5; foo",
    "wait=-1",
    "wait=99",
)
_ACCEPTED = ("text/csv", "text/csv;q=0.5, application/json", "application/json;q=0.5, TEXT/CSV", "text/*", "*/*", "")
_KEYS = ("a b", "", "é", "k" * 129, "k,é")
_PLAIN_TYPES = (JSON, "application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8"')
_WRONG_TYPES = (
    None,
    "",
    "text/plain",
    "application/json; charset=iso-8859-1",
    "application/json; x=y",
    "application/jsonx",
    "application/*",
    FORM,
    "multipart/form-data; boundary=x",
    LINES,
    "application/ndjson; charset=latin1",
)
_ENCODINGS = ("gzip", "GZIP", "x-gzip", "identity", "", "br", "deflate", "gzip, gzip", "identity, gzip", "zstd")


def offer(number: int | str, *, slug: str = "bretagne", revision: float = 1, **changes: Any) -> dict[str, Any]:
    """A valid offer."""
    return {
        "id": f"{slug}:{number}",
        "revision": revision,
        "title": "Atelier de reliure",
        "description": "Observer la couture des cahiers.",
        "employer": {"name": f"Atelier {number}", "description": "Reliure."},
        "location": {"postal_code": "35000", "city": "Rennes"},
        "levels": ["troisieme"],
        "weeks": ["2027-W24"],
        "sector": "s5",
        "apply_url": f"https://stages.example/{number}",
        **changes,
    }


def packed(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def lines(*values: Any) -> bytes:
    return b"".join(packed(value) + b"\n" for value in values)


def generated() -> list[Request]:
    """All requests, those that change nothing first."""
    return [*_Generator().requests()]


class _Generator:
    def __init__(self) -> None:
        self._random = random.Random(SEED)
        self._number = 0
        self._document = openapi_document()

    def requests(self) -> Iterator[Request]:
        for path, item in self._document["paths"].items():
            for method, operation in item.items():
                if method != "parameters":
                    yield from self._of_operation(path, method.upper(), operation, item.get("parameters", []))
            yield from self._of_path(path, {method.upper() for method in item if method != "parameters"})
        yield from self._bodies_of_offers()
        yield from self._bodies_of_batches()
        yield from self._bodies_of_snapshots()
        yield from self._forms()
        yield from self._repeated_headers()

    def _fresh(self) -> str:
        self._number += 1
        return f"bretagne:g{self._number}"

    def _sample(self, path: str, method: str, name: str) -> Request:
        """A right request of an operation, about an offer of its own where it changes one."""
        target, headers, body = path, [], None
        if method in {"PUT", "DELETE"}:
            offer_id = self._fresh()
            target = path.replace("{id}", offer_id)
            if method == "PUT":
                headers, body = [("Content-Type", JSON)], packed(offer(offer_id.partition(":")[2]))
        elif name == "publishBatch":
            headers, body = [("Content-Type", LINES)], lines(offer(self._fresh().partition(":")[2]))
        elif name == "applySnapshot":
            headers, body = [("Content-Type", LINES)], lines({"count": 0})
        elif name == "moderateOffer":
            headers, body = [("Content-Type", JSON)], packed({"action": "moderate"})
        elif name == "orderFeed":
            headers, body = [("Content-Type", JSON)], packed({"action": "pause"})
        elif name == "eraseName":
            headers, body = [("Content-Type", JSON)], packed({"name": "Name of a person"})
        elif name == "issueToken":
            headers, body = [("Content-Type", FORM)], b"grant_type=client_credentials"
        for variable, value in _VARIABLES.items():
            target = target.replace(f"{{{variable}}}", value)
        caller = None if name == "issueToken" else "publisher"
        return Request(
            operation=name, method=method, target=target, why="right", caller=caller, headers=tuple(headers), body=body
        )

    def _of_operation(
        self, path: str, method: str, operation: Mapping[str, Any], shared: list[Any]
    ) -> Iterator[Request]:
        name = operation["operationId"]
        listed = [self._resolved(each) for each in [*operation.get("parameters", []), *shared]]
        query = {each["name"]: self._resolved(each["schema"]) for each in listed if each["in"] == "query"}
        needed = [("revision", "1")] if name == "withdrawOffer" else []
        for variant in self._parameters(query):
            given = variant if any(key in dict(needed) for key, _ in variant) else [*needed, *variant]
            yield _with(self._sample(path, method, name), given, why="parameters")
        for headers, why in self._headers(name, {each["name"] for each in listed if each["in"] == "header"}):
            sample = _with(self._sample(path, method, name), needed)
            yield replace(sample, headers=(*sample.headers, *headers), why=why)
        for caller, headers in _callers():
            sample = _with(self._sample(path, method, name), needed)
            yield replace(sample, caller=caller, headers=(*sample.headers, *headers), why="caller")

    def _parameters(self, query: Mapping[str, Any]) -> Iterator[list[tuple[str, str]]]:
        """Each parameter right, at its limits, beyond, repeated; unknown ones; several at random."""
        good, wrong = {}, {}
        for name, schema in query.items():
            good[name], wrong[name] = self._values(name, schema)
            for value in (*good[name], *wrong[name]):
                yield [(name, value)]
            for value in good[name][:1]:
                yield [(name, value), (name, value)]
                yield [(name.upper(), value)]
                yield [(f"{name}[]", value)]
                yield [(name[:-1], value)]
        yield [("x", "1")]
        yield [("", "1")]
        yield [("x", "1"), ("y", "2"), ("x", "3")]
        if not query:
            yield [("limit", "10")]
            return
        every = {name: (*good[name], *good[name], *wrong[name]) or ("x",) for name in query}
        for _ in range(_PER_OPERATION):
            chosen = self._random.sample(sorted(every), k=min(len(every), self._random.randint(1, 3)))
            pairs = [(name, self._random.choice(every[name])) for name in chosen]
            if self._random.random() < 0.15:
                pairs.insert(0, (self._random.choice(["limits", "depart", "foo", "dryrun"]), "1"))
            yield pairs

    def _values(self, name: str, schema: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        good, wrong = _GOOD.get(name, ()), _WRONG.get(name, ())
        if "enum" in schema:
            good, wrong = tuple(schema["enum"]), ("", schema["enum"][0].upper(), "x", f"{schema['enum'][0]},")
        elif schema.get("type") in _BY_TYPE and name not in _GOOD:
            good, wrong = _BY_TYPE[schema["type"]]
        if "minimum" in schema and name not in {"wait", "revision"}:
            least, most = schema["minimum"], schema["maximum"]
            good, wrong = (*good, str(least), str(most)), (*wrong, str(least - 1), str(most + 1))
        return good, wrong

    def _headers(self, name: str, known: set[str]) -> Iterator[tuple[list[tuple[str, str]], str]]:
        """Headers of every operation, and those that it names."""
        for language in _LANGUAGES:
            yield [("Accept-Language", language), ("X-Request-Id", f"request-{name}")], "language"
        yield [("Expect", "100-continue")], "expect"
        yield [("Expect", "something")], "expect"
        yield [("traceparent", "00-zz-01")], "traceparent"
        yield [("X-Request-Id", "a b")], "request id"
        for tag in _TAGS if "If-None-Match" in known else _TAGS[:2]:
            yield [("If-None-Match", tag)], "entity tag"
        yield [("If-Match", '"x"')], "entity tag"
        for accepted in _ACCEPTED if name == "getStatistics" else ():
            yield [("Accept", accepted)], "media type"
        if name in {"applySnapshot", "moderateOffer", "orderFeed", "eraseName"}:
            return
        for preference in _PREFER if "Prefer" in known else ():
            yield [("Prefer", preference)], "preference"
        for key in (*_KEYS, self._fresh()) if "Idempotency-Key" in known else ():
            yield [("Idempotency-Key", key)], "idempotency key"

    def _of_path(self, path: str, methods: set[str]) -> Iterator[Request]:
        """Methods and spellings of an address that no operation has, and some that are right all the same."""
        target = path
        for variable, value in _VARIABLES.items():
            target = target.replace(f"{{{variable}}}", value)
        base = Request(operation="address", method="GET", target=target, why="address")
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "QUERY"):
            if method not in methods:
                yield replace(base, method=method, why="method")
        for spelling in (
            f"{target}/",
            f"{target}//",
            f"/{target}",
            target.upper(),
            f"{target}/x",
            f"{target};x=1",
            target.replace("/v1/", "/v1/./", 1),
            target.replace("/v1/", "/v1/x/../", 1),
            target.replace("/v1/", "/v2/", 1),
            target.replace("e", "%65", 1),
            target.replace("/v1/", "/v1%2F", 1),
            f"{target}%20",
            f"{target}%00",
            f"{target}#x",
            f"{target}?",
            f"{target}?&&",
            f"{target}?=",
        ):
            yield replace(base, method=min(methods), target=spelling)

    def _resolved(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        target: Any = self._document
        if "$ref" not in value:
            return value
        for step in value["$ref"].split("/")[1:]:
            target = target[step]
        return dict(target)

    def _put(self, body: bytes | None, *headers: tuple[str, str], why: str, at: str = "", query: str = "") -> Request:
        number = self._fresh().partition(":")[2]
        filled = None if body is None else body.replace(b"NUMBER", number.encode())
        target = f"/v1/offers/{at or f'bretagne:{number}'}{query}"
        return Request(operation="publishOffer", method="PUT", target=target, why=why, headers=headers, body=filled)

    def _bodies_of_offers(self) -> Iterator[Request]:
        right = ("Content-Type", JSON)
        good = packed(offer("NUMBER"))
        for kind in (*_PLAIN_TYPES, *_WRONG_TYPES):
            yield self._put(good, *([] if kind is None else [("Content-Type", kind)]), why="media type")
        for encoding in _ENCODINGS:
            yield self._put(good, right, ("Content-Encoding", encoding), why="encoding")
        for offer_id in _ids():
            yield self._put(good, right, why="id", at=offer_id)
            yield self._put(good, right, why="id", at=offer_id, query="?dry_run=true")
            for method in ("GET", "DELETE"):
                target = f"/v1/offers/{offer_id}" + ("?revision=1" if method == "DELETE" else "")
                name = "getOffer" if method == "GET" else "withdrawOffer"
                yield Request(operation=name, method=method, target=target, why="id")
        for body in _documents():
            yield self._put(body, right, why="document")
            yield self._put(body, right, ("Accept-Language", "en"), why="document", query="?dry_run=true")
        yield self._put(None, why="no body")
        yield self._put(b"", right, why="no body")
        yield replace(self._put(b"x", why="withdrawal with a body", query="?revision=1"), method="DELETE")
        yield replace(self._put(b"", why="withdrawal with an empty body", query="?revision=1"), method="DELETE")

    def _batch(self, body: bytes | None, *headers: tuple[str, str], why: str, query: str = "") -> Request:
        filled = body
        while filled is not None and b"NUMBER" in filled:
            filled = filled.replace(b"NUMBER", self._fresh().partition(":")[2].encode(), 1)
        target = f"/v1/offers/batch{query}"
        return Request(operation="publishBatch", method="POST", target=target, why=why, headers=headers, body=filled)

    def _bodies_of_batches(self) -> Iterator[Request]:
        good = [
            {**offer("x"), "id": "bretagne:NUMBER"},
            {"id": "bretagne:NUMBER", "revision": 1, "withdrawn": "filled"},
        ]
        wrong = {**offer("x"), "id": "bretagne:NUMBER", "sector": "x"}
        foreign = {**offer("x"), "id": "normandie:NUMBER"}
        warned = {**offer("x"), "id": "bretagne:NUMBER", "apply_url": "https://stages.example/test"}
        mixes = (
            good,
            [wrong],
            [*good, wrong],
            [foreign],
            [*good, foreign, warned],
            [warned],
            [good[0]] * 3,
            [wrong] * 3,
        )
        for kind in (LINES, "application/ndjson", JSON, *_WRONG_TYPES):
            yield self._batch(lines(*good), *([] if kind is None else [("Content-Type", kind)]), why="media type")
        for encoding in _ENCODINGS:
            for body in (lines(*good), gzip.compress(lines(*good), mtime=0)):
                given = ("Content-Type", LINES), ("Content-Encoding", encoding)
                yield self._batch(body, *given, why="encoding")
        for query in ("", "?partial=true", "?dry_run=true", "?partial=true&dry_run=true", "?partial=false"):
            for mix in mixes:
                yield self._batch(lines(*mix), ("Content-Type", LINES), why="mix", query=query)
                yield self._batch(packed(mix), ("Content-Type", JSON), ("Prefer", "wait=9"), why="mix", query=query)
        for kind, body in _uploads(good):
            yield self._batch(body, ("Content-Type", kind), why="upload")
            yield self._batch(gzip.compress(body, mtime=0), ("Content-Type", kind), _GZIP, why="upload, gzip")
        for body in _gzips(lines(*good)):
            yield self._batch(body, ("Content-Type", LINES), _GZIP, why="gzip")

    def _bodies_of_snapshots(self) -> Iterator[Request]:
        """Marks that no gateway gave, and forms; ``request_sequences`` has whole snapshots."""
        for kind in (LINES, *_WRONG_TYPES):
            given = [] if kind is None else [("Content-Type", kind)]
            for mark in ("", "?mark=x", "?mark=${mark}"):
                yield Request(
                    operation="applySnapshot",
                    method="POST",
                    target=f"/v1/snapshots{mark}",
                    why="media type",
                    headers=tuple(given),
                    body=b"\n",
                )
        for body in (None, b"", b"x", b"{}"):
            yield Request(operation="takeMark", method="POST", target="/v1/snapshots/marks", why="body", body=body)

    def _repeated_headers(self) -> Iterator[Request]:
        """Header fields that come twice, and codings of an export."""
        json_type, json_lines, plain = ("Content-Type", JSON), ("Content-Type", LINES), ("Content-Type", "text/plain")
        good = packed(offer("NUMBER"))
        for headers in (
            (json_type, json_type),
            (json_type, plain),
            (plain, json_type),
            (json_type, ("Prefer", "wait=0"), ("Prefer", "wait=9")),
            (json_type, ("Prefer", "respond-async"), ("Prefer", "wait=9")),
            (json_type, ("Content-Encoding", "identity"), ("Content-Encoding", "gzip")),
            (json_type, ("Content-Encoding", ""), ("Content-Encoding", "")),
            (json_type, ("Accept-Language", "fr;q=0.1"), ("Accept-Language", "en")),
            (json_type, ("Authorization", "Bearer ${publisher}"), ("Authorization", "Bearer x")),
            (json_type, ("Authorization", "Bearer x"), ("Authorization", "Bearer ${publisher}")),
        ):
            yield self._put(good, *headers, why="repeated header")
        for keys in (("a-1", "a-1"), ("a-2", "a-3"), ("a-2", "a-2")):
            given = [("Idempotency-Key", key) for key in keys]
            yield self._batch(lines(offer("same")), json_lines, *given, why="repeated header")
        for coding in _CODINGS:
            for form in ("csv", "jobposting", "rss"):
                target = f"/v1/exports/{form}?platform=normandie"
                accepting = (("Accept-Encoding", coding),)
                yield Request(operation="exportOffers", method="GET", target=target, why="coding", headers=accepting)
                yield Request(operation="exportOffers", method="HEAD", target=target, why="coding", headers=accepting)

    def _forms(self) -> Iterator[Request]:
        """The token endpoint (RFC 6749). Failed proofs stay below the twenty a minute of each client."""
        kinds = (FORM, f"{FORM}; charset=utf-8", FORM.upper(), JSON, "text/plain", None)
        good = b"grant_type=client_credentials&client_id=nobody&client_secret=x"
        for kind in kinds:
            yield _form(good, kind)
        for body in _token_forms():
            yield _form(body, FORM)
        for proof in (
            "Basic",
            "Basic A",
            "Basic é".encode().decode("latin-1"),
            "Basic ====",
            "Basic eDp5",
            "Bearer x",
            "",
        ):
            yield _form(b"grant_type=client_credentials", FORM, ("Authorization", proof))
        yield _form(b"grant_type=client_credentials&client_secret=x", FORM, ("Authorization", "Basic eDp5"))


_GZIP = ("Content-Encoding", "gzip")
_CODINGS = ("gzip", "GZIP", "gzip;q=0", "gzip;q=0.000", "gzip; q=0.5", "br", "*", "identity, gzip", "", "x-gzip")


def _form(body: bytes, kind: str | None, *headers: tuple[str, str]) -> Request:
    typed = () if kind is None else (("Content-Type", kind),)
    given = (*typed, *headers)
    return Request(
        operation="issueToken", method="POST", target="/oauth/token", why="form", caller=None, headers=given, body=body
    )


def _token_forms() -> Iterator[bytes]:
    base = "grant_type=client_credentials"
    yield from (b"", b"x", b"&", b"grant_type", b"grant_type=", b"grant_type=password", "grant_type=é".encode())
    assertion = (
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="
    )
    yield from (
        f"{base}&{more}".encode()
        for more in (
            "client_id=a1",
            "client_secret=x",
            "client_id=a2&client_secret=",
            "client_id=a3&client_id=a3",
            "client_id=a4&client_secret=x&scope=offers:read",
            "client_id=a5&client_secret=x&client_assertion=x",
            "client_assertion=x",
            f"{assertion}x",
            f"{assertion}e30.e30.e30",
            f"{assertion}eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJicmV0YWduZSJ9.AAAA",
            "%zz=1",
            "a=%ff",
            "&".join(f"x{number}=1" for number in range(30)),
            "x=" + "a" * 17_000,
        )
    )
    for account in ("publisher", "subscriber"):
        proof = f"client_id=${{{account}id}}&client_secret=${{{account}secret}}"
        scopes = ("offers:read", "offers:publish", "operate", "offers:read operate", "", "x", "offers:read offers:read")
        yield from (f"{base}&{proof}{f'&scope={quote(scope)}'}".encode() for scope in scopes)
        yield f"{base}&{proof}".encode()
        yield f"grant_type=authorization_code&{proof}".encode()


def _callers() -> Iterator[tuple[str | None, list[tuple[str, str]]]]:
    yield from ((name, []) for name in ("neighbour", "subscriber", "narrow", None))
    for value in ("", "Bearer", "Bearer ", "bearer  ${publisher}", "Basic ${publisher}", "Bearer x", "${publisher}"):
        yield None, [("Authorization", value)]
    yield None, [("Authorization", "Bearer ${publisher}x")]


def _ids() -> tuple[str, ...]:
    return (
        "bretagne%3Aother",
        "bretagne%3aother",
        "normandie:1",
        "normandie:seed-2",
        "gateway:1",
        "Bretagne:1",
        "bretagne",
        "bretagne:",
        ":1",
        "bretagne:a%2Fb",
        "bretagne:a%00",
        "bretagne:%61b",
        "bretagne:%2561",
        "bretagne:%C3%A9",
        "bretagne:%E9",
        "bretagne:é",
        "bretagne:a b",
        "bretagne:a+b",
        "bretagne:" + "a" * 61,
        "a" * 41 + ":1",
        "bretagne:1:2",
        "batch",
        ".",
        "..",
        "%2e%2e",
        "bretagne:~._-",
    )


def _documents() -> Iterator[bytes]:
    """Bodies of a publication: bytes that are no offer, and offers wrong in one place each."""
    good = {**offer("x"), "id": "bretagne:NUMBER"}
    text = packed(good)
    yield from (b" ", b"null", b"[]", b"{}", b'"x"', b"{", text[:-1], text + b"x", b"\xef\xbb\xbf" + text, text + b"\n")
    yield from (
        b"\xff",
        b'{"id": "\\ud800"}',
        b'{"seats": NaN}',
        b'{"a":' * 40 + b"1" + b"}" * 40,
        text.replace(b"1", b"1e999"),
    )
    yield text.replace(b'"revision": 1', b'"revision": 1, "revision": 2')
    yield text.ljust(100_000)
    yield text.ljust(100_001)
    yield text.ljust(300_000)
    yield from (packed({name: value for name, value in good.items() if name != missing}) for missing in good)
    wrong: tuple[Any, ...] = (None, "", 0, -1, 1.5, True, [], {}, "é" * 10_000, "<b>x</b>", "a@b.fr", "06 12 34 56 78")
    yield from (
        packed({**good, name: value}) for name in ("title", "revision", "levels", "employer") for value in wrong
    )
    yield packed({**good, "unknown": 1})
    yield packed({**good, "apply_url": "https://stages.example/test"})
    yield packed({**good, "weeks": ["2026-W02"]})
    yield packed({**good, "expires_on": "2026-01-01"})
    yield packed({**good, "seats": 2.0})
    yield packed({**good, "extensions": {"bretagne": {"a": [1.5, "x", None, 1e21, -0.0]}}})
    yield packed({**good, "location": {**good["location"], "latitude": 48.11, "longitude": -1.68}})
    yield packed({"id": "bretagne:NUMBER", "revision": 1, "withdrawn": "filled"})
    yield packed({**good, "id": "bretagne:another"})
    yield packed({**good, "id": "normandie:NUMBER"})
    yield packed({**good, "id": "bretagne:another", "sector": "x"})


def _uploads(good: list[Any]) -> Iterator[tuple[str, bytes]]:
    """Bodies of a batch by their form alone."""
    item = packed(good[0])
    yield from (
        (LINES, body) for body in (b"", b"\n", b" \n\t\n", item, b"\n\n" + item + b"\n\n", item + b"\r\n", b"[]", b"x")
    )
    yield from ((LINES, body) for body in (b"[" + item + b"]", b"null\n", b"\xff\n", b"{}\n" * 199, b"{}\n" * 400))
    yield LINES, b" " * 100_001 + b"\n" + item
    yield LINES, item.ljust(100_001) + b"\n" + item
    yield LINES, item + b"\n" + b"x" * 200_000
    yield from (
        (JSON, body)
        for body in (
            b"",
            b" ",
            b"[",
            b"]",
            b"{}",
            b"[]",
            b" [ ] ",
            b"[,]",
            b"[1,]",
            b"[1 2]",
            b"[1}",
            b"[[1]",
            b"[1] 2",
            b"[1]]",
            b'["',
            b"[" + item,
            b"[" + item + b",",
            item,
            b"[" + b"{}," * 400 + b"{}]",
            b"[" + b'"' + b"x" * 100_001 + b'"]',
            b"[" + b'"' + b"x" * 300_000,
        )
    )


def _gzips(content: bytes) -> Iterator[bytes]:
    """Bodies that say that they are gzip."""
    whole = gzip.compress(content, mtime=0)
    yield from (b"", b"x", content, whole[:-1], whole[:-9], whole[:5], whole + b"x", whole + whole, whole + whole[:-1])
    yield gzip.compress(b"", mtime=0)
    yield gzip.compress(b"", mtime=0) * 300
    yield gzip.compress(b"\n" * 2_000_000, mtime=0)
    yield gzip.compress(content + b" " * 90_000, mtime=0)


def _with(request: Request, pairs: list[tuple[str, str]], *, why: str = "right") -> Request:
    if not pairs:
        return request
    query = "&".join(f"{quote(name, safe='[]')}={quote(value, safe='%,:${}')}" for name, value in pairs)
    return replace(request, target=f"{request.target}?{query}", why=why)
