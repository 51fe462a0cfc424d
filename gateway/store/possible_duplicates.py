"""The possible duplicates of an offer: other offers with one of its duplicate keys, if a reader may see them."""

from collections.abc import Mapping, Sequence

from gateway.protocol.visibility import Reader
from gateway.store.offer_queries import Head, OfferQueries
from gateway.store.search import duplicate_index
from gateway.store.search.duplicate_index import keys_for

_EXAMINED = 20
_LISTED = 10
_ROWS_AT_ONCE = 64


def possible_duplicates(queries: OfferQueries, offer_ids: Sequence[str], *, reader: Reader) -> Mapping[str, list[str]]:
    """By offer, the ids of its possible duplicates that the reader may see; offers without any are left out."""
    heads = {one.id: (one.number, keys_for(*one.keys)) for one in queries.heads(offer_ids)}
    alike = _alike(queries, _numbers(queries, {key for _, keys in heads.values() for key in keys}))
    duplicates: dict[str, list[str]] = {}
    for offer_id, (number, keys) in heads.items():
        found: dict[int, Head] = {}
        for key in keys:
            others = [one for one in alike[key] if one.number != number]
            found.update((one.number, one) for one in others[:_EXAMINED])
        ids = sorted(one.id for one in found.values() if one.is_visible_to(reader))
        if ids:
            duplicates[offer_id] = ids[:_LISTED]
    return duplicates


def _alike(queries: OfferQueries, numbers: Mapping[int, list[int]]) -> Mapping[int, list[Head]]:
    """By key the first offers that have it, in the order of their numbers: one more than is examined, as far as there
    are. Rows are read in steps, since a large employer's offers all have its key.
    """
    alike: dict[int, list[Head]] = {key: [] for key in numbers}
    heads: dict[int, tuple[Head, list[int]]] = {}
    at, open_keys = 0, list(numbers)
    while open_keys:
        step = {key: numbers[key][at : at + _ROWS_AT_ONCE] for key in open_keys}
        unread = {number for some in step.values() for number in some} - heads.keys()
        read = queries.heads_numbered(sorted(unread)) if unread else []
        heads.update((one.number, (one, one.found_by)) for one in read)
        for key, some in step.items():
            alike[key] += [found[0] for number in some if (found := heads.get(number)) and key in found[1]]
        at += _ROWS_AT_ONCE
        open_keys = [key for key in open_keys if len(alike[key]) <= _EXAMINED and at < len(numbers[key])]
    return alike


def _numbers(queries: OfferQueries, keys: set[int]) -> Mapping[int, list[int]]:
    """By key the numbers of offers that may have it, in order. Some may no longer have it."""
    found = duplicate_index.find(queries.db, keys, _EXAMINED + 1)
    pending = queries.search_index.pending
    numbers = {}
    for key in keys:
        written, more = found.get(key, []), pending.get(key)
        numbers[key] = sorted({*written, *tuple(more)}) if more else written
    return numbers
