"""A small value for which some schemas hold and others do not; proof that there is none, if none is found.

A text is the shortest one. The search is exhaustive for the keywords of ``subset``.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import orjson

from schemas.evolution.automaton import Automaton, automaton, of_words
from schemas.evolution.interval import nearest
from schemas.evolution.language import accepts, shortest
from schemas.evolution.literal import BESIDE, KINDS, Leaf, Literal, branches, key_of
from schemas.evolution.subset import format_pattern

NOTHING: Final = object()
"""In place of a value: there is none."""


class UndecidedError(ValueError):
    """The search cannot say whether there is a value. The message says why."""


def solve(*literals: Literal) -> Any:
    """A small value for which the literals hold; NOTHING if there is none. Raises UndecidedError."""
    return _solve(orjson.dumps([(one.schema, one.holds) for one in literals]))


@lru_cache(maxsize=20_000)
def _solve(written: bytes) -> Any:
    literals = tuple(Literal(schema, holds) for schema, holds in orjson.loads(written))
    best, size = NOTHING, 0
    for kind in KINDS:
        for leaves in branches(literals, kind):
            found = _SOLVERS[kind](leaves)
            if found is not NOTHING and (best is NOTHING or len(orjson.dumps(found)) < size):
                best, size = found, len(orjson.dumps(found))
    return best


def _values(leaves: Sequence[Leaf], keyword: str, *, holds: bool) -> list[Any]:
    return [leaf.value for leaf in leaves if leaf.keyword == keyword and leaf.holds is holds]


def _bounds(leaves: Sequence[Leaf], least: str, most: str) -> tuple[int, int | None]:
    lows = [0, *_values(leaves, least, holds=True), *(one + 1 for one in _values(leaves, most, holds=False))]
    highs = [*_values(leaves, most, holds=True), *(one - 1 for one in _values(leaves, least, holds=False))]
    return max(lows), min(highs) if highs else None


def _listed(leaves: Sequence[Leaf]) -> tuple[list[Any] | None, list[Any]]:
    """The values that every list has, None without a list, and those that are excluded."""
    kept, excluded = None, [one for values in _values(leaves, "enum", holds=False) for one in values]
    for values in _values(leaves, "enum", holds=True):
        keys = {key_of(one) for one in values}
        kept = [one for one in (values if kept is None else kept) if key_of(one) in keys]
    barred = {key_of(one) for one in excluded}
    return kept if kept is None else [one for one in kept if key_of(one) not in barred], excluded


def _solve_plain(*values: Any) -> Any:
    def solve_one(leaves: Sequence[Leaf]) -> Any:
        kept, excluded = _listed(leaves)
        return next((one for one in (values if kept is None else kept) if one not in excluded), NOTHING)

    return solve_one


def _solve_number(leaves: Sequence[Leaf]) -> Any:
    kept, excluded = _listed(leaves)
    low = max(((one, open_) for one, open_ in _ends(leaves, "minimum", "maximum")), default=None)
    high = min(((one, not open_) for one, open_ in _ends(leaves, "maximum", "minimum")), default=None)
    whole = {leaf.holds for leaf in leaves if leaf.keyword == "integer"}
    if len(whole) == 2:
        return NOTHING
    top = None if high is None else (high[0], not high[1])
    found = nearest(low, top, whole=next(iter(whole), None), kept=kept, excluded=excluded)
    return NOTHING if found is None else found


def _ends(leaves: Sequence[Leaf], here: str, opposite: str) -> list[tuple[float, bool]]:
    """The bounds on one side, each with whether it is itself outside."""
    return [
        *((one, False) for one in _values(leaves, here, holds=True)),
        *((one, True) for one in _values(leaves, opposite, holds=False)),
    ]


def _solve_string(leaves: Sequence[Leaf]) -> Any:
    low, high = _bounds(leaves, "minLength", "maxLength")
    good, bad = (_automata(leaves, holds=holds) for holds in (True, False))
    kept, excluded = _listed(leaves)
    if kept is not None:
        fitting = (
            one
            for one in kept
            if low <= len(one) <= (len(one) if high is None else high)
            and all(accepts(machine, one) for machine in good)
            and not any(accepts(machine, one) for machine in bad)
        )
        return min(fitting, key=len, default=NOTHING)
    if excluded:
        bad.append(of_words(tuple(excluded)))
    found = shortest(good, bad, low, high)
    return NOTHING if found is None else found


def _automata(leaves: Sequence[Leaf], *, holds: bool) -> list[Automaton]:
    patterns = dict.fromkeys(_values(leaves, "pattern", holds=holds))
    formats = dict.fromkeys(map(format_pattern, _values(leaves, "format", holds=holds)))
    return [automaton(one) for one in (*patterns, *formats)]


def _solve_array(leaves: Sequence[Leaf]) -> Any:
    low, high = _bounds(leaves, "minItems", "maxItems")
    unique = bool(_values(leaves, "uniqueItems", holds=True))
    repeated = bool(_values(leaves, "uniqueItems", holds=False))
    every = [Literal(one) for one in _values(leaves, "items", holds=True)]
    some = _values(leaves, "items", holds=False)
    if (unique and repeated) or (high is not None and (high < low or high < 2 * repeated)):
        return NOTHING
    if len(some) > 1:
        raise UndecidedError("two different items are demanded of one list")
    items = [solve(*every, Literal(one, holds=False)) for one in some]
    if repeated:
        items += items or [solve(*every)] * 2
    while len(items) < low:
        items.append(solve(*every, *([_other_than(items)] if unique else ())))
        if items[-1] is NOTHING:
            break
    fits = NOTHING not in items and (high is None or len(items) <= high)
    return items if fits else NOTHING


def _other_than(values: Sequence[Any]) -> Literal:
    if any(isinstance(one, list | dict) for one in values):
        raise UndecidedError("uniqueItems of objects or lists")
    return Literal({"enum": [*values]}, holds=False)


def _solve_object(leaves: Sequence[Leaf]) -> Any:
    best, size = NOTHING, 0
    for found in _objects(leaves):
        if best is NOTHING or len(orjson.dumps(found)) < size:
            best, size = found, len(orjson.dumps(found))
    return best


def _objects(leaves: Sequence[Leaf]) -> Iterator[dict[str, Any]]:
    """Objects with as few members as the leaves allow: one for each choice of the members that must exist."""
    low, high = _bounds(leaves, "minProperties", "maxProperties")
    present = {*_values(leaves, "required", holds=True)}
    absent = {*_values(leaves, "required", holds=False)}
    failing = _values(leaves, "properties", holds=False)
    present |= {name for name, _ in failing}
    demands = [(name, Literal(one, holds=False)) for name, one in failing]
    known = sorted({name for name, _ in _values(leaves, "properties", holds=True)} | present | absent)
    strange = [
        *((names, Literal(one, holds=False)) for names, one in _values(leaves, BESIDE, holds=False)),
        *((None, Literal(one, holds=False)) for one in _values(leaves, "propertyNames", holds=False)),
    ]
    if present & absent or (high is not None and len(present) > high):
        return
    for chosen in _choices(strange, known, leaves):
        names = present | {name for name, _ in chosen}
        if names & absent:
            continue
        extra = [*demands, *((name, literal) for name, literal in chosen if literal is not None)]
        document = {name: _member(name, leaves, extra) for name in sorted(names)}
        if NOTHING in document.values():
            continue
        _fill(document, low, [name for name in known if name not in absent], leaves, known)
        if low <= len(document) and (high is None or len(document) <= high):
            yield document


def _choices(
    strange: Sequence[tuple[Sequence[str] | None, Literal]], known: Sequence[str], leaves: Sequence[Leaf]
) -> Iterator[list[tuple[str, Literal | None]]]:
    """Names for the members of which only is known that they exist: a name that is known, or one that is not."""
    if not strange:
        yield []
        return
    (names, literal), *rest = strange
    for name in (*known, None):
        if names is not None and name in names:
            continue
        if names is None:
            found = _fresh(leaves, known, literal) if name is None else name
            if found is NOTHING or (name is not None and solve(literal, Literal({"const": name})) is NOTHING):
                continue
            pair: tuple[str, Literal | None] = (found, None)
        else:
            found = _fresh(leaves, (*known, *names)) if name is None else name
            if found is NOTHING:
                continue
            pair = (found, literal)
        for others in _choices(rest, known if name is not None else (*known, found), leaves):
            yield [pair, *others]


def _fresh(leaves: Sequence[Leaf], taken: Sequence[str], *literals: Literal) -> Any:
    """A name that is not taken and may be there; NOTHING if there is none."""
    allowed = [Literal(one) for one in _values(leaves, "propertyNames", holds=True)]
    return solve(Literal({"type": "string"}), *allowed, *literals, Literal({"enum": [*taken]}, holds=False))


def _member(name: str, leaves: Sequence[Leaf], extra: Sequence[tuple[str, Literal]]) -> Any:
    """A value for a member; NOTHING if there is none, or the name is not allowed."""
    named = [Literal(one) for one in _values(leaves, "propertyNames", holds=True)]
    if named and solve(*named, Literal({"const": name})) is NOTHING:
        return NOTHING
    return solve(
        *(Literal(one) for known, one in _values(leaves, "properties", holds=True) if known == name),
        *(Literal(one) for names, one in _values(leaves, BESIDE, holds=True) if name not in names),
        *(literal for wanted, literal in extra if wanted == name),
    )


def _fill(
    document: dict[str, Any], low: int, free: Sequence[str], leaves: Sequence[Leaf], known: Sequence[str]
) -> None:
    """Add members until there are enough, if there can be. Which of them are there does not matter to the leaves."""
    for name in free:
        if len(document) < low and name not in document and (value := _member(name, leaves, ())) is not NOTHING:
            document[name] = value
    while len(document) < low and (name := _fresh(leaves, (*known, *document))) is not NOTHING:
        if (value := _member(name, leaves, ())) is NOTHING:
            return
        document[name] = value


_SOLVERS = {
    "null": _solve_plain(None),
    "boolean": _solve_plain(False, True),
    "number": _solve_number,
    "string": _solve_string,
    "array": _solve_array,
    "object": _solve_object,
}
