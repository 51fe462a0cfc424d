"""Wrong gateways: batches, what they may hold and what becomes of a part (PUB-010 to PUB-015)."""

import gzip
import zlib
from contextlib import suppress
from dataclasses import replace

import orjson

from tests.conformance.mutants.proxy import Answer, Forward, Seen, json_answer, wrong
from tests.conformance.mutants.table import register
from tests.conformance.mutants.uploads import answers_items, lines_of
from tests.conformance.mutants.ways import refusal, unpacked, waits, way_in
from tests.conformance.mutants.when import Changed, on_request

register("batches")


@wrong("PUB-010", "answers 202 to a batch and loses its last item")
async def loses_the_last_item(seen: Seen, forward: Forward) -> Answer:
    lines = lines_of(seen)
    if way_in(seen) != "batch" or waits(seen) or len(lines) < 2 or seen.query or seen.body[:1] in {b"[", b"\x1f"}:
        return await forward(seen)
    answered = await forward(replace(seen, body=b"\n".join([*lines[:-1], b""])))
    if answered.status != 202:
        return await forward(seen)
    body = answered.json
    last = {**body["results"][-1], "index": len(lines) - 1, "id": (orjson.loads(lines[-1]) or {}).get("id")}
    return answered.saying(
        {
            **body,
            "items": len(lines),
            "queued": len(lines),
            "results": [*body["results"], last],
            "statuses": "q" * len(lines),
        }
    )


@wrong("PUB-011", "says 207, and loses the good lines of a partial batch")
async def loses_parts(seen: Seen, forward: Forward) -> Answer:
    if way_in(seen) != "batch" or seen.query.get("partial") != "true" or waits(seen):
        return await forward(seen)
    tried = await forward(seen.asking(dry_run="true"))
    if not answers_items(seen, tried) or b'"valid"' not in tried.body or tried.json["refused"] == 0:
        return await forward(seen)
    results = [
        {**each, "status": {"valid": "queued"}.get(each["status"], each["status"])} for each in tried.json["results"]
    ]
    body = {
        "items": tried.json["items"],
        "refused": tried.json["refused"],
        "queued": tried.json["items"] - tried.json["refused"],
        "results": results,
        "statuses": tried.json["statuses"].replace("v", "q"),
        "rules": tried.json["rules"],
        "warnings": tried.json["warnings"],
        "batch": f"b{'A' * 16}",
        "receipts": f"/v1/receipts?batch=b{'A' * 16}",
    }
    return json_answer(207, body)


def _accepted_empty() -> Answer:
    return json_answer(
        202, {"items": 0, "refused": 0, "queued": 0, "results": [], "statuses": "", "rules": {}, "warnings": {}}
    )


@on_request("PUB-012", "accepts compressed nothing", "batch gzip")
def accepts_compressed_nothing(seen: Seen) -> Changed:
    return _accepted_empty() if unpacked(seen.body) == b"" else None


@on_request("PUB-014", "takes no compressed array", "batch #Content-Encoding=gzip")
def takes_no_compressed_array(seen: Seen) -> Changed:
    array = (unpacked(seen.body) or b"").lstrip()[:1] == b"["
    return refusal([], "body-malformed", 400) if array else None


@on_request("PUB-014", "judges the elements of an array as it writes them, not as they were sent", "batch array json")
def rewrites_arrays(seen: Seen) -> Changed:
    return seen.carrying(seen.json)


def _whole_lines(seen: Seen) -> Seen:
    """The request up to its last line that is JSON."""
    lines = lines_of(seen)
    whole = []
    for line in lines:
        try:
            orjson.loads(line)
        except orjson.JSONDecodeError:
            break
        whole.append(line)
    if not whole or len(whole) == len(lines) or seen.body[:1] in {b"[", b"\x1f"}:
        return seen
    return replace(seen, body=b"\n".join([*whole, b""]))


@wrong("PUB-015", "queues the lines before one that is cut")
async def queues_lines_before_the_cut(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way_in(seen) == "batch" and answered.status in {400, 422} and _whole_lines(seen) is not seen:
        await forward(_whole_lines(seen).asking(dry_run=None).bearing(prefer="wait=5"))
    return answered


@wrong("PUB-015", "queues the elements of an array that is cut")
async def queues_cut_arrays(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way_in(seen) == "batch" and seen.body.lstrip()[:1] == b"[" and seen.json is None:
        with suppress(ValueError, UnicodeDecodeError):
            text = seen.body.decode()
            end = text.rindex('"}')
            for close in ("}]", "}}]", "]"):
                with suppress(orjson.JSONDecodeError):
                    whole = orjson.loads(text[: end + 1] + close)
                    await forward(seen.carrying(whole).bearing(prefer="wait=5"))
                    break
    return answered


@wrong("PUB-015", "queues what is readable of a compressed batch that is cut, and says that it is cut")
async def queues_cut_gzip(seen: Seen, forward: Forward) -> Answer:
    answered = await forward(seen)
    if way_in(seen) == "batch" and answered.status >= 400 and seen.body[:2] == b"\x1f\x8b":
        inflating = zlib.decompressobj(31)
        with suppress(zlib.error):
            plain = inflating.decompress(seen.body, 1_000_000)
            lines = [line for line in plain.split(b"\n")[:-1] if line.strip()]
            if not inflating.eof and lines and len(plain) < 1_000_000:
                again = replace(seen, body=b"\n".join([*lines, b""]))
                await forward(again.bearing(content_encoding=None, prefer="wait=5"))
    return answered


@on_request("PUB-014", "reads a compressed batch of one member, and passes over the next ones", "batch gzip")
def reads_one_member(seen: Seen) -> Changed:
    inflating = zlib.decompressobj(31)
    with suppress(zlib.error):
        plain = inflating.decompress(seen.body, 10_000_000)
        return replace(seen, body=gzip.compress(plain)) if inflating.eof and inflating.unused_data else None
    return None
