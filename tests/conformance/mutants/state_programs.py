"""Wrong gateways: states beyond their first value, texts that change on a way out, territories of a subscriber."""

from tests.conformance.mutants.programs import READER, Change, wrong

# ---- States that are not at their first value
_ABOVE = "if (!before || revision > before.revision) return ['accepted']"
_BELOW = "if (revision < before.revision) return ['stale', 'older-revision']"
_SMALL = "match.replace(/^[^:]+/, (slug) => slug.toLowerCase())"

wrong(
    "REV-001",
    "revisions-as-texts",
    "compares revisions as texts, so that 10 is below 9",
    (_ABOVE, "if (!before || String(revision) > String(before.revision)) return ['accepted']"),
)
wrong(
    "REV-005",
    "markers-forget-late-revisions",
    "takes any revision after a withdrawal, where that had revision 4 or more",
    (_ABOVE, f"if (before && !before.live && before.revision > 3 && !reason) return ['accepted']\n  {_ABOVE}"),
)
wrong(
    "REV-005",
    "withdraws-under-any-revision",
    "withdraws a live offer under a revision below its last one",
    (_ABOVE, f"if (before?.live && reason) return ['accepted']\n  {_ABOVE}"),
)
wrong(
    "REV-001",
    "later-updates-are-duplicates",
    "answers duplicate to a higher revision with the same content, from revision 5 on",
    (
        _ABOVE,
        (
            "if (before?.live && before.revision > 4 && digest === before.digest && revision > before.revision)"
            f" return ['duplicate']\n  {_ABOVE}"
        ),
    ),
)
wrong(
    "REV-001",
    "second-withdrawals-are-duplicates",
    "answers duplicate to a withdrawal of what is withdrawn, and keeps the first revision",
    (_ABOVE, f"if (before && !before.live && reason && revision > before.revision) return ['duplicate']\n  {_ABOVE}"),
)
wrong(
    "REV-005",
    "old-content-is-a-duplicate",
    "answers duplicate to the repetition of a publication that newer content has followed",
    ("offers.set(id, state)", "state.had = new Set([...(before.had ?? []), state.digest])\n  offers.set(id, state)"),
    (
        _BELOW,
        f"if (revision < before.revision && before.live && before.had.has(digest)) return ['duplicate']\n  {_BELOW}",
    ),
)
wrong(
    "WDR-002",
    "markers-of-the-unknown-begin-at-1",
    "keeps revision 1 for the withdrawal of an unknown offer, whatever it carries",
    ("change(id, { digest, ...content,", "change(id, { digest, ...content, ...(!before && reason && { revision: 1 }),"),
)
wrong(
    "IDN-005",
    "reads-capital-slugs",
    "reads an offer whose address has capitals in the slug",
    ("const state = offers.get(offerId(match))", f"const state = offers.get(offerId({_SMALL}))"),
)
wrong(
    "IDN-005",
    "withdraws-capital-slugs",
    "withdraws an offer whose address has capitals in the slug",
    (
        "const id = ownId(ask), { revision, reason",
        f"const id = ownId({{ ...ask, match: ask.{_SMALL} }}), {{ revision, reason",
    ),
)
wrong(
    "IDN-005",
    "publishes-capital-slugs",
    "publishes under the slug in small letters where that of the address has capitals",
    (
        "const { who, query, headers, body, lang } = ask, id = ownId(ask)",
        f"const {{ who, query, headers, body, lang }} = ask, id = ownId({{ ...ask, match: ask.{_SMALL} }})",
    ),
)

# ---- Texts to the letter
_FEED = "{ op: 'upsert', ...view(me, state, flags) }"
_LISTED = "page.map((one) => current(me, one))"
_ONE = "return reply(200, current(who.platform, state))"
_SEEN = "if (reader === publisher || !offer.redistribution?.mask_employer) return offer"


def _in_feed(edit: str) -> Change:
    return (
        _FEED,
        f"((one) => {{ const offer = structuredClone(one.offer); {edit}; return {{ ...one, offer }} }})({_FEED})",
    )


def _in_lists(edit: str) -> Change:
    return (
        _LISTED,
        f"{_LISTED}.map((one) => {{ const offer = structuredClone(one.offer); {edit}; return {{ ...one, offer }} }})",
    )


wrong(
    "OFR-012",
    "feeds-compatible-titles",
    "sends titles in normalization form KC in the feed",
    _in_feed("offer.title = offer.title.normalize('NFKC')"),
)
wrong(
    "OFR-011",
    "lists-plain-blanks",
    "makes no-break spaces plain in lists",
    _in_lists(
        r"for (const name of ['title', 'description']) offer[name] = offer[name].replace(/[\u00a0\u202f]/g, ' ')"
    ),
)
wrong(
    "OFR-011",
    "lists-emoji-apart",
    "removes the joiners within an emoji in lists",
    _in_lists(r"offer.title = offer.title.replace(/[\u200d\ufe0f]/g, '')"),
)
wrong(
    "OFR-010",
    "feeds-escaped-texts",
    "sends texts escaped for HTML in the feed",
    _in_feed("offer.title = offer.title.replace(/&/g, '&amp;').replace(/'/g, '&#39;')"),
)
wrong(
    "OFR-001",
    "feeds-straight-quotes",
    "sends typographic apostrophes, quotes and dashes as those of ASCII in the feed",
    _in_feed(r"""offer.title = offer.title.replace(/[‘’]/g, "'").replace(/[«»“”]/g, '"').replace(/[–—]/g, '-')"""),
)
wrong(
    "OFR-006",
    "lists-one-line",
    "shows the first line of descriptions in lists",
    _in_lists(r"offer.description = offer.description.split('\n')[0]"),
)
wrong(
    "OFR-011",
    "one-without-line-feeds",
    "shows an offer that is read by itself without the line feeds of its description",
    (
        _ONE,
        (
            "const shown = structuredClone(current(who.platform, state))\n"
            "  shown.offer.description = shown.offer.description.replace(/\\s*\\n\\s*/g, ' ')\n"
            "  return reply(200, shown)"
        ),
    ),
)
wrong(
    "OFR-036",
    "extensions-without-null",
    "drops members that are null from extensions",
    (
        _SEEN,
        (
            "const bare = (extensions) => JSON.parse(JSON.stringify(extensions, (_, one) => one ?? undefined))\n"
            f"  if (offer.extensions) offer = {{ ...offer, extensions: bare(offer.extensions) }}\n  {_SEEN}"
        ),
    ),
)
wrong(
    "OFR-016",
    "feeds-other-addresses",
    "writes web addresses anew in the feed: with a slash behind the host, the host in small letters",
    _in_feed("offer.apply_url = new URL(offer.apply_url).href"),
)
wrong(
    "OFR-006",
    "feeds-trimmed-texts",
    "takes the outer blanks and the last full stop off texts in the feed",
    _in_feed(r"offer.title = offer.title.trim().replace(/\.$/, ''); offer.description = offer.description.trim()"),
)

# ---- A subscriber with a territory that no preset knows
_PASSES = "shareable(me, state) && passes(me, state, filter)"
_OWN = "if (!filter.region && !filter.department) return filter.territory || !own || own.includes(department)"
_HOME = "{ bretagne: { department: '35', region: '53' }, normandie: { department: '14', region: '28' } }"
_REMOVED = "return isLater && shared.has(me) &&"
_ALL = "{ ...filter, territory: 'all' }"


def _placed(name: str, names: str, fault: str, *changes: Change) -> None:
    wrong(names, name, fault, *changes, subscriber=READER)


_placed(
    "feeds-all-of-france",
    "FEED-006",
    "ignores the reader's own territory in the feed",
    (_PASSES, _PASSES.replace("filter)", f"{_ALL})")),
)
_placed(
    "lists-all-of-france",
    "RTE-001",
    "ignores the reader's own territory in lists",
    ("passes(me, one, filter)", f"passes(me, one, {_ALL})"),
)
_placed(
    "stays-in-the-territory",
    "FEED-006",
    "sends no removal when an offer leaves the reader's own territory",
    (
        _REMOVED,
        (
            f"{_REMOVED} (filter.region || filter.department || !live || !shareable(me, state) ||"
            " inPlace(me, state.territory, filter)) &&"
        ),
    ),
)
_placed(
    "places-by-publisher",
    "RTE-001",
    "takes the publisher's region for the place of an offer, where the reader's own territory counts",
    (
        "inPlace(reader, state.territory, filter)",
        f"inPlace(reader, !filter.region && !filter.department && {_HOME}[state.publisher] || state.territory, filter)",
    ),
)
_placed(
    "keeps-regions-within",
    "FEED-010",
    "gives of a region that is asked for what lies in the reader's own territory only",
    (
        "return filter.region?.includes(region)",
        "return filter.region?.includes(region) && (!own || own.includes(department))",
    ),
)
_placed(
    "keeps-all-within",
    "FEED-010",
    "gives the reader's own territory where all of France is asked for",
    ("return filter.territory || !own ||", "return !own ||"),
)
_placed(
    "widens-to-regions",
    "FEED-006",
    "gives whole regions where the reader's own territory has some of their departments",
    (_OWN, _OWN.replace("own.includes(department)", "own.includes(department) || { 53: 1, 28: 1 }[region] === 1")),
)
_placed(
    "one-department",
    "FEED-010",
    "reads the first department of the reader's own territory only",
    (_OWN, _OWN.replace("own.includes(department)", "own[0] === department")),
)
_placed(
    "withdraws-within",
    "FEED-006",
    "sends withdrawals only of offers that lay in the reader's own territory at the end",
    (_REMOVED, f"{_REMOVED} (live || filter.region || filter.department || inPlace(me, state.territory, filter)) &&"),
)
_placed(
    "later-forgets-the-territory",
    "FEED-006",
    "ignores the reader's own territory after the end of the feed",
    (_PASSES, _PASSES.replace("filter)", f"isLater ? {_ALL} : filter)")),
)
