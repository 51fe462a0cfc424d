"""Wrong gateways: rules of reading that fail on one way out, as the end of the feed, a long poll or a later page."""

from tests.conformance.mutants.programs import wrong

_PASSES = "live && shareable(me, state) &&"
_UPSERT = "{ op: 'upsert', ...view(me, state, flags) }"
_ONE = "const one = changeFor(me, state, filter, place >= start)"
_MORE = "const more = place < log.length"
_FOUND = "const found = []\n  for (;;) {"
_POLL = "Date.now()) }).catch(() => {})"
_MASK = "const offer = ofReader(reader, state)"
_LISTED = "page.map((one) => current(me, one))"
_MINE = "(one.publisher === me ? filter.platform?.includes(me) : shareable(me, one))"
_SLEEPS = ((_FOUND, f"let slept = false\n  {_FOUND}"), (_POLL, f"{_POLL}\n    slept = true"))


def _later(condition: str) -> tuple[str, str]:
    """Shown at the tail, too, where this holds of the state."""
    return _PASSES, f"live && (shareable(me, state) || (isLater && {condition})) &&"


wrong(
    "RTE-003",
    "later-returns-own-offers",
    "sends a platform its own offers once it has read to the end of the feed",
    ("state.publisher === me) continue", "(state.publisher === me && place < start)) continue"),
    _later("state.publisher === me"),
)
wrong(
    "RTE-005",
    "later-finds-masked-offers",
    "finds masked offers by their coordinates after the end of the feed, not from its start",
    (_MASK, "const offer = filter.raw ? state.offer : ofReader(reader, state)"),
    ("passes(me, state, filter)) return", "passes(me, state, { ...filter, raw: isLater })) return"),
)
wrong(
    "FEED-001",
    "later-drops-at-small-pages",
    "drops the change after each full page of one or two changes, once a reader has read to the end",
    (
        _MORE,
        f"if (kept.place >= start && found.length === limit && limit < 3 && place < log.length) place += 1\n  {_MORE}",
    ),
)
wrong(
    "RTE-005",
    "later-unmasks",
    "masks lists and the feed from its start, not what follows its end",
    (_UPSERT, "{ op: 'upsert', ...view(me, state, flags), ...(isLater && { offer: state.offer }) }"),
)
wrong(
    "RTE-005",
    "later-shows-extensions",
    "sends the extensions of a masked offer after the end of the feed",
    (
        _UPSERT,
        (
            "{ op: 'upsert', ...view(me, state, flags), ...(isLater && state.offer.extensions &&"
            " { offer: { ...ofReader(me, state), extensions: state.offer.extensions } }) }"
        ),
    ),
)
wrong(
    "RTE-002",
    "later-keeps-hidden-offers",
    "goes on sending an offer that an update keeps from the regions to readers who had it",
    _later("shared.has(me) && me !== 'national' && state.offer.redistribution?.regions === false"),
)
wrong(
    "RTE-003",
    "later-returns-to-the-host",
    "goes on sending an offer that an update moves to the reader's own host",
    _later("shared.has(me) && state.publisher !== me && state.provenance.includes(me)"),
)
wrong(
    "NAT-002",
    "later-keeps-reserved-offers",
    "sends the national site what an update reserves for schools as a state, not as a removal",
    _later("me === 'national' && state.offer.restrictions?.schools"),
)
wrong(
    "FEED-008",
    "later-renames-reasons-under-filters",
    "gives every removal the reason out-of-scope where the reader has a filter",
    ("reason: live ? 'out-of-scope'", "reason: live || Object.keys(filter).length ? 'out-of-scope'"),
)
wrong(
    "FEED-006",
    "later-filters-withdrawals-by-platform",
    "sends a withdrawal under a filter only where the withdrawn content had matched it",
    (
        "return isLater && shared.has(me) &&",
        "return isLater && shared.has(me) && (live || passes(me, state, filter)) &&",
    ),
)
wrong(
    "FEED-001",
    "later-removes-first",
    "sends the last state of an offer behind its withdrawal, where a reader has seen neither",
    (
        "if (one) found.push(one)",
        (
            "if (one) found.push(one)\n      if (one && !state.live && state.offer && place >= start) found.push("
            "{ op: 'upsert', ...view(me, { ...state, sequence: state.sequence - 1 }, () => ({})) })"
        ),
    ),
)
wrong(
    "FEED-010",
    "start-overlaps-pages",
    "gives a reader from the start the last offer of a page again with the next one",
    (
        "close({ reader: me, place, start,",
        "close({ reader: me, place: more && found.length > 1 && place < start ? place - 1 : place, start,",
    ),
)
wrong(
    "FEED-001",
    "later-denies-more",
    "says after the end of the feed that no more is left, behind a full page too",
    ("cursor, fresh: now(), more })", "cursor, fresh: now(), more: more && !(kept.place >= start) })"),
)
wrong(
    "RTE-004",
    "later-forgets-hosts",
    "leaves the platform of the host out of the provenance after the end of the feed",
    (_UPSERT, "{ op: 'upsert', ...view(me, state, flags), ...(isLater && { provenance: [state.publisher] }) }"),
)
wrong(
    "REV-007",
    "later-numbers-by-place",
    "gives removals after the end of the feed the place on its log as their sequence",
    ("{ op: 'removal', id, sequence,", "{ op: 'removal', id, sequence: live ? sequence : state.place + 1,"),
)
wrong(
    "RTE-005",
    "poll-unmasks",
    "shows a masked employer in the answer to a long poll that had to wait",
    *_SLEEPS,
    (_ONE, f"{_ONE}\n      if (slept && one && one.offer) one.offer = state.offer"),
)
wrong(
    "FEED-006",
    "poll-ignores-filters",
    "ends a long poll with the next change, whether it matches the filter or not",
    *_SLEEPS,
    (_ONE, "const one = changeFor(me, state, slept ? { territory: 'all' } : filter, place >= start)"),
)
wrong(
    "FEED-001",
    "poll-loses-what-ends-it",
    "wakes a long poll by a change, and goes on behind it",
    (_POLL, f"{_POLL}\n    place = log.length"),
)
wrong(
    "RTE-003",
    "poll-returns-own-offers",
    "ends a long poll with the reader's own publication",
    *_SLEEPS,
    ("state.publisher === me) continue", "(state.publisher === me && !slept)) continue"),
    (
        "function changeFor(me, state, filter, isLater) {",
        "function changeFor(me, state, filter, isLater, own = false) {",
    ),
    (_PASSES, "live && (own || shareable(me, state)) &&"),
    (_ONE, "const one = changeFor(me, state, filter, place >= start, slept && state.publisher === me)"),
)
wrong(
    "RTE-005",
    "one-unmasks-updates",
    "masks an offer that is read by itself at its first revision only",
    (
        "return reply(200, current(who.platform, state))",
        "return reply(200, { ...current(who.platform, state), ...(state.revision > 1 && { offer: state.offer }) })",
    ),
)
wrong(
    "RTE-005",
    "list-unmasks-later-pages",
    "masks the first page of a list only",
    (_LISTED, "page.map((one) => ({ ...current(me, one), ...(kept.after && { offer: one.offer }) }))"),
)
wrong(
    "RTE-003",
    "list-returns-own-offers-later",
    "lists a platform's own offers from the second page on",
    (_MINE, "(one.publisher === me ? kept.after || filter.platform?.includes(me) : shareable(me, one))"),
)
wrong(
    "RTE-005",
    "box-unmasks-with-levels",
    "finds masked offers by their coordinates where a level is asked for beside",
    (_MASK, "const offer = filter.bbox && filter.level ? state.offer : ofReader(reader, state)"),
)
wrong(
    "RTE-002",
    "list-shows-hidden-by-platform",
    "lists offers that are not for the regions where their publisher is asked for by name",
    (
        _MINE,
        f"({_MINE} || (one.publisher !== me && filter.platform?.includes(one.publisher)))",
    ),
)
