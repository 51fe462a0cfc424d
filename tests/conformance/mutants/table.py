"""The wrong gateways and sites that a table can name, read and run: ``tables/*.toml``.

A row is [what must catch it, its name, what is wrong with it, …]; the rest depends on the array that it is in:

- ``reading``: steps (``edits``) that change each document before it is judged; texts name the ways in.
- ``decoding``: pairs of an expression and what takes its place in the bytes of each document; texts name the ways in.
- ``rendering``: steps that change each offer of an answer, as the entry that holds it; texts name the ways out.
- ``silent``, ``strict``: codes of warnings that it does not know, or takes for errors.
- ``judging``: when (``when``), then steps that change each list of problems in the answer.
- ``acting``: when, then what it does: other requests (``ask`` and ``unask`` of the query, ``bear`` and ``unbear`` of
  headers, ``known`` parameters alone, ``send`` in place of an expression in the body, ``empty``), made in place of the
  request or, where the signs are of an answer, after it (``also``: the first answer stays); an answer of its own
  (``refusal`` or ``problem`` with ``more``, or ``json``); or the answer with another ``status``, ``headers``, ``bare``
  of some or of all (``fresh``), ``text`` changed, members that it will ``keep`` or ``lose``, and steps that change its
  body. ``sent`` is searched in the request's body and ``found`` in the answer's; ``wants`` holds expressions of the
  request's document by pointer; ``after`` and ``unless`` name earlier requests at the address.
- ``warning``: code and requirement of a warning that it gives too, and expressions of the document by pointer.
"""

import copy
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from tests.conformance.mutants.edits import Step, apply_steps, checked, listed, meets
from tests.conformance.mutants.proxy import MUTANTS, Answer, Fault, Forward, Mutant, Seen, json_answer
from tests.conformance.mutants.views import problem
from tests.conformance.mutants.ways import (
    OTHER_FORM,
    decoded_as,
    problems_changed,
    read_as,
    refusal,
    refusing,
    rendered_as,
    silent_about,
)
from tests.conformance.mutants.when import answered_so, asked, minds_answers

TABLES = Path(__file__).parent / "tables"
_REQUEST = {"ask", "unask", "known", "bear", "unbear", "send", "empty"}
_OWN = {"refusal", "problem", "json"}
_SIGNS = {"sent", "found", "wants", "after", "unless"}
_ACTS = {*_REQUEST, *_OWN, *_SIGNS, "also", "more", "status", "headers", "bare", "fresh", "text", "keep", "lose"}


def register(table: str, known: dict[str, Mutant] = MUTANTS, **kinds: Callable[..., Fault]) -> None:
    """Register the systems of a table; ``kinds``, those of one table alone, make a fault of what is left of a row."""
    for kind, found in tomllib.loads((TABLES / f"{table}.toml").read_text(encoding="utf-8")).items():
        for names, name, fault, *rest in found:
            if name in known:
                raise ValueError(f"two wrong systems with one name: {name}")
            known[name] = Mutant(name, fault, names, {**_KINDS, **kinds}[kind](*rest))


def register_all(modules: Iterable[str]) -> None:
    """Register the tables of which no module takes care."""
    for table in sorted({path.stem for path in TABLES.glob("*.toml")} - {*modules}):
        register(table)


def _ways(rest: Iterable[Any]) -> Iterator[str]:
    return (each for each in rest if isinstance(each, str))


def _steps(rest: Iterable[Any]) -> list[Step]:
    return [checked(each) for each in rest if isinstance(each, dict)]


def _read(*rest: Any) -> Fault:
    steps = _steps(rest)
    return read_as(lambda offer: apply_steps(offer, steps), *_ways(rest))


def _render(*rest: Any) -> Fault:
    steps = _steps(rest)
    return rendered_as(lambda entry: apply_steps(entry, steps), *_ways(rest))


def _decode(*rest: Any) -> Fault:
    pairs = [each for each in rest if isinstance(each, list)]

    def rewrite(raw: bytes) -> bytes:
        for old, new in pairs:
            raw = re.sub(old.encode(), new.encode(), raw)
        return raw

    return decoded_as(rewrite, *_ways(rest))


def _judge(when: str, *rest: Step) -> Fault:
    steps = _steps(rest)

    def change(seen: Seen, known: list[Any]) -> list[Any]:
        for step in steps:
            known = listed(known, step) if meets(seen.json, step.get("wants", {})) else known
        return known

    async def answer(seen: Seen, forward: Forward) -> Answer:
        answered = await forward(seen)
        so = asked(when, seen) and answered_so(when, seen, answered)
        return problems_changed(answered, lambda known: change(seen, copy.deepcopy(known))) if so else answered

    return answer


def _act(when: str, does: Mapping[str, Any] = {}, *steps: Step) -> Fault:
    if unknown := does.keys() - _ACTS:
        raise ValueError(f"no words of an act: {sorted(unknown)}")
    late = minds_answers(when) or "found" in does
    after = _steps(steps)

    async def answer(seen: Seen, forward: Forward) -> Answer:
        so = _wants(when, does, seen)
        if so and not late and _OWN & does.keys():
            answered = _own(does)
        elif so and not late and _REQUEST & does.keys():
            answered = await forward(_other(does, seen))
        else:
            answered = await forward(seen)
            if so and answered_so(when, seen, answered) and re.search(does.get("found", "").encode(), answered.body):
                answered = await _changed(does, after, seen, forward, answered)
        _note(does, seen, answered)
        return answered

    return answer


def _wants(when: str, does: Mapping[str, Any], seen: Seen) -> bool:
    known = seen.memory.get("noted", {})
    return (
        asked(when, seen)
        and re.search(does.get("sent", "").encode(), seen.body) is not None
        and ("wants" not in does or meets(seen.json, does["wants"]))
        and all((seen.path in known.get(does[name], ())) is there for name, there in _EARLIER.items() if name in does)
    )


_EARLIER = {"after": True, "unless": False}


def _note(does: Mapping[str, Any], seen: Seen, answered: Answer) -> None:
    for when in (does[name] for name in _EARLIER if name in does):
        if asked(when, seen) and answered_so(when, seen, answered):
            seen.memory.setdefault("noted", {}).setdefault(when, set()).add(seen.path)


def _own(does: Mapping[str, Any]) -> Answer:
    if "json" in does:
        return json_answer(does["json"][0], orjson.loads(does["json"][1]))
    status, code = (does.get("refusal") or does["problem"]).split()
    more = orjson.loads(does.get("more", "{}"))
    made = refusal([], code, int(status), **more) if "refusal" in does else problem(int(status), code, **more)
    return replace(made, headers={**made.headers, **does.get("headers", {})})


def _other(does: Mapping[str, Any], seen: Seen) -> Seen:
    unknown = [name for name in seen.query if name not in does["known"].split()] if "known" in does else []
    query = {**does.get("ask", {}), **dict.fromkeys([*does.get("unask", "").split(), *unknown])}
    headers = {**does.get("bear", {}), **dict.fromkeys(does.get("unbear", "").split())}
    other = seen.asking(**query) if query else seen
    other = other.bearing(**headers) if headers else other
    body = re.sub(does["send"][0].encode(), does["send"][1].encode(), seen.body) if "send" in does else other.body
    return replace(other, body=b"" if does.get("empty") else body)


async def _changed(
    does: Mapping[str, Any], steps: Iterable[Step], seen: Seen, forward: Forward, answered: Answer
) -> Answer:
    if _REQUEST & does.keys():
        other = await forward(_other(does, seen))
        return answered if does.get("also") else other
    if _OWN & does.keys():
        return _own(does)
    bare = "" if does.get("fresh") else does.get("bare", "$^")
    kept = {name: each for name, each in answered.headers.items() if not re.match(f"(?i){bare}", name)}
    given = {"Content-Type": "application/json"} if does.get("fresh") else does.get("headers", {})
    other = replace(answered, status=does.get("status", answered.status), headers={**kept, **given})
    if "text" in does:
        return replace(other, body=re.sub(does["text"][0].encode(), does["text"][1].encode(), other.body))
    body = _rewritten(does, steps, other.json)
    return other if body == other.json else other.saying(body)


def _rewritten(does: Mapping[str, Any], steps: Iterable[Step], body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    with suppress(*OTHER_FORM):
        apply_steps(body, steps)
    lost = does.get("lose", "").split()
    kept = does["keep"].split() if "keep" in does else [name for name in body if name not in lost]
    return {name: each for name, each in body.items() if name in kept}


def _warn(code: str, requirement: str, wants: Mapping[str, str]) -> Fault:
    async def answer(seen: Seen, forward: Forward) -> Answer:
        answered = await forward(seen)
        body = answered.json
        sound = seen.publishes and isinstance(body, dict) and isinstance(seen.json, dict) and "problems" in body
        if not sound or answered.status >= 300 or not meets(seen.json, wants):
            return answered
        texts = {"pointer": "", "message": "?", "fix": "?"}
        warning = {"code": code, "requirement": requirement, "severity": "warning", **texts}
        return answered.saying({**body, "problems": [*body["problems"], warning]})

    return answer


_KINDS: Mapping[str, Callable[..., Fault]] = {
    "reading": _read,
    "decoding": _decode,
    "rendering": _render,
    "silent": silent_about,
    "strict": refusing,
    "judging": _judge,
    "acting": _act,
    "warning": _warn,
}
