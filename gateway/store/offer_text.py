"""Offers by words in title, town or id, compared without accents and capitals.

There is no index of texts: each of a platform's live offers is compared. Its title and town are cut from its JSON,
which takes a third of the time of parsing it; only offers that have the text are parsed.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import islice

from gateway.protocol.record import OfferState, read_offer
from gateway.protocol.visibility import Filter, Reader
from gateway.store.log_offset import offset_at, partition_at
from gateway.store.offer_queries import OfferQueries
from gateway.store.search.search import search_for

_AT_ONCE = 500
_TITLE, _TOWN = b'"title":"', b'"city":"'
"""No string of JSON holds these with unescaped quotes; extensions may hold members of these names."""
_EXTENSIONS = b'"extensions":'
_MARKS = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
"""Combining marks."""
_WORD = re.compile(r"\w+")


def offers_with_text(
    queries: OfferQueries, platform: str, text: str, *, after: str | None, limit: int, most: int
) -> tuple[list[OfferState], int, str | None]:
    """The answer of ``OfferView.with_text``."""
    wanted = words_of(text)
    search = search_for(Filter(platform=frozenset({platform})), reader=Reader(platform), own=True)
    found: list[OfferState] = []
    examined, last = 0, -1 if after is None else int(after)
    for partition in range(max(0, partition_at(last)), len(queries.positions)):
        start = offset_at(last) + 1 if last >= 0 and partition_at(last) == partition else 0
        log_offsets = queries.log_offsets(search, partition=partition, start=start)
        while slice_ := list(islice(log_offsets, min(_AT_ONCE, most - examined))):
            rows = queries.rows_at(slice_)
            for (log_offset, key, value), compared in zip(rows, _texts(rows), strict=True):
                if len(found) == limit:
                    return found, examined, str(last)
                last, examined = log_offset, examined + 1
                if all(word in compared for word in wanted):
                    found.append(read_offer(key, value))
        if examined == most:
            return found, examined, str(last)
    return found, examined, None


def words_of(text: str) -> list[str]:
    """The words of a searched text, folded: *Saint Brieuc* and *Saint-Brieuc* have the same."""
    return _WORD.findall(folded(text))


def folded(text: str) -> str:
    """The text without accents and capitals."""
    if text.isascii():
        return text.casefold()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text)).casefold().replace("œ", "oe")


def _texts(rows: Sequence[tuple[int, bytes, bytes]]) -> list[str]:
    """Id, title and town of each row, folded; all at once, which takes a third of the time of one by one."""
    return folded(b"\n".join([_text(key, value) for _, key, value in rows]).decode()).split("\n")


def _text(key: bytes, value: bytes) -> bytes:
    """Id, title and town in one line."""
    text = b"%b %b %b" % (key, _cut(value, _TITLE), _cut(value, _TOWN))
    if b"\\" not in text and _EXTENSIONS not in value:
        return text
    offer = read_offer(key, value).offer or {}
    parsed = (key.decode(), offer.get("title", ""), offer.get("location", {}).get("city", ""))
    return " ".join(" ".join(parsed).split()).encode()


def _cut(value: bytes, name: bytes) -> bytes:
    """The text after a name, up to the next quote; with a backslash at its end if that quote is escaped."""
    begin = value.find(name)
    if begin < 0:
        return b""
    begin += len(name)
    return value[begin : value.find(b'"', begin)]
