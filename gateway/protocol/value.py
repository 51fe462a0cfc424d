"""Values: dataclasses that the type checker alone holds frozen.

Python makes a truly frozen one field by field through ``object.__setattr__``, at four times the price, and a dozen of
them are made for every offer. So ``value`` is ``dataclass`` to the type checker, which lets nobody change one; at run
time nothing stands in the way. For values made once per offer or more often; all others are truly frozen.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

__all__ = ["value"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type], type]:
        """As ``dataclass(frozen=True, …)``: compared and hashed by its fields."""
        return dataclass(slots=slots, kw_only=kw_only, unsafe_hash=frozen)
