"""The corpus of hard texts: what must be taken out, and innocent numbers and signs that must stay (OFR-034).

``personal_corpus.ndjson`` has one text a line, with its pattern and, where something must go, the redacted text. The
numbers are of the ranges that ARCEP keeps for fiction, or otherwise in nobody's use; the domains are for examples.
"""

from collections import Counter
from pathlib import Path

import orjson

from schemas.personal import redact

CORPUS = [orjson.loads(line) for line in Path(__file__).with_name("personal_corpus.ndjson").read_bytes().splitlines()]


def test_the_corpus_is_large_and_varied() -> None:
    """At least 1,000 different texts of 100 patterns, at most ten of each, in both directions."""
    patterns = Counter(line["pattern"] for line in CORPUS)
    assert len({line["text"] for line in CORPUS}) == len(CORPUS) >= 1_000
    assert len(patterns) >= 100
    assert max(patterns.values()) <= 10
    assert min(sum("redacted" in line for line in CORPUS), sum("redacted" not in line for line in CORPUS)) >= 300


def test_no_text_of_the_corpus_is_missed() -> None:
    """OFR-034: each miss is printed with its pattern."""
    misses = [
        f"{line['pattern']}: {line['text']!r} became {redact(line['text'])!r}"
        for line in CORPUS
        if redact(line["text"]) != line.get("redacted", line["text"])
    ]
    print(f"{len(CORPUS)} texts, {len(misses)} misses", *misses, sep="\n")  # noqa: T201  # the tally is the result
    assert misses == []


def test_the_corpus_is_redacted_once() -> None:
    """OFR-034: a second redaction changes nothing, and no redaction lengthens a text."""
    for line in CORPUS:
        once = redact(line["text"])
        assert redact(once) == once
        assert len(once) <= len(line["text"])
