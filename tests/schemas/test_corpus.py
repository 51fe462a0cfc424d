"""The corpus of hard texts: personal data to redact, and innocent numbers and characters to keep (OFR-034).

``personal_corpus.ndjson`` has one text a line, with its pattern and, where needed, the redacted text. The
numbers are of the ranges that ARCEP keeps for fiction, or not assigned; the domains are for examples.

``fresh/`` has sets of texts that were committed before the rules were first measured on them. The first line
of each says how many texts were missed (a whole address or number can be read) or damaged then; ``known`` marks the
texts that are still wrong.
"""

from collections import Counter
from pathlib import Path

import orjson

from schemas.personal import redact

FRESH = [
    [*map(orjson.loads, path.read_bytes().splitlines())]
    for path in sorted(Path(__file__).with_name("fresh").glob("*.ndjson"))
]
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


def test_fresh_texts_are_read_as_they_should_be() -> None:
    """OFR-034: but for the known ones, at most one in a hundred of those that must go, and of those that must stay."""
    lines = [line for header, *lines in FRESH for line in lines]
    wrong = {line["text"] for line in lines if redact(line["text"]) != line.get("redacted", line["text"])}
    known = {line["text"] for line in lines if "known" in line}
    for header, *_ in FRESH:
        print(f"set {header['set']}, at first: {header['first_measurement']}")  # noqa: T201  # the tally is the result
    print(f"{len(lines)} fresh texts, {len(wrong)} wrong", *sorted(wrong), sep="\n")  # noqa: T201
    assert wrong == known
    for personal in (True, False):
        count = [line["text"] in known for line in lines if ("redacted" in line) == personal]
        assert sum(count) * 100 <= len(count)


def test_fresh_texts_are_redacted_once() -> None:
    """OFR-034"""
    for _, *lines in FRESH:
        for line in lines:
            once = redact(line["text"])
            assert (redact(once), len(once) <= len(line["text"])) == (once, True)
