"""Damage: valid documents with random changes, drawn by hypothesis."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

TRAPS = st.sampled_from(
    ["", "\n", " ", "\u00a0", "\x00", "\x7f", "\x85", "\u2028", "\u202e", "\ufeff", "\u0660", "\uff10", "é",
     "e\u0301", "😀", "<b>", "&amp;", ":60", "Z", "99999", ":0/", "@", "%", "\\", "İ", "ſ", "K",
     "-", ".", "~", "/", "0", "10"]
)  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.integers(min_value=0, max_value=3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1.0, 2.0, -0.0, 1e16, 2**53 - 1, 2**53, 2**63, 2**64 - 1, 6000, 6001, 90, 90.0000001])
    | st.text(max_size=12)
    | TRAPS
    | st.sampled_from(["2027-W24", "2027-06-27", "2016-12-31T23:59:60Z", "0000-01-01", "seconde", "s1", "https://a.fr"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path within a JSON value, except its own."""
    inner = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    return [found for step, item in inner for found in [(*path, step), *paths(item, (*path, step))]]


@st.composite
def damaged(draw: st.DrawFn, sound: dict[str, Any], *, times: int = 3) -> dict[str, Any]:
    """A valid document with up to three changes: values replaced, texts extended, fields removed or added."""
    document = deepcopy(sound)
    for _ in range(draw(st.integers(1, times))):
        path = draw(st.sampled_from(paths(document)))
        parent = document
        for step in path[:-1]:
            parent = parent[step]
        value = parent[path[-1]]
        match draw(st.sampled_from(["replace", "extend", "splice", "remove", "add", "double"])):
            case "replace":
                parent[path[-1]] = draw(VALUES)
            case "extend" if isinstance(value, str):
                parent[path[-1]] = draw(st.sampled_from(["{0}{1}", "{1}{0}"])).format(value, draw(TRAPS))
            case "splice" if isinstance(value, str) and value:
                cut = draw(st.integers(0, len(value)))
                parent[path[-1]] = value[:cut] + draw(TRAPS) + value[cut + draw(st.integers(0, 1)) :]
            case "remove":
                del parent[path[-1]]
            case "add" if isinstance(value, dict):
                value[draw(st.text(max_size=8) | st.sampled_from(sorted(sound)))] = draw(VALUES)
            case "double" if isinstance(value, list):
                value.extend(deepcopy(value))
        if not paths(document):
            break
    return document
