"""Snapshots: marks, and complete sets under the withdrawal guard (PUB-020 to PUB-029)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.standin.exchange import refused
from conformance.standin.offers import Offers, State, Submission, needs_confirmation
from conformance.standin.seal import Seal, derived_id
from conformance.standin.upload import Upload

MARK_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Mark:
    """The content of a mark: its number, the position of submissions when it was issued, and its snapshot's id."""

    number: int
    position: int
    snapshot: str

    def on(self, submission: Submission) -> Submission:
        """The submission as an item of the snapshot: it may reopen an absent offer (WDR-008)."""
        return replace(submission, before=self.position)


class Snapshots:
    """Issues marks and examines complete sets; marks are used in the order of their numbers."""

    def __init__(self, offers: Offers, seal: Seal) -> None:
        self._offers = offers
        self._seal = seal
        self._issued: dict[str, int] = {}
        self._applied: dict[str, int] = {}

    def mark(self, platform: str, *, now: int) -> tuple[str, int]:
        """A mark's text, and when it ends (ms)."""
        number = self._issued[platform] = max(now, self._issued.get(platform, 0) + 1)
        return self._seal.close("mark", platform, number, self._offers.position, now), now + MARK_MS

    def read(self, text: str, platform: str, *, now: int) -> Mark:
        """The content of a mark. Raises RefusedError when it is another platform's or over 24 hours old."""
        found = self._seal.open("mark", text)
        if found is None or found[0] != platform or now - found[3] > MARK_MS:
            raise refused("mark-invalid")
        return Mark(found[1], found[2], derived_id("s", text))

    def examine(
        self, mark: Mark, upload: Upload, platform: str, *, confirm: int | None, resumed: bool
    ) -> Sequence[State]:
        """The live offers that the set lacks; the mark is used up. Raises RefusedError, having changed nothing."""
        if upload.count is None:
            raise refused("snapshot-count-missing")
        if upload.count != len(upload.items):
            raise refused("snapshot-count-wrong", expected=upload.count, actual=len(upload.items))
        applied = self._applied.get(platform, 0)
        if applied > mark.number or (applied == mark.number and not resumed):
            raise refused("stale-mark")
        present = _ids(upload)
        live = self._offers.live(platform)
        absent = [state for state in live if state.position < mark.position and state.id not in present]
        self._guard(upload, mark, len(absent), len(live), confirm)
        self._applied[platform] = mark.number
        return absent

    def _guard(self, upload: Upload, mark: Mark, absent: int, live: int, confirm: int | None) -> None:
        """Require the number to be confirmed where too many, or all, live offers would be withdrawn (PUB-028)."""
        if not absent or confirm == absent:
            return
        empties = absent >= live and not self._publishes(upload, mark)
        if not upload.items or needs_confirmation(absent, live) or empties:
            members: Mapping[str, int] = {"would_withdraw": absent}
            raise refused("snapshot-shrinks-too-much", members=members, actual=absent, expected=live)

    def _publishes(self, upload: Upload, mark: Mark) -> bool:
        """Whether some accepted item would be live once it is decided."""
        outcomes = (self._offers.foresee(mark.on(each)) for each in upload.submissions)
        return any(outcome in {"accepted", "duplicate"} for outcome in outcomes)


def _ids(upload: Upload) -> set[str]:
    present: set[str] = set()
    for index, item in enumerate(upload.items):
        if item.id is None:
            raise refused("snapshot-unreadable-id", pointer=f"/{index}")
        if item.id in present:
            raise refused("snapshot-duplicate-id", pointer=f"/{index}", actual=item.id)
        present.add(item.id)
    return present
