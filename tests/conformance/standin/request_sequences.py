"""Sequences of requests, from the sentences of docs/protocol.md; both gateways meet each in the same state."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tests.conformance.standin.both_gateways import Request
from tests.conformance.standin.request_generator import FORM, JSON, LINES, lines, offer, packed

WAIT = ("Prefer", "wait=20")


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """Read the changes feed to its end, from the position of the copy of this name, and compare what it holds."""

    caller: str
    query: str = ""
    copy: str = "a"

    @property
    def operation(self) -> str:
        return "getChanges"


Step = Request | Follow
SEQUENCES: dict[str, Callable[[], Iterator[Step]]] = {}


def sequence(made: Callable[[], Iterator[Step]]) -> Callable[[], Iterator[Step]]:
    SEQUENCES[made.__name__.replace("_", "-")] = made
    return made


def put(number: str, *, revision: float = 1, slug: str = "bretagne", wait: bool = True, **changes: Any) -> Request:
    headers = (("Content-Type", JSON), *([WAIT] if wait else []))
    body = packed(offer(number, slug=slug, revision=revision, **changes))
    caller = "publisher" if slug == "bretagne" else "neighbour"
    target = f"/v1/offers/{slug}:{number}"
    return Request(
        operation="publishOffer", method="PUT", target=target, why="", caller=caller, headers=headers, body=body
    )


def delete(number: str, revision: int, reason: str = "filled", *, wait: bool = True) -> Request:
    target = f"/v1/offers/bretagne:{number}?revision={revision}&reason={reason}"
    headers = (WAIT,) if wait else ()
    return Request(operation="withdrawOffer", method="DELETE", target=target, why="", headers=headers)


def get(target: str, caller: str = "publisher", **more: Any) -> Request:
    name = target.partition("?")[0].removeprefix("/v1/").split("/")
    known = {
        "offers": "getOffer" if name[1:] else "listOffers",
        "receipts": "getReceipt" if name[1:] else "listReceipts",
    }
    operation = known.get(name[0], name[0])
    return Request(operation=operation, method="GET", target=target, why="", caller=caller, **more)


def batch(body: bytes, query: str = "", *headers: tuple[str, str], **more: Any) -> Request:
    given = (("Content-Type", LINES), *headers)
    target = f"/v1/offers/batch{query}"
    return Request(operation="publishBatch", method="POST", target=target, why="", headers=given, body=body, **more)


def mark(caller: str = "neighbour", name: str = "mark") -> Request:
    target = "/v1/snapshots/marks"
    return Request(operation="takeMark", method="POST", target=target, why="", caller=caller, keep={name: "mark"})


def snapshot(*offers: Any, query: str = "", wait: bool = True, name: str = "mark", **more: Any) -> Request:
    """The complete set of the neighbour."""
    body = more.pop("body", lines(*offers, {"count": len(offers)}))
    headers = (("Content-Type", LINES), *([WAIT] if wait else []), *more.pop("headers", ()))
    target = f"/v1/snapshots?mark=${{{name}}}{query}"
    return Request(
        operation="applySnapshot",
        method="POST",
        target=target,
        why="",
        caller=more.pop("caller", "neighbour"),
        headers=headers,
        body=body,
        **more,
    )


def neighbours(*numbers: str, revision: int = 1, **changes: Any) -> list[dict[str, Any]]:
    return [offer(number, slug="normandie", revision=revision, **changes) for number in numbers]


@sequence
def publish_read_withdraw_read() -> Iterator[Step]:
    """PUB-001, WDR-001, WDR-011."""
    yield get("/v1/offers/bretagne:p1")
    yield Follow(caller="subscriber")
    yield put("p1")
    yield get("/v1/offers/bretagne:p1")
    yield get("/v1/offers/bretagne:p1", "subscriber")
    yield get("/v1/offers?platform=bretagne&limit=1000")
    yield get("/v1/offers?platform=bretagne&limit=1000", "neighbour")
    yield Follow(caller="subscriber")
    yield put("p1", revision=2, title="Autre titre")
    yield Follow(caller="subscriber")
    yield delete("p1", 3)
    yield get("/v1/offers/bretagne:p1")
    yield get("/v1/offers/bretagne:p1", "subscriber")
    yield Follow(caller="subscriber")
    yield Follow(caller="subscriber", copy="late")
    yield put("p1", revision=4)
    yield get("/v1/offers/bretagne:p1", "subscriber")
    yield Follow(caller="subscriber")


@sequence
def revisions() -> Iterator[Step]:
    """REV-001 to REV-005, WDR-002 to WDR-004."""
    yield put("r1", revision=5)
    yield put("r1", revision=5)
    yield put("r1", revision=5, title="Autre")
    yield put("r1", revision=4)
    yield put("r1", revision=6)
    yield delete("r1", 5)
    yield delete("r1", 6)
    yield delete("r1", 7)
    yield delete("r1", 7)
    yield delete("r1", 7, "cancelled")
    yield put("r1", revision=7)
    yield put("r1", revision=6)
    yield put("r1", revision=8)
    yield delete("r2", 9)
    yield put("r2", revision=8)
    yield get("/v1/offers/bretagne:r2")
    yield put("r2", revision=10, seats=2)
    yield put("r2", revision=10, seats=2.0)
    yield put("r2", revision=10.0, seats=2)
    yield get("/v1/receipts?id=bretagne:r1")
    yield get("/v1/receipts?id=bretagne:r1&verdict=stale,rejected&order=newest")


@sequence
def receipts_of_what_is_queued() -> Iterator[Step]:
    """PUB-004, RCP-001, RCP-002, RCP-007, RCP-008."""
    yield replace(put("q1", wait=False), keep={"queued": "receipt"})
    yield get("/v1/receipts/${queued}")
    yield get("/v1/receipts/${queued}", "neighbour")
    yield replace(get("/v1/receipts/${queued}"), headers=(("Accept-Language", "en"),))
    yield replace(get("/v1/receipts/${queued}"), method="HEAD")
    yield delete("q1", 1, wait=False)
    yield replace(delete("q1", 2, wait=False), keep={"queued": "receipt"})
    yield get("/v1/receipts/${queued}")
    yield put("q1", wait=False)
    yield put("q2", apply_url="https://stages.example/test")
    yield put("q3", wait=False, apply_url="https://stages.example/test")
    yield get("/v1/receipts?id=bretagne:q1")
    yield get("/v1/receipts?id=bretagne:q2&problems=true")
    yield get("/v1/receipts?id=bretagne:q2&problems=false")
    yield get("/v1/receipts?id=bretagne:q1&since=2099-01-01T00:00:00Z")
    yield get("/v1/receipts?id=bretagne:q1&limit=1", keep={"page": "cursor"})
    yield get("/v1/receipts?id=bretagne:q1&limit=1&cursor=${page}", keep={"next": "cursor"})
    yield get("/v1/receipts?id=bretagne:q1&limit=10&cursor=${next}")
    yield get("/v1/receipts?id=bretagne:q1&order=newest&cursor=${page}")
    yield get("/v1/receipts?cursor=${page}")
    yield get("/v1/receipts?id=bretagne:q2&cursor=${page}")
    yield get("/v1/receipts?id=bretagne:q1&cursor=${page}", "neighbour")
    yield get("/v1/changes?cursor=${page}")
    yield get("/v1/receipts?id=bretagne:q1&order=newest&limit=2", keep={"newest": "cursor"})
    yield get("/v1/receipts?id=bretagne:q1&order=newest&limit=2&cursor=${newest}", keep={"newest": "cursor"})
    yield get("/v1/receipts?id=bretagne:q1&order=newest&limit=2&cursor=${newest}")


@sequence
def batches() -> Iterator[Step]:
    """PUB-010 to PUB-018, REV-006, RCP-007."""
    one, two = offer("b1"), offer("b2")
    wrong = offer("b3", sector="x")
    gone = {"id": "bretagne:b1", "revision": 2, "withdrawn": "cancelled"}
    yield batch(lines(one, two, wrong))
    yield get("/v1/offers/bretagne:b1")
    yield batch(lines(one, two, wrong), "?dry_run=true")
    yield batch(lines(one, two, wrong), "?partial=true", WAIT, keep={"batch": "batch"})
    yield get("/v1/receipts?batch=${batch}")
    yield get("/v1/receipts?batch=${batch}&verdict=rejected")
    yield get("/v1/receipts?batch=${batch}&snapshot=${batch}")
    yield get("/v1/receipts?batch=${batch}", "neighbour")
    yield batch(lines(one, {**one, "title": "Autre"}, gone, one, two), "", WAIT)
    yield get("/v1/offers/bretagne:b1")
    yield batch(lines(offer("b4"), offer("b4", revision=2), offer("b4")), "", WAIT, ("Accept-Language", "en"))
    yield batch(lines(*[offer(f"many{number}") for number in range(130)]), "", keep={"batch": "batch"})
    yield get("/v1/receipts?batch=${batch}&limit=1000")
    yield get("/v1/receipts?batch=${batch}", keep={"page": "cursor"})
    yield get("/v1/receipts?batch=${batch}&cursor=${page}")
    yield batch(lines(*[{**wrong, "id": f"bretagne:w{number}"} for number in range(1_050)]), "?partial=true")
    yield Follow(caller="subscriber", query="platform=bretagne")
    yield Follow(caller="subscriber", query="platform=bretagne&limit=7")


@sequence
def cursors() -> Iterator[Step]:
    """FEED-003 to FEED-009: a cursor is bound to its reader, its filter and its list."""
    yield put("c1")
    yield get("/v1/changes?territory=all&limit=1", "subscriber", keep={"feed": "cursor"})
    yield get("/v1/changes?territory=all&cursor=${feed}&limit=1", "subscriber", keep={"second": "cursor"})
    yield get("/v1/changes?cursor=${feed}&limit=1", "subscriber")
    yield get("/v1/changes?cursor=${feed}&level=seconde", "subscriber")
    yield get("/v1/changes?cursor=${feed}&level=troisieme&territory=all", "subscriber")
    yield get("/v1/changes?cursor=${feed}", "neighbour")
    yield get("/v1/changes?cursor=${feed}x", "subscriber")
    yield get("/v1/changes?cursor=x${feed}", "subscriber")
    yield get("/v1/offers?cursor=${feed}", "subscriber")
    yield get("/v1/receipts?cursor=${feed}", "publisher")
    yield get("/v1/changes?region=53,28&level=troisieme", "subscriber", keep={"regions": "cursor"})
    yield get("/v1/changes?level=troisieme&region=28&region=53&cursor=${regions}", "subscriber")
    yield get("/v1/changes?level=troisieme&region=28&cursor=${regions}", "subscriber")
    yield get("/v1/offers?platform=bretagne&limit=1", "subscriber", keep={"list": "cursor"})
    yield get("/v1/offers?platform=bretagne&limit=1&cursor=${list}", "neighbour")
    yield get("/v1/offers?platform=normandie&limit=1&cursor=${list}", "subscriber")
    yield get("/v1/changes?cursor=${list}", "subscriber")


@sequence
def filters_and_wishes() -> Iterator[Step]:
    """FEED-006, FEED-007, RTE-002 to RTE-006: what leaves a reader's scope is removed, what was never shared is not."""
    yield put("f0")
    for copy, query in (
        ("all", ""),
        ("second", "level=seconde"),
        ("box", "bbox=-2,48,-1,49"),
        ("dep", "department=35"),
    ):
        yield Follow(caller="subscriber", query=query, copy=copy)
    rennes = {"postal_code": "35000", "city": "Rennes", "latitude": 48.11, "longitude": -1.68}
    yield put("f1", levels=["seconde"], weeks=["2027-W24", "2027-W25"], location=rennes)
    yield put("f2", redistribution={"regions": False})
    yield put("f3", redistribution={"mask_employer": True}, location=rennes, extensions={"bretagne": {"a": 1}})
    yield put("f4", apply_url="https://stages.grand-est.example/f4")
    yield put("f5", location={"postal_code": "67000", "city": "Strasbourg"})
    for copy, query in (
        ("all", ""),
        ("second", "level=seconde"),
        ("box", "bbox=-2,48,-1,49"),
        ("dep", "department=35"),
    ):
        yield Follow(caller="subscriber", query=query, copy=copy)
    for number in range(1, 6):
        yield get(f"/v1/offers/bretagne:f{number}", "subscriber")
        yield get(f"/v1/offers/bretagne:f{number}", "publisher")
    yield get("/v1/offers?bbox=-2,48,-1,49", "subscriber")
    yield put("f1", revision=2, location=rennes)
    yield put("f2", revision=2)
    yield put("f3", revision=2, redistribution={"regions": False})
    yield put("f5", revision=2)
    yield put("f2", revision=3, redistribution={"regions": False})
    for copy, query in (
        ("all", ""),
        ("second", "level=seconde"),
        ("box", "bbox=-2,48,-1,49"),
        ("dep", "department=35"),
    ):
        yield Follow(caller="subscriber", query=query, copy=copy)
    for number in range(1, 6):
        yield delete(f"f{number}", 9)
        yield get(f"/v1/offers/bretagne:f{number}", "subscriber")
    for copy, query in (("all", ""), ("second", "level=seconde"), ("box", "bbox=-2,48,-1,49"), ("new", "")):
        yield Follow(caller="subscriber", query=query, copy=copy)
    yield Follow(caller="publisher")
    yield Follow(caller="publisher", query="platform=bretagne")


@sequence
def duplicates_of_another_platform() -> Iterator[Step]:
    """RTE-007."""
    firm = {"name": "S.A.R.L. Dupont & Fils", "description": "Reliure."}
    yield put("d1", employer=firm)
    yield put("d2", slug="normandie", employer={**firm, "name": "dupont fils"})
    yield put("d3", slug="normandie", apply_url="https://www.stages.example/d1/?utm_source=x#y")
    yield put("d4", employer={**firm, "siret": "73282932000074"}, weeks=["2027-W23"])
    yield put("d5", slug="normandie", employer={**firm, "siret": "73282932000074", "name": "X"}, weeks=["2027-W23"])
    for number in ("bretagne:d1", "normandie:d2", "normandie:d3", "bretagne:d4", "normandie:d5"):
        yield get(f"/v1/offers/{number}", "subscriber")
    yield get("/v1/offers?platform=bretagne,normandie&week=2027-W23", "subscriber")
    yield put("d2", slug="normandie", revision=2, employer={"name": "Autre", "description": "Autre."})
    yield get("/v1/offers/bretagne:d1", "subscriber")


@sequence
def snapshots() -> Iterator[Step]:
    """PUB-020 to PUB-028, WDR-006, WDR-008: the life of complete sets of one platform."""
    yield mark()
    yield Follow(caller="subscriber", query="platform=normandie", copy="s")
    yield snapshot(*neighbours("s1", "s2", "s3"), query="&confirm=1000")
    yield mark()
    yield snapshot(*neighbours("s1", "s2", "s3"))
    yield snapshot(*neighbours("s1", "s2", "s3"))
    yield snapshot(*neighbours("s1"), caller="publisher")
    yield mark()
    yield snapshot(*neighbours("s1", "s2"))
    yield get("/v1/receipts?snapshot=${mark}", "neighbour")
    yield get("/v1/receipts?snapshot=${mark}", "publisher")
    yield Follow(caller="subscriber", query="platform=normandie", copy="s")
    yield get("/v1/offers/normandie:s3", "neighbour")
    yield mark()
    yield snapshot(body=lines(*neighbours("s1", "s2")))
    yield snapshot(body=lines(*neighbours("s1", "s2"), {"count": 3}))
    yield snapshot(body=lines(*neighbours("s1", "s2"), {"count": 2})[:-12])
    yield snapshot(body=lines({"count": 2}, *neighbours("s1", "s2")))
    yield snapshot(body=lines(*neighbours("s1", "s1"), {"count": 2}))
    yield snapshot(body=lines(*neighbours("s1"), {"title": "x"}, {"count": 2}))
    yield snapshot(
        body=lines(*neighbours("s1"), {"id": "normandie:s2", "revision": 2, "withdrawn": "filled"}, {"count": 2})
    )
    yield snapshot(body=lines(*neighbours("s1"), {"count": 1, "x": 1}, {"count": 2}))
    yield snapshot(body=b'{"count": 0}')
    yield snapshot(body=b'{"count": 0}', query="&confirm=1")
    yield snapshot(*neighbours("s4"))
    yield snapshot(*neighbours("s1", "s2", "s3"))
    yield get("/v1/offers/normandie:s3", "neighbour")
    yield Follow(caller="subscriber", query="platform=normandie", copy="s")


@sequence
def snapshots_with_refused_items() -> Iterator[Step]:
    """PUB-025, PUB-028: a refused item counts as present; the guard's bounds."""
    yield mark()
    yield snapshot(*neighbours(*(f"g{number}" for number in range(20))), query="&confirm=3")
    yield mark()
    refused = neighbours("g0", "g1", sector="x", revision=2)
    yield snapshot(*refused, *neighbours(*(f"g{number}" for number in range(2, 20))), wait=False)
    yield get("/v1/receipts?snapshot=${mark}&limit=1000", "neighbour")
    yield mark()
    yield snapshot(*neighbours(*(f"g{number}" for number in range(11))))
    yield mark()
    yield snapshot(*neighbours("g0"))
    yield snapshot(*neighbours("g0"), query="&confirm=9")
    yield snapshot(*neighbours("g0"), query="&confirm=10")
    yield mark()
    yield snapshot(*neighbours("g0", sector="x", revision=2))
    yield mark()
    yield snapshot(*neighbours("g99", sector="x"))
    yield snapshot(*neighbours("g0", revision=1, title="Autre"), body=None)
    yield mark()
    foreign = offer("foreign")
    yield snapshot(foreign, *neighbours("g0"))
    yield mark()
    yield snapshot(*neighbours("g0", revision=2, title="Autre"), wait=False, headers=(("Idempotency-Key", "s-1"),))
    yield snapshot(*neighbours("g0", revision=2, title="Autre"), wait=False, headers=(("Idempotency-Key", "s-1"),))
    yield snapshot(*neighbours("g0"), wait=False, headers=(("Idempotency-Key", "s-1"),))


@sequence
def marks() -> Iterator[Step]:
    """PUB-020 to PUB-022: order and ownership of marks; what came after the mark is never absent."""
    yield mark(name="first")
    yield mark(name="second")
    yield put("m1", slug="normandie")
    yield snapshot(name="second", body=b'{"count": 0}', query="&confirm=0")
    yield snapshot(*neighbours("m2"), name="second", query="&confirm=1")
    yield get("/v1/offers/normandie:m1", "neighbour")
    yield snapshot(*neighbours("m2"), name="first", query="&confirm=1")
    yield snapshot(*neighbours("m2"), name="second", caller="publisher")
    yield replace(mark(), headers=(("Idempotency-Key", "m-1"),))
    yield replace(mark(), headers=(("Idempotency-Key", "m-1"),))
    yield replace(mark(), body=b"{}")


@sequence
def idempotency_keys() -> Iterator[Step]:
    """PUB-040 to PUB-045."""
    key = ("Idempotency-Key", "key-1")
    body = lines(offer("k1"), offer("k2"))
    yield batch(body, "", key)
    yield batch(body, "", key)
    yield batch(body, "?partial=false", key)
    yield batch(lines(offer("k1")), "", key)
    yield batch(b"\n", "", ("Idempotency-Key", "key-2"))
    yield batch(b"\n", "", ("Idempotency-Key", "key-2"))
    yield batch(b"\n\n", "", ("Idempotency-Key", "key-2"))
    yield batch(lines(offer("k3", sector="x")), "", ("Idempotency-Key", "key-3"), ("Accept-Language", "en"))
    yield batch(lines(offer("k3", sector="x")), "", ("Idempotency-Key", "key-3"))
    yield batch(body, "?dry_run=true", ("Idempotency-Key", "key-4"))
    yield batch(body, "?dry_run=true", ("Idempotency-Key", "key-4"))
    yield replace(put("k5"), headers=(("Content-Type", JSON), WAIT, key))
    yield replace(batch(body, "", key), caller="neighbour")


@sequence
def failed_proofs() -> Iterator[Step]:
    """SEC-013: after twenty failed proofs a minute further ones are answered 429, a right one never."""
    form = ("Content-Type", FORM)
    for number in range(23):
        body = f"grant_type=client_credentials&client_id=guess&client_secret={number}".encode()
        yield Request(operation="issueToken", method="POST", target="/oauth/token", why="", headers=(form,), body=body)
    for name in ("publisher", "subscriber"):
        for secret in ("x", f"${{{name}secret}}"):
            body = f"grant_type=client_credentials&client_id=${{{name}id}}&client_secret={secret}".encode()
            yield Request(
                operation="issueToken", method="POST", target="/oauth/token", why="", headers=(form,), body=body
            )


@sequence
def large_answers() -> Iterator[Step]:
    """PUB-016, PUB-017, FEED-003: bounds of what an answer holds, and pages of the largest size."""
    withdrawals = [{"id": f"bretagne:l{number}", "revision": 1, "withdrawn": "filled"} for number in range(10_050)]
    yield batch(lines(*withdrawals), "?dry_run=true")
    yield batch(lines(*withdrawals[:1_100]), "", WAIT, keep={"batch": "batch"})
    yield get("/v1/receipts?batch=${batch}&limit=1000", keep={"page": "cursor"})
    yield get("/v1/receipts?batch=${batch}&limit=1000&cursor=${page}")
    warned = [{**offer(f"l{number}"), "apply_url": f"https://stages.example/test/{number}"} for number in range(60)]
    yield batch(lines(*warned), "?dry_run=true")
    yield batch(lines(*warned), "", WAIT)
    long = [{**offer(f"l{number}"), **{f"unknown{key}": 1 for key in range(90)}} for number in range(250)]
    yield batch(lines(*long))
    yield batch(
        lines(*withdrawals[1_100:1_102], {**offer("l2"), "title": ""}), "?partial=true", ("Accept-Language", "en")
    )


@sequence
def entity_tags() -> Iterator[Step]:
    """RFC 9110, 13.1.2: ``If-None-Match`` of every answer with an entity tag."""
    yield put("e1")
    for target in (
        "/v1/offers/bretagne:e1",
        "/v1/offers?platform=bretagne&limit=1",
        "/v1/exports/csv?platform=bretagne",
        "/v1/exports/rss?platform=x",
        "/.well-known/passerelle",
        "/v1/openapi.json",
        "/v1/reference/sectors",
    ):
        yield get(target, keep={"tag": "ETag"})
        yield get(target, headers=(("If-None-Match", "${tag}"),))
        yield get(target, headers=(("If-None-Match", "W/${tag}"),))
        yield get(target, headers=(("If-None-Match", '"x", ${tag}'),))
        yield replace(get(target, headers=(("If-None-Match", "${tag}"),)), method="HEAD")
        yield replace(get(target), method="HEAD")


_STEPS = 160
_NUMBERS = ("x1", "x2", "x3", "x4", "x5", "x6")


@sequence
def reserved_for_schools() -> Iterator[Step]:
    """NAT-002: an offer reserved for schools is for the regions only, and leaves the national site once it is."""
    reserved: dict[str, Any] = {"restrictions": {"schools": ["0350896J"]}}
    yield Follow(caller="national", copy="national")
    yield put("n1", **reserved)
    yield put("n2")
    yield put("n3", redistribution={"national": False})
    yield put("n4", **reserved, redistribution={"regions": False})
    for caller in ("national", "subscriber", "neighbour", "publisher"):
        yield from (get(f"/v1/offers/bretagne:n{number}", caller) for number in range(1, 5))
        yield get("/v1/offers?platform=bretagne", caller)
    yield Follow(caller="national", copy="national")
    yield put("n1", revision=2)
    yield put("n2", revision=2, **reserved)
    yield put("n3", revision=2, **reserved)
    yield Follow(caller="national", copy="national")
    yield put("n1", revision=3, restrictions={"rep": True}, levels=["troisieme"])
    for number in range(1, 5):
        yield get(f"/v1/offers/bretagne:n{number}", "national")
        yield delete(f"n{number}", 9)
    yield Follow(caller="national", copy="national")
    yield Follow(caller="national", copy="late")


_WISHES: tuple[dict[str, Any], ...] = (
    {},
    {"title": "Autre"},
    {"redistribution": {"regions": False}},
    {"levels": ["seconde"], "weeks": ["2027-W24", "2027-W25"]},
)


def random_lives(seed: int) -> Iterator[Step]:
    """Lives of six offers of one platform at random: publications, withdrawals, batches and snapshots in any order."""
    chance = random.Random(seed)
    copies = (("all", ""), ("seconde", "level=seconde"))
    yield from (Follow(caller="subscriber", query=query, copy=copy) for copy, query in copies)
    for _ in range(_STEPS):
        number, revision = chance.choice(_NUMBERS), chance.randint(1, 8)
        document = offer(number, slug="normandie", revision=revision, **chance.choice(_WISHES))
        gone = {"id": document["id"], "revision": revision, "withdrawn": chance.choice(("filled", "cancelled"))}
        match chance.randrange(8):
            case 0 | 1:
                yield replace(put(number, slug="normandie"), body=packed(document))
            case 2:
                target = f"/v1/offers/normandie:{number}?revision={revision}&reason={gone['withdrawn']}"
                yield replace(delete(number, revision), target=target, caller="neighbour")
            case 3:
                items = [chance.choice((document, gone, {**document, "id": "normandie:x1"})) for _ in range(3)]
                yield replace(batch(lines(*items), "", WAIT), caller="neighbour")
            case 4 | 5:
                yield mark()
                kept = [
                    offer(one, slug="normandie", revision=chance.randint(1, 8), **chance.choice(_WISHES))
                    for one in _NUMBERS
                    if chance.random() < 0.7
                ]
                confirm = chance.choice(("", "", "&confirm=0", "&confirm=1", "&confirm=2", "&confirm=6"))
                yield snapshot(*kept, query=confirm, wait=chance.random() < 0.8)
                yield get("/v1/receipts?snapshot=${mark}", "neighbour")
            case 6:
                yield get(f"/v1/offers/normandie:{number}", chance.choice(("neighbour", "subscriber", "publisher")))
                yield get(f"/v1/receipts?id=normandie:{number}&order=newest", "neighbour")
            case 7:
                yield from (Follow(caller="subscriber", query=query, copy=copy) for copy, query in copies)
    yield from (Follow(caller="subscriber", query=query, copy=copy) for copy, query in (*copies, ("late", "")))


for _seed in range(2):
    SEQUENCES[f"random-lives-{_seed}"] = partial(random_lives, _seed)


def described(step: Step) -> str:
    return str(step) if isinstance(step, Request) else json.dumps([step.caller, step.query, step.copy])
