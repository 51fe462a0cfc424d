"""Values: dataclasses that are frozen for the type checker only.

Python initialises a truly frozen one field by field through ``object.__setattr__``, at four times the cost, and each
offer takes a dozen of them. So ``value`` is ``dataclass`` to the type checker, which rejects any change; at run time
nothing prevents it. For values made once per offer or more often; all others are truly frozen.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["from_members", "value"]

_Value = TypeVar("_Value")

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """As ``dataclass(frozen=True, …)``: compared and hashed by its fields."""
        return dataclass(slots=slots, kw_only=kw_only, unsafe_hash=frozen)


def from_members(kind: type[_Value], body: Mapping[str, Any]) -> _Value:
    """A value of a dataclass from the members of a record. Members that a later version has added are ignored, so
    that older processes continue during a deployment. Raises TypeError where one is missing.
    """
    names: Callable[[Any], frozenset[str]] = _names
    known = names(kind)
    if body.keys() <= known:
        return kind(**body)
    return kind(**{name: member for name, member in body.items() if name in known})


@cache
def _names(kind: type) -> frozenset[str]:
    return frozenset(one.name for one in fields(kind))
