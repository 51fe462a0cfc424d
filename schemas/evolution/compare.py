"""ReleaseComparison of two releases, in three words: ``proved``, ``witness``, ``none-found``.

Schemas, lists and calendars are data, and decided; a witness counts only if the real verdicts of both releases differ.
Rules are code, and tried.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, TypeAlias
from typing import Literal as OneOf

from schemas.evolution.answer import WIRE
from schemas.evolution.difference import Gap, further, gaps
from schemas.evolution.embed import embedded, value_at, with_check_digits
from schemas.evolution.process import Release
from schemas.evolution.sample import at_limits, changed, day_of, offers_at
from schemas.evolution.solve import NOTHING, UndecidedError
from schemas.evolution.subset import SubsetError, find_foreign, resolved

Side: TypeAlias = OneOf["publishers", "readers"]
Word: TypeAlias = OneOf["proved", "witness", "none-found"]
_MORE = 12
"""Other values that are tried in place of one that the rules refuse."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One result. ``subject`` is a schema, a list, ``calendars`` or ``rules``; a witness has its document, the day of
    receipt, and what it breaks; ``tried`` is the number of documents without one.
    """

    side: Side
    subject: str
    word: Word
    pointer: str = ""
    broken: str = ""
    document: Any = None
    on: str = ""
    tried: int = 0

    def to_json(self) -> dict[str, Any]:
        """The finding as JSON, without what it lacks."""
        return {name: value for name, value in asdict(self).items() if value not in ("", None, 0)}


class ReleaseComparison:
    """Two releases at work. ``count`` documents by ``seed`` try the rules, and ``documents`` besides."""

    def __init__(self, old: Release, new: Release, *, count: int, seed: int, documents: Sequence[Any] = ()) -> None:
        self.old, self.new = old, new
        self._count, self._seed, self._documents = count, seed, documents
        self._example = old.facts["example"]
        self._on = day_of(self._example)
        for release in (old, new):
            if foreign := [one for name in WIRE for one in find_foreign(name, release.facts["schemas"])]:
                raise SubsetError("\n".join(foreign))

    def findings(self) -> Iterator[Finding]:
        """Every result, those for publishers first."""
        yield from self.of_schema(WIRE[0], "publishers")
        yield from self._lists()
        yield from self._calendars()
        yield from self._rules()
        for name in WIRE[1:]:
            yield from self.of_schema(name, "readers")

    def of_schema(self, name: str, side: Side) -> Iterator[Finding]:
        """The findings of one schema."""
        first, second = (self.old, self.new) if side == "publishers" else (self.new, self.old)
        takes, refuses = (resolved(name, release.facts["schemas"]) for release in (first, second))
        met = False
        try:
            for gap in gaps(takes, refuses):
                met = True
                yield self._confirmed(name, side, takes, gap)
        except UndecidedError as error:
            met = True
            yield Finding(side=side, subject=name, word="none-found", broken=str(error))
        if not met:
            yield Finding(side=side, subject=name, word="proved")

    def _confirmed(self, name: str, side: Side, takes: Any, gap: Gap) -> Finding:
        tried = 0
        parts = {"side": side, "subject": name, "pointer": gap.failure.pointer, "broken": gap.failure.keyword}
        for documents in self._candidates(name, takes, gap):
            tried += len(documents)
            document = next(self._flips(name, self._on, documents, backwards=side == "readers"), None)
            if document is not None:
                on = self._on.isoformat() if side == "publishers" else ""
                return Finding(**parts, word="witness", document=document, on=on)  # type: ignore[arg-type]  # literals
        return Finding(**parts, word="none-found", tried=tried)  # type: ignore[arg-type]  # same

    def _candidates(self, name: str, takes: Any, gap: Gap) -> Iterator[list[Any]]:
        """The gap's document, for a submission within sound ones, then the same with other values in its place."""
        if name != WIRE[0]:
            yield [gap.document]
            return
        needed = self.old.facts["schemas"]["offer"]["required"]
        plain = {name: value for name, value in self._example.items() if name in needed}
        bases = [self._example, plain, self.new.facts["example"]]
        if "withdrawn" in gap.document:
            bases = [{"id": self._example["id"], "revision": 1, "withdrawn": gap.document["withdrawn"]}]
        yield _within(bases, gap)
        path, known = gap.failure.path, []
        for _ in range(_MORE):
            try:
                known.append(value_at(gap.document, path))
                if isinstance(known[-1], dict | list):
                    return
                gap = gap._replace(document=further(takes, gap, known))
            except (KeyError, IndexError, TypeError, UndecidedError):
                return
            if gap.document is NOTHING:
                return
            yield _within(bases, gap)

    def _flips(self, name: str, on: date, documents: Sequence[Any], *, backwards: bool = False) -> Iterator[Any]:
        """The documents that the first release accepts and the second refuses."""
        first, second = (self.new, self.old) if backwards else (self.old, self.new)
        answers = zip(documents, first.judge(name, on.isoformat(), documents), strict=True)
        good = [document for document, answer in answers if answer.accepted]
        for document, answer in zip(good, second.judge(name, on.isoformat(), good), strict=True):
            if not answer.accepted:
                yield document

    def _lists(self) -> Iterator[Finding]:
        ours, theirs = self.old.facts["lists"], self.new.facts["lists"]
        moved = [name for name in ours if _lost(ours[name], theirs.get(name, {}))]
        towns = ours["communes"]
        by_department = {town[:3]: postcode for postcode, names in towns.items() for town in names}
        nearby = {postcode[:2]: names[:1] for postcode, names in towns.items()}
        added = {one: nearby.get(one[:2], []) for one in theirs["communes"] if one not in towns}
        moved += ["communes"] if added else []  # a postcode that becomes known may contradict an INSEE code
        tried = {*by_department.values(), *_lost(towns, theirs["communes"]), *added}
        plain = {name: value for name, value in self._example.items() if name != "location"}
        for name in ours:
            if name not in moved:
                yield Finding(side="publishers", subject=name, word="proved")
                continue
            documents = [*offers_at(plain, {**towns, **added}, sorted(tried))]
            yield from self._tried(name, [(self._on, documents)])

    def _calendars(self) -> Iterator[Finding]:
        ours, theirs = self.old.facts["calendars"], self.new.facts["calendars"]
        last = ours[max(ours)]["hours"]
        added = [theirs[name] for name in theirs if name not in ours]
        if not _lost(ours, theirs) and all(_limits(one["hours"]) == _limits(last) for one in added):
            yield Finding(side="publishers", subject="calendars", word="proved")
            return
        rows: dict[date, list[Any]] = {}
        for year in (*ours.values(), *({**one, "hours": last} for one in added)):
            for on, document in at_limits(self._example, year):
                rows.setdefault(on, []).append(document)
        yield from self._tried("calendars", [*rows.items()])

    def _rules(self) -> Iterator[Finding]:
        dice = random.Random(self._seed)  # noqa: S311 - documents, no secrets
        dated = {
            rule["error_from"] for one in (self.old, self.new) for rule in one.facts["rules"] if "error_from" in rule
        }
        days = [
            *(self._on + timedelta(days=more) for more in range(7)),
            *(date.fromisoformat(day) + timedelta(days=more) for day in sorted(dated) for more in (-1, 0)),
        ]
        share = max(1, self._count // len(days))
        rows = [(on, [changed(self._example, dice, on) for _ in range(share)]) for on in days]
        rows += [(on, [*self._documents]) for on in days if self._documents]
        yield from self._tried("rules", rows)

    def _tried(self, subject: str, rows: Sequence[tuple[date, Sequence[Any]]]) -> Iterator[Finding]:
        """A witness for each set of errors that is new; what breaks the schema is found there."""
        met: set[tuple[str, ...]] = set()
        for on, documents in rows:
            found = [*self._flips(WIRE[0], on, documents)]
            answers = self.new.judge(WIRE[0], on.isoformat(), found)
            valid = self.new.judge("offer", on.isoformat(), found)
            for document, answer, sound in zip(found, answers, valid, strict=True):
                if sound.accepted and answer.codes not in met:
                    met.add(answer.codes)
                    parts = {"broken": ", ".join(answer.codes), "document": document, "on": on.isoformat()}
                    yield Finding(side="publishers", subject=subject, word="witness", **parts)
        if not met:
            tried = sum(len(documents) for _, documents in rows)
            yield Finding(side="publishers", subject=subject, word="none-found", tried=tried)


def announcement(finding: Finding) -> str:
    """The words by which the changelog announces a break: its subject and pointer, or the code of the rule."""
    return f"`{finding.subject} {finding.pointer or finding.broken}`"


def unannounced(found: Iterable[Finding], changelog: str) -> list[Finding]:
    """The breaks that a changelog does not name."""
    return [one for one in found if one.word == "witness" and announcement(one) not in changelog]


def has_ended(finding: Finding, old: Release, on: str) -> bool:
    """Whether the older release itself refuses what is broken on this day, by a rule whose day has come: it announced
    the end.
    """
    if finding.word != "witness" or finding.side != "publishers":
        return False
    (answer,) = old.judge(WIRE[0], on, [finding.document])
    ended = {rule["code"] for rule in old.facts["rules"] if rule.get("error_from", "9") <= on}
    return not ended.isdisjoint(answer.codes)


def _within(bases: Sequence[Any], gap: Gap) -> list[Any]:
    return [one for base in bases for plain in embedded(gap, base) for one in with_check_digits(plain)]


def _lost(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The entries that are gone or changed."""
    return [name for name, value in ours.items() if theirs.get(name, NOTHING) != value]


def _limits(hours: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hours.items() if name not in {"source", "mark"}}
