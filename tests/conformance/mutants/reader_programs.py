"""Wrong gateways: counts beyond what the asker may see, scopes that open too much, filters with two values, cursors."""

from tests.conformance.mutants.programs import Change, wrong

# ---- Counts: GET /v1/platforms
_LIVE = "state.live && (state.publisher === who.platform || shareable(who.platform, state))"
_COUNTED = "live: [...offers.values()].filter((state) => state.publisher === platform && isLive(state)).length"
_FROZEN = ("function platforms({ who }) {", "const kept = {}\nfunction platforms({ who }) {")


def _counting(of: str) -> Change:
    return _LIVE, f"state.live && (state.publisher === who.platform || shareable(who.platform, {of}))"


wrong(
    "RTE-002",
    "live-counts-hidden",
    "counts live offers that the asker may not see",
    (_LIVE, "state.live"),
)
wrong(
    "NAT-002",
    "live-counts-reserved",
    "counts offers that are reserved for schools for the national site",
    _counting("{ ...state, offer: { ...state.offer, restrictions: {} } }"),
)
wrong(
    "RTE-003",
    "live-counts-passed",
    "counts offers on the asker's own host among those of their publisher",
    _counting("{ ...state, provenance: [] }"),
)
wrong(
    "SEC-014",
    "live-counts-withdrawn",
    "counts withdrawn offers among the live ones",
    (_LIVE, _LIVE.replace("state.live", "state.offer")),
)
wrong(
    "SEC-014",
    "live-stays",
    "gives each asker the number of live offers that it was given first",
    _FROZEN,
    (_COUNTED, _COUNTED.replace("live: ", "live: kept[`${who.platform} ${platform}`] ??= ")),
)
wrong(
    "RTE-002",
    "live-shared-by-all",
    "counts the live offers of a platform for the first asker since a change, and gives that number to all",
    _FROZEN,
    (_COUNTED, _COUNTED.replace("live: ", "live: kept[`${log.length} ${platform}`] ??= ")),
)
wrong(
    "SEC-014",
    "live-misses-own",
    "counts none of the live offers of the asker itself",
    (_LIVE, "state.live && shareable(who.platform, state)"),
)
wrong(
    "SEC-014",
    "details-of-all",
    "counts what all platforms handed in among the details of each",
    ("receipts.filter((one) => one.publisher === platform && one.verdict", "receipts.filter((one) => one.verdict"),
)

# ---- Scopes against addresses
_ADMIT = "if (scope !== ANYBODY && !who.scopes.includes(scope))"
_ROUTED = "if (route.scope) admit(who, route.scope)"


def _operating(scope: str) -> Change:
    return (
        _ADMIT,
        (
            "if (scope !== ANYBODY && !who.scopes.includes(scope)"
            f" && !(scope === {scope} && who.scopes.includes('operate')))"
        ),
    )


wrong("SEC-002", "operate-reads", "lets a token with the scope operate alone read offers", _operating("READ"))
wrong("SEC-002", "operate-publishes", "lets a token with the scope operate publish", _operating("PUBLISH"))
wrong(
    "SEC-002",
    "publishers-follow",
    "lets a token that may only publish follow the feed",
    (r"/^\/v1\/changes$/, READ", r"/^\/v1\/changes$/, ANYBODY"),
)
wrong(
    "SEC-002",
    "publishers-list",
    "asks for the scope to publish where offers are listed",
    (r"'GET', /^\/v1\/offers$/, READ", r"'GET', /^\/v1\/offers$/, PUBLISH"),
)
wrong(
    "SEC-002",
    "publishers-read-their-own",
    "lets a token that may only publish read the platform's own offers one by one",
    (
        _ROUTED,
        (
            "const isOwn = route.act === read && who.platform === decoded(route.match).split(':')[0]\n"
            "  if (route.scope && !isOwn) admit(who, route.scope)"
        ),
    ),
    (
        "const { who, search, route, match } = routed(request)",
        "const { who, search, route, match } = routed(request)\n  route.match = match",
    ),
)
wrong(
    "SEC-002",
    "readers-withdraw",
    "asks for the scope to read where an offer is withdrawn",
    (r"'DELETE', /^\/v1\/offers\/([^/]+)$/, PUBLISH", r"'DELETE', /^\/v1\/offers\/([^/]+)$/, READ"),
)
wrong(
    "SEC-002",
    "readers-read-receipts",
    "asks for the scope to read where one receipt is read",
    (r"/^\/v1\/receipts\/([^/]{1,64})$/, PUBLISH", r"/^\/v1\/receipts\/([^/]{1,64})$/, READ"),
)
wrong(
    "SEC-002",
    "judges-before-the-scope",
    "answers 422 to a publication that the token may not make, where the content is refused",
    (
        _ROUTED,
        (
            "if (route.act === publish && who.scopes && !who.scopes.includes(PUBLISH)) {\n"
            "    const { problems } = judge(body, today())\n"
            "    if (problems.some(isError)) throw fault('submission-refused', {}, { problems })\n  }\n"
            f"  {_ROUTED}"
        ),
    ),
)
wrong(
    "SEC-002",
    "tokens-share-scopes",
    "gives every token of a platform the scopes of the last one that it asked for",
    (
        "tokens.set(access_token, { ...account, scopes,",
        "account.last = scopes\n  tokens.set(access_token, { ...account, get scopes() { return account.last },",
    ),
)

# ---- Filters with two values
_IS_OF = "!filter[name] || own.some((one) => filter[name].includes(one))"


def _of(name: str, test: str) -> Change:
    return _IS_OF, f"!filter[name] || (name === '{name}' ? {test} : own.some((one) => filter[name].includes(one)))"


wrong(
    "FEED-006", "level-takes-the-first", "takes the first of two levels", _of("level", "own.includes(filter[name][0])")
)
wrong(
    "FEED-006",
    "weeks-are-joined",
    "takes two weeks for offers in both",
    _of("week", "filter[name].every((one) => own.includes(one))"),
)
wrong(
    "FEED-006",
    "sector-takes-the-last",
    "takes the last of two sectors",
    _of("sector", "own.includes(filter[name].at(-1))"),
)
wrong(
    "FEED-006",
    "sector-within-a-text",
    "finds a sector whose code is within that of another one",
    _of("sector", "filter[name].join().includes(own[0])"),
)
wrong(
    "FEED-006",
    "two-platforms-are-none",
    "ignores the platform where two are asked for",
    _of("platform", "filter[name].length > 1 || own.includes(filter[name][0])"),
)
wrong(
    "FEED-006",
    "repeated-values-replace",
    "takes the last one where a filter is repeated in the address",
    ("query[name] = isList ? [...(query[name] ?? []), ...items] :", "query[name] = isList ? items :"),
)
wrong(
    "FEED-006",
    "region-takes-the-first",
    "takes the first of two regions",
    ("filter.region?.includes(region)", "filter.region?.[0] === region"),
)
wrong(
    "FEED-006",
    "department-takes-the-last",
    "takes the last of two departments",
    ("filter.department?.includes(department)", "filter.department?.at(-1) === department"),
)
wrong(
    "FEED-006",
    "filters-are-alternatives",
    "takes two filters for alternatives, as it does with two values of one",
    (
        "!Object.entries(values).every(isOf)) return false",
        (
            "(Object.keys(values).some((name) => filter[name]) &&"
            " !Object.entries(values).some(([name, own]) => filter[name] && isOf([name, own])))) return false"
        ),
    ),
)

# ---- A cursor with another value of a filter
_ASKED = "const asked = canonical(filter)"
_FIRST = (
    "Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]))"
)


def _unbound(names: str, name: str, fault: str, *parts: str) -> None:
    """A cursor that is bound to the filter without these parts of it."""
    kept = f"const {{ {', '.join(parts)}, ...bound }} = filter\n  const asked = canonical(bound)"
    wrong(names, name, fault, (_ASKED, kept), file="seal")


wrong(
    "FEED-005",
    "cursor-binds-names",
    "binds a cursor to the names of its filters, not to their values",
    (_ASKED, "const asked = canonical(Object.keys(filter))"),
    file="seal",
)
wrong(
    "FEED-005",
    "cursor-binds-first-values",
    "binds a cursor to the first value of each filter",
    (_ASKED, f"const asked = canonical({_FIRST})"),
    file="seal",
)
wrong(
    "FEED-005",
    "cursor-binds-the-length",
    "takes filters of the same length for the same",
    (_ASKED, "const asked = canonical(filter).length"),
    file="seal",
)
_unbound("FEED-005", "cursor-forgets-places", "goes on under another region or department", "region", "department")
_unbound("FEED-005", "cursor-forgets-the-box", "goes on within another bbox", "bbox")
_unbound("FEED-005", "cursor-forgets-platforms", "goes on with the offers of another platform", "platform")
_unbound(
    "FEED-005", "cursor-forgets-all-of-france", "goes on with territory=all where the cursor came without", "territory"
)
_unbound("FEED-005", "cursor-forgets-levels", "goes on under another level", "level")
wrong(
    "FEED-005",
    "list-cursor-forgets-weeks",
    "goes on with a list, not with the feed, under another week",
    (_ASKED, "const { week, ...bound } = filter\n  const asked = canonical(list === 'list' ? bound : filter)"),
    file="seal",
)
wrong(
    "RCP-008",
    "receipt-cursor-forgets-verdicts",
    "goes on with receipts under another verdict, where one was asked for before",
    (_ASKED, "const asked = canonical(list.startsWith('receipts') ? Object.keys(filter) : filter)"),
    file="seal",
)
