"""The possible duplicates of an offer: other offers with one of its duplicate keys, if a reader may see them."""

from collections.abc import Mapping, Sequence

from gateway.protocol.visibility import Reader
from gateway.store.offer_queries import Head, OfferQueries
from gateway.store.search import duplicate_index
from gateway.store.search.duplicate_index import keys_for

_EXAMINED = 20
_LISTED = 10


def possible_duplicates(queries: OfferQueries, offer_ids: Sequence[str], *, reader: Reader) -> Mapping[str, list[str]]:
    """By offer, the ids of its possible duplicates that the reader may see; offers without any are left out."""
    asked = {one.id: (one.number, keys_for(*one.keys)) for one in queries.heads(offer_ids)}
    numbers = _numbers(queries, {key for _, keys in asked.values() for key in keys})
    others = {other for number, keys in asked.values() for key in keys for other in numbers[key] if other != number}
    heads = {one.number: one for one in queries.heads_numbered(sorted(others))} if others else {}
    duplicates: dict[str, list[str]] = {}
    for offer_id, (number, keys) in asked.items():
        found: dict[int, Head] = {}
        for key in keys:
            alike = [one for n in numbers[key] if n != number and (one := heads.get(n)) and key in one.found_by]
            found.update((one.number, one) for one in alike[:_EXAMINED])
        ids = sorted(one.id for one in found.values() if one.is_visible_to(reader))
        if ids:
            duplicates[offer_id] = ids[:_LISTED]
    return duplicates


def _numbers(queries: OfferQueries, keys: set[int]) -> Mapping[int, list[int]]:
    """By key the numbers of offers that may have it, in order. One more than is examined, and some may no longer
    have it.
    """
    found = duplicate_index.find(queries.db, keys, _EXAMINED + 1)
    pending = queries.search_index.pending
    numbers = {}
    for key in keys:
        written, more = found.get(key, []), pending.get(key)
        numbers[key] = sorted({*written, *tuple(more)}) if more else written
    return numbers
