"""View model of the fields of an offer, and of the requirements, each with the rules that enforce it; one of them by
its id or code, and those in which words occur.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from gateway.pages.base.markup import coded, without_values
from schemas.french import plain_words, unaccented
from schemas.reference_pages import FieldRow, field_rows
from schemas.requirements import sentences
from schemas.rulebook import Language, Rule, catalogue, reading_rules

_TAG = re.compile("<[^>]+>")


@cache
def fields(language: Language) -> Sequence[FieldRow]:
    """Every field of the offer, in the schema's order; its texts are markup."""
    return [replace(row, form=coded(row.form), text=coded(row.text)) for row in field_rows(language)]


@cache
def families(language: Language) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """The requirements by the first letters of their ids, in the protocol's order, each with the rules that enforce
    it.
    """
    rules: dict[str, list[Mapping[str, Any]]] = {}
    for rule in catalogue().values():
        rules.setdefault(rule.requirement, []).append(_entry(rule, language))
    found: dict[str, list[Mapping[str, Any]]] = {}
    for id_, sentence in sentences().items():
        entry = {"id": id_, "sentence": coded(f"{sentence[language]}."), "rules": rules.get(id_, ())}
        found.setdefault(id_.partition("-")[0], []).append(entry)
    return found


@cache
def topics(language: Language) -> Mapping[str, Mapping[str, Any]]:
    """By requirement id, and by code of a rule, what the page of each displays: ``title``; the requirement with its
    ``id`` and ``sentence``, None for a rule of reading; its rules, or this one; the fields that it is about.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for listed in families(language).values():
        for one in listed:
            about = [field for field in fields(language) if one["id"] in field.requirements]
            title = one["rules"][0]["name"] if len(one["rules"]) == 1 else one["id"]
            found[one["id"]] = {"title": title, "requirement": one, "rules": one["rules"], "fields": about}
            for rule in one["rules"]:
                found[rule["code"]] = {"title": rule["name"], "requirement": one, "rules": [rule], "fields": about}
    for code, rule in reading_rules().items():
        entry = _entry(rule, language)
        found.setdefault(code, {"title": entry["name"], "requirement": None, "rules": [entry], "fields": ()})
    return found


def search(query: str, language: Language) -> tuple[Sequence[FieldRow], Sequence[tuple[str, Mapping[str, Any]]]]:
    """The fields, and the requirements and rules by id or code, in which every word of a text occurs."""
    words = plain_words(query).split() or [query]
    named = ((field, f"{field.path} {field.text} {field.form}") for field in fields(language))
    found = [field for field, text in named if _has(words, text)]
    listed = [
        (name, topic)
        for name, topic in topics(language).items()
        if _has(words, " ".join((name, topic["title"], *_texts(name, topic))))
    ]
    return found, listed


def _texts(name: str, topic: Mapping[str, Any]) -> Iterator[str]:
    """The sentence of a requirement, or the texts of a rule, without markup."""
    if topic["requirement"] is not None and topic["requirement"]["id"] == name:
        yield topic["requirement"]["sentence"]
    else:
        rule = topic["rules"][0]
        yield from (rule["sentence"], rule["remedy"])


def _has(words: Sequence[str], text: str) -> bool:
    found = unaccented(_TAG.sub("", text))
    return all(word in found for word in words)


def _entry(rule: Rule, language: Language) -> Mapping[str, Any]:
    """A rule. ``status``: the HTTP status of an answer that it alone determines."""
    return {
        "code": rule.code,
        "severity": rule.severity,
        "status": rule.status,
        "name": rule.name[language],
        "sentence": without_values(rule.message[language], language),
        "consequence": None if rule.consequence is None else without_values(rule.consequence[language], language),
        "remedy": without_values(rule.fix[language], language),
    }
