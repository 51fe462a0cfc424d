"""The settings that a platform wants for a subscription: as values, or read from the texts of a form or a command."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.protocol.criteria import read_criteria
from gateway.protocol.identity import is_slug
from gateway.protocol.subscription import MAX_BYTES, MAX_RATE, MIN_BYTES, PREFERRED_BYTES
from gateway.push.post import endpoint_fault
from schemas.bilingual import Bilingual

_NUMBERS: Mapping[str, tuple[int, int]] = {"max_batch": (MIN_BYTES, MAX_BYTES), "rate": (1, MAX_RATE)}
_NO_NAME = Bilingual("it is 1 to 40 characters a-z, 0-9 and -", "il est fait de 1 à 40 caractères a-z, 0-9 et -")
NO_READER = Bilingual("it may not read offers", "elle n’a pas le droit de lire les offres")
TAKEN = Bilingual("there is one of this name already", "il y en a déjà un de ce nom")


class WishFinding(str):
    """A fault of one setting, as a sentence. ``text`` says it where its field is seen."""

    __slots__ = ("field", "text")
    field: str
    text: Bilingual

    def __new__(cls, field: str, text: Bilingual) -> "WishFinding":
        """A finding on this field."""
        found = super().__new__(cls, f"{field}: {text}.")
        found.field, found.text = field, text
        return found

    @property
    def named(self) -> Bilingual:
        """The finding with its field."""
        return Bilingual(f"{self.field}: {self.text}", f"{self.field} : {self.text.fr}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionWish:
    """The settings that a platform wants. ``criteria`` and ``own_territory`` are as in ``Subscription``; ``unread``:
    texts that are no settings.
    """

    url: str = field(repr=False)
    criteria: Mapping[str, Any] = field(default_factory=dict)
    own_territory: bool = True
    max_batch: int = PREFERRED_BYTES
    rate: int = MAX_RATE
    unread: tuple[WishFinding, ...] = ()

    def findings(self, name: str, *, loopback: bool) -> Sequence[WishFinding]:
        """Its faults, for a subscription of this name."""
        faults = {
            "name": None if is_slug(name) else _NO_NAME,
            "url": endpoint_fault(self.url, loopback=loopback),
            **{one: _number_fault(one, getattr(self, one)) for one in _NUMBERS},
        }
        return [*(WishFinding(one, fault) for one, fault in faults.items() if fault is not None), *self.unread]


def read_wish(
    filters: Mapping[str, Sequence[str]],
    *,
    url: str,
    max_batch: int = PREFERRED_BYTES,
    rate: int = MAX_RATE,
    waiting: Container[str] = (),
) -> SubscriptionWish:
    """The wish of filters by name, as texts of the feed's parameters. ``waiting``: the marks of what has not begun."""
    criteria, wrong = read_criteria(filters, waiting)
    return SubscriptionWish(
        url=url.strip(),
        criteria=criteria.to_json(),
        own_territory=not (criteria.region or criteria.department or filters.get("territory")),
        max_batch=max_batch,
        rate=rate,
        unread=tuple(WishFinding(name, _expected(text)) for name, text in wrong.items()),
    )


def _expected(text: str) -> Bilingual:
    return Bilingual(f"expected {text}", f"attendu : {text.fr if isinstance(text, Bilingual) else text}")


def _number_fault(name: str, number: int) -> Bilingual | None:
    least, most = _NUMBERS[name]
    return None if least <= number <= most else Bilingual(f"it is {least} to {most}", f"de {least} à {most}")
