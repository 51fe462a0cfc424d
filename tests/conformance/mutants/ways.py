"""Ways into a gateway and out of it, for faults in documents, verdicts and offers, whichever way they take."""

import copy
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeAlias

import orjson

from tests.conformance.mutants.edits import TEXTS, Document, value_at
from tests.conformance.mutants.proxy import Answer, Fault, Forward, Seen, json_answer, wrong

Edit: TypeAlias = Callable[[Document], object]
Rewrite: TypeAlias = Callable[[bytes], bytes]

BATCH, SNAPSHOTS, MARKS = "/v1/offers/batch", "/v1/snapshots", "/v1/snapshots/marks"
_IN = ("offer", "batch", "snapshot")
_OUT = ("offer", "list", "changes", "verdict")
OTHER_FORM = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What an edit raises on a document of another form, the rest of which its fault leaves alone."""


def way_in(seen: Seen) -> str | None:
    """How documents come with this request: ``offer``, ``batch`` or ``snapshot``."""
    if seen.publishes:
        return "offer"
    return {BATCH: "batch", SNAPSHOTS: "snapshot"}.get(seen.path) if seen.method == "POST" else None


def waits(seen: Seen) -> bool:
    """Whether the request waits for its decision."""
    return "wait=" in seen.headers.get("Prefer", "")


def unpacked(body: bytes) -> bytes | None:
    """The content of gzip, None where it is not readable to its end."""
    inflating = zlib.decompressobj(31)
    with suppress(zlib.error):
        plain = inflating.decompress(body, 50_000_000)
        return plain if inflating.eof and not inflating.unused_data else None
    return None


def rewritten(seen: Seen, rewrite: Rewrite, *ways: str) -> Seen:
    """The request with the bytes of each document rewritten, on these ways in, or on all."""
    way = way_in(seen)
    if way not in (ways or _IN):
        return seen
    if way == "offer":
        return replace(seen, body=rewrite(seen.body))
    packed = seen.headers.get("Content-Encoding") == "gzip"
    body = unpacked(seen.body) if packed else seen.body
    if body is None or body.lstrip()[:1] == b"[":
        return seen
    lines = body.split(b"\n")
    changed = [rewrite(line) if line.strip() else line for line in lines]
    if changed == lines:
        return seen
    after = b"\n".join(changed)
    return replace(seen, body=gzip.compress(after) if packed else after)


def edited(seen: Seen, edit: Edit, *ways: str) -> Seen:
    """The request with each document changed, on these ways in, or on all."""

    def rewrite(raw: bytes) -> bytes:
        with suppress(orjson.JSONDecodeError, TypeError):
            document = orjson.loads(raw)
            after = _after(document, edit)
            return raw if orjson.dumps(after) == orjson.dumps(document) else orjson.dumps(after)
        return raw

    if way_in(seen) == "batch" and "batch" in (ways or _IN) and isinstance(seen.json, list):
        after = [_after(each, edit) for each in seen.json]
        return seen if after == seen.json else seen.carrying(after)
    return rewritten(seen, rewrite, *ways)


def _after(document: Any, edit: Edit) -> Any:
    if not isinstance(document, dict):
        return document
    with suppress(RecursionError):
        changed = copy.deepcopy(document)
        with suppress(*OTHER_FORM):
            edit(changed)
        return changed
    return document


def read_as(edit: Edit, *ways: str) -> Fault:
    """A gateway that changes each document before it judges it."""

    async def answer(seen: Seen, forward: Forward) -> Answer:
        return await forward(edited(seen, edit, *ways))

    return answer


def decoded_as(rewrite: Rewrite, *ways: str) -> Fault:
    """A gateway that rewrites the bytes of each document before it judges them."""

    async def answer(seen: Seen, forward: Forward) -> Answer:
        return await forward(rewritten(seen, rewrite, *ways))

    return answer


def rendered_as(edit: Edit, *ways: str) -> Fault:
    """A gateway that changes each offer, with its territory, on these ways out in JSON, or on all."""

    async def answer(seen: Seen, forward: Forward) -> Answer:
        answered = await forward(seen)
        body = copy.deepcopy(answered.json)
        for way, entry in entries(seen, body):
            if way in (ways or _OUT):
                with suppress(*OTHER_FORM):
                    edit(entry)
        return answered if body == answered.json else answered.saying(body)

    return answer


def reading(names: str, fault: str, *ways: str) -> Callable[[Edit], Edit]:
    """Register a gateway that changes each document before it judges it."""
    return registering(names, fault, lambda edit: read_as(edit, *ways))


def decoding(names: str, fault: str, *ways: str) -> Callable[[Rewrite], Rewrite]:
    """Register a gateway that rewrites the bytes of each document before it judges them."""
    return registering(names, fault, lambda rewrite: decoded_as(rewrite, *ways))


def rendering(names: str, fault: str, *ways: str) -> Callable[[Edit], Edit]:
    """Register a gateway that changes each offer, with its territory, on these ways out in JSON, or on all."""
    return registering(names, fault, lambda edit: rendered_as(edit, *ways))


def registering(names: str, fault: str, make: Callable[[Any], Fault], *, issues: bool = False) -> Callable[[Any], Any]:
    """Register the gateway that this makes of a function, under the function's name."""

    def register(edit: Any) -> Any:
        answer = make(edit)
        answer.__name__ = edit.__name__
        wrong(names, fault, issues=issues)(answer)
        return edit

    return register


def entries(seen: Seen, body: Any) -> Iterator[tuple[str, Document]]:
    """Each offer of an answer in JSON with the way that it takes; ``offer`` in it is the offer itself."""
    if not isinstance(body, dict):
        return
    if seen.method == "GET":
        for way, found in (("list", body.get("offers")), ("changes", body.get("changes")), ("offer", [body])):
            yield from ((way, each) for each in found or () if isinstance(each, dict) and "offer" in each)
    elif "offer" in body:
        yield "verdict", body


def problems_changed(answered: Answer, change: Callable[[list[Document]], list[Document]]) -> Answer:
    """The answer with each of its lists of problems changed: of one document, of items, of receipts."""
    body = answered.json
    if not isinstance(body, dict):
        return answered
    after = _changed(body, change)
    return answered if after == body else answered.saying(after)


def _changed(value: Any, change: Callable[[list[Document]], list[Document]]) -> Any:
    if isinstance(value, list):
        return [_changed(each, change) for each in value]
    if isinstance(value, dict):
        after = {name: _changed(each, change) for name, each in value.items()}
        if isinstance(value.get("problems"), list):
            after["problems"] = change(value["problems"])
        return after
    return value


def without(answered: Answer, *hidden: str) -> Answer:
    """The answer as if these warnings were unknown: in problems and in counts."""
    after = problems_changed(answered, lambda all_: [each for each in all_ if each["code"] not in hidden])
    body = after.json
    if isinstance(body, dict) and isinstance(body.get("warnings"), dict):
        left = {code: count for code, count in body["warnings"].items() if code not in hidden}
        return after.saying({**body, "warnings": left}) if left != body["warnings"] else after
    return after


def silent_about(*hidden: str) -> Fault:
    """A gateway that does not know these warnings."""

    async def answer(seen: Seen, forward: Forward) -> Answer:
        return without(await forward(seen), *hidden)

    return answer


def refusing(*refused: str) -> Fault:
    """A gateway that refuses one offer with these warnings."""

    async def answer(seen: Seen, forward: Forward) -> Answer:
        if not seen.publishes:
            return await forward(seen)
        tried = await forward(seen.asking(dry_run="true").bearing(prefer=None))
        if tried.status != 200 or not codes(tried.json) & set(refused):
            return await forward(seen)
        problems = [
            {**each, "severity": "error" if each["code"] in refused else each["severity"]}
            for each in tried.json["problems"]
        ]
        return refusal(problems)

    return answer


def refusal(problems: list[Document], code: str = "submission-refused", status: int = 422, **more: Any) -> Answer:
    """A refusal in the form of a problem document."""
    document = {
        "type": f"urn:fr:stages:problem:{code}",
        "title": "Contenu refusé",
        "status": status,
        "code": code,
        "problems": sorted(problems, key=lambda each: str(each.get("severity"))),
        **more,
    }
    answered = json_answer(status, document)
    return replace(answered, headers={"Content-Type": "application/problem+json", "Content-Language": "fr"})


def problem(code: str, requirement: str, pointer: str = "") -> Document:
    """A problem with texts that say little."""
    return {
        "code": code,
        "requirement": requirement,
        "severity": "error",
        "pointer": pointer,
        "message": "Refusé.",
        "fix": "Corrigez.",
    }


def codes(body: Any) -> set[str]:
    """The codes of the problems of an answer about one document."""
    return {str(each["code"]) for each in (body or {}).get("problems", ())} if isinstance(body, dict) else set()


def put(document: Document, pointer: str, new: Any) -> None:
    """Set the value at this pointer, where its parent is."""
    *path, name = pointer.split("/")[1:]
    parent = value_at(document, "".join(f"/{each}" for each in path)) if path else document
    if isinstance(parent, dict):
        parent[name] = new


def texts_changed(offer: Document, change: Callable[[str], str], *pointers: str) -> None:
    """Change the texts at these pointers, or all."""
    for pointer in pointers or TEXTS:
        if isinstance(text := value_at(offer, pointer), str):
            put(offer, pointer, change(text))


def exported(answered: Answer) -> Answer:
    """The export without compression."""
    if answered.headers.get("Content-Encoding") != "gzip":
        return answered
    headers = {name: text for name, text in answered.headers.items() if name != "Content-Encoding"}
    return Answer(answered.status, headers, unpacked(answered.body) or b"")


def rows_changed(answered: Answer, change: Callable[[list[dict[str, str]]], list[dict[str, str]]]) -> Answer:
    """The export as CSV with its rows changed."""
    plain = exported(answered)
    rows = list(csv.DictReader(io.StringIO(plain.body.decode("utf-8-sig"), newline=""), delimiter=";"))
    names = plain.body.decode("utf-8-sig").partition("\r\n")[0]
    out = io.StringIO()
    writer = csv.DictWriter(out, names.replace('"', "").split(";"), delimiter=";", quoting=csv.QUOTE_ALL)
    writer.writerows(change(rows))
    return replace(plain, body=f"\ufeff{names}\r\n{out.getvalue()}".encode())


def postings_changed(answered: Answer, change: Callable[[list[Document]], list[Document]]) -> Answer:
    """The export as JSON-LD with its postings changed."""
    plain = exported(answered)
    return plain.saying({**plain.json, "@graph": change(plain.json["@graph"])})


def items_changed(answered: Answer, change: Callable[[list[str]], list[str]]) -> Answer:
    """The export as RSS with its items changed."""
    plain = exported(answered)
    text = plain.body.decode()
    items = re.findall(r"<item>.*?</item>\n?", text, re.DOTALL)
    head = text.partition("<item>")[0] if items else text.partition("</channel>")[0]
    return replace(plain, body=(head + "".join(change(items)) + "</channel>\n</rss>\n").encode())
