"""The federation as a small model: the required answer to each request, and the state afterwards.

Written from docs/protocol.md, not from the code: sentences, no log, no partitions, one step after another.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from tests.model.content import WISHES, Wish

Verdict: TypeAlias = Literal["accepted", "duplicate", "stale", "rejected"]
MARK_LIFE_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict, with the code of the rule behind a stale or rejected one."""

    verdict: Verdict
    code: str | None = None
    created: bool = False

    @property
    def status(self) -> int:
        """How a request that waited is answered [PUB-001]."""
        if self.verdict in {"stale", "rejected"}:
            return 409
        return 201 if self.created else 200


@dataclass(frozen=True, slots=True)
class Publish:
    """An offer as sent: its content is one of a few wishes."""

    id: str
    revision: int
    wish: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    """An offer taken back."""

    id: str
    revision: int
    reason: str


Item: TypeAlias = Publish | Withdraw


@dataclass(slots=True)
class Standing:
    """State of one offer. ``step`` is its last change, ``allowed`` the platforms that were ever allowed to see it."""

    revision: int
    content: str
    step: int
    wish: str | None
    reason: str | None = None
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mark:
    """The mark that a text encodes."""

    platform: str
    step: int
    at: int


@dataclass(slots=True)
class Model:
    """The state of every offer, and every receipt: offer id, verdict and revision, by publisher."""

    platforms: Sequence[str]
    offers: dict[str, Standing] = field(default_factory=dict)
    receipts: dict[str, list[tuple[str, Verdict, int]]] = field(default_factory=dict)
    step: int = 0
    applied: dict[str, int] = field(default_factory=dict)
    commands: set[tuple[str, str, int]] = field(default_factory=set)

    def submit(self, item: Item, *, mark: Mark | None = None) -> Outcome:
        """A publisher's own submission, decided."""
        outcome = self._publish(item, mark) if isinstance(item, Publish) else self._withdraw(item)
        self.step += 1
        self._receipt(item.id, outcome.verdict, item.revision)
        return outcome

    def moderate(self, offer_id: str, action: str) -> Outcome | str:
        """The operator's command; the code of a refusal where there is nothing to do [WDR-007]."""
        known = self.offers.get(offer_id)
        if known is None:
            return "offer-unknown"
        if (known.reason == "moderated") == (action == "moderate"):
            return "already-moderated" if action == "moderate" else "not-moderated"
        command = (action, offer_id, known.step)
        if command not in self.commands:  # the same command again has the same receipt [RCP-003]
            self.commands.add(command)
            self._receipt(offer_id, "accepted", known.revision)
        self._retire(known, "moderated" if action == "moderate" else "absent")
        self.step += 1
        return Outcome("accepted")

    def snapshot(self, mark: Mark, items: Sequence[Publish], unsound: Iterable[str], confirm: int | None) -> int | str:
        """A complete set: how many offers it withdraws, or why it changes nothing [PUB-020] to [PUB-028]."""
        if self.applied.get(mark.platform, -1) >= mark.at:
            return "stale-mark"
        present = {item.id for item in items} | set(unsound)
        live = self.live(mark.platform)
        absent = [name for name in live if name not in present and self.offers[name].step < mark.step]
        count = len(present)
        none_left = len(absent) == len(live) and not any(self._would_live(item, mark) for item in items)
        if absent and (count == 0 or len(absent) > max(10, len(live) // 5) or none_left) and confirm != len(absent):
            return "snapshot-shrinks-too-much"
        self.applied[mark.platform] = mark.at
        for item in items:
            self.submit(item, mark=mark)
        for name in absent:
            self._receipt(name, "accepted", self.offers[name].revision)
            self._retire(self.offers[name], "absent")
            self.step += 1
        return len(absent)

    def _would_live(self, item: Publish, mark: Mark) -> bool:
        """Whether an item of a snapshot would be live once it is decided, tried on a copy."""
        return deepcopy(self).submit(item, mark=mark).verdict in {"accepted", "duplicate"}

    def live(self, platform: str) -> list[str]:
        """The ids of a platform's live offers, sorted."""
        return sorted(name for name, one in self.offers.items() if name.startswith(f"{platform}:") and not one.reason)

    def visible(self, reader: str, asked: Mapping[str, str]) -> dict[str, int]:
        """The copy that a subscriber must have in the end: id and revision of each live offer that matches."""
        return {
            name: one.revision
            for name, one in self.offers.items()
            if one.wish is not None and _may_see(reader, name, one.wish) and _matches(name, WISHES[one.wish], asked)
        }

    def _publish(self, item: Publish, mark: Mark | None) -> Outcome:
        known = self.offers.get(item.id)
        content = f"publish {item.wish}"
        if known is not None:
            if item.revision < known.revision:
                return Outcome("stale", "older-revision")  # [REV-005]
            same = item.revision == known.revision
            reopens = same and known.reason == "absent" and mark is not None and known.step < mark.step
            if same and content != known.content:
                return Outcome("rejected", "revision-reused")  # [REV-004]
            if same and known.reason is None:
                return Outcome("duplicate")  # [REV-003]
            if same and not reopens:
                return Outcome("stale", f"withdrawn-{known.reason}")  # [WDR-003]
            if known.reason == "moderated":
                return Outcome("rejected", "moderated")  # [WDR-007]
        allowed = frozenset(reader for reader in self.platforms if _may_see(reader, item.id, item.wish))
        before = known.allowed if known else frozenset()
        created = known is None or known.reason is not None
        self.offers[item.id] = Standing(item.revision, content, self.step, item.wish, None, before | allowed)
        return Outcome("accepted", created=created)

    def _withdraw(self, item: Withdraw) -> Outcome:
        known = self.offers.get(item.id)
        content = f"withdraw {item.reason}"
        if known is not None and item.revision <= known.revision:
            if item.revision < known.revision:
                return Outcome("stale", "older-revision")
            return Outcome("duplicate") if content == known.content else Outcome("rejected", "revision-reused")
        moderated = known is not None and known.reason == "moderated"
        allowed = known.allowed if known else frozenset()
        reason = "moderated" if moderated else item.reason
        self.offers[item.id] = Standing(item.revision, content, self.step, None, reason, allowed)
        return Outcome("accepted")

    def _retire(self, known: Standing, reason: str) -> None:
        """A change of the gateway keeps revision and content [REV-008]."""
        known.wish, known.reason, known.step = None, reason, self.step

    def _receipt(self, offer_id: str, verdict: Verdict, revision: int) -> None:
        self.receipts.setdefault(offer_id.partition(":")[0], []).append((offer_id, verdict, revision))


def _may_see(reader: str, offer_id: str, wish: str) -> bool:
    """Redistribution, and no way back to where the offer has been [RTE-002] [RTE-003] [RTE-004]."""
    content = WISHES[wish]
    passed = {offer_id.partition(":")[0], content.applies_at}
    return reader not in passed and (content.national if reader == "national" else content.regions)


def _matches(offer_id: str, content: Wish, asked: Mapping[str, str]) -> bool:
    of = {"department": content.department, "sector": content.sector, "platform": offer_id.partition(":")[0]}
    return all(of[name] == value for name, value in asked.items() if name in of)
