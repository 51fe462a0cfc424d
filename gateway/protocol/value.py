"""Values: dataclasses that the type checker alone holds frozen.

Python makes a truly frozen one field by field through ``object.__setattr__``, at four times the price, and a dozen of
them are made for every offer. So ``value`` is ``dataclass`` to the type checker, which lets nobody change one; at run
time nothing stands in the way. For values made once per offer or more often; all others are truly frozen.
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
    """A value of a dataclass from the members of a record. Members that a later version has added are passed over, so
    that older processes go on while a deployment is under way. Raises TypeError where one is missing.
    """
    names: Callable[[Any], frozenset[str]] = _names
    known = names(kind)
    if body.keys() <= known:
        return kind(**body)
    return kind(**{name: member for name, member in body.items() if name in known})


@cache
def _names(kind: type) -> frozenset[str]:
    return frozenset(one.name for one in fields(kind))
