"""Case: one test of a requirement, as a document with its verdict or as a script of steps that a role executes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal, TypeAlias, get_args

from conformance.words import Texts
from schemas.rulebook import Severity, catalogue

RoleName: TypeAlias = Literal["gateway", "publisher", "subscriber", "national"]
"""The closed list ``kit_role``, written out: the command line reads its choices from the type."""
ROLES: tuple[RoleName, ...] = get_args(RoleName)
Kind: TypeAlias = str
"""One of the closed list ``kit_kind``."""


def severity_on(code: str, day: date) -> Severity | None:
    """The severity of a rule for a document received on this day; None where the catalogue lacks it."""
    rule = catalogue().get(code)
    return None if rule is None else rule.severity_on(day)


@dataclass(frozen=True, slots=True)
class ExpectedVerdict:
    """The verdict that every judge must reach: code and JSON Pointer of each problem. ``open`` are problems that the
    protocol leaves open: a gateway may report them or not.
    """

    accepted: bool
    problems: frozenset[tuple[str, str]]
    open: frozenset[tuple[str, str]] = frozenset()

    def on(self, day: date) -> "ExpectedVerdict":
        """The verdict on a document that is received on this day: from the day of its rule on a warning refuses."""
        refused = any(severity_on(code, day) == "error" for code, _ in self.problems)
        return replace(self, accepted=self.accepted and not refused)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDocument:
    """A document to judge. ``template`` is its JSON value, or its text or bytes where JSON cannot hold it,
    padded with blanks to ``size`` bytes. ``on`` is the day that it was written for; ``live`` is False where the
    expected verdict holds only on that day or under that name.
    """

    kind: Kind
    template: Any
    on: date
    live: bool
    size: int | None
    expected: ExpectedVerdict


@dataclass(frozen=True, slots=True)
class Script:
    """Steps in order, each with its expectation."""

    steps: tuple["Step", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case. ``feature`` names an optional feature, ``also`` further ones that it needs; ``unsupported`` cases are
    for partners without them. ``severities`` are those that rules must have on the day of the run.
    """

    id: str
    requirements: tuple[str, ...]
    roles: frozenset[RoleName]
    title: Texts
    explanation: Texts
    mend: Texts
    subject: CaseDocument | Script
    feature: str | None = None
    also: tuple[str, ...] = ()
    unsupported: bool = False
    severities: Mapping[str, Severity] = field(default_factory=dict)

    @property
    def features(self) -> tuple[str, ...]:
        """Every optional feature without which it cannot be played: its own first, then those of its steps."""
        own = (*(() if self.feature is None else (self.feature,)), *self.also)
        if self.unsupported or not isinstance(self.subject, Script):
            return own
        called = {feature for step in self.subject.steps for feature in _features_of(step)}
        return (*own, *sorted(called - set(own)))

    @property
    def is_situational(self) -> bool:
        """Whether the case is for some targets or days only: on others it is omitted though no feature is absent."""
        if isinstance(self.subject, CaseDocument):
            return not self.subject.live
        return bool(self.severities) or any(map(_is_conditional, self.subject.steps))

    @property
    def family(self) -> str:
        """The folder of the case, its subject."""
        return self.id.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBody:
    """The body of a call, as a template. ``form`` is its encoding: an ``offer`` changes the valid offer, ``lines`` is
    NDJSON, ``base64`` are bytes, and ``json``, ``text`` and ``form`` say it. ``gzip``: compressed whole, truncated, a
    decompression bomb, or in two members. ``size``: padded with blanks to so many bytes.
    """

    form: str
    content: Any
    media_type: str
    gzip: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Expected answer: one of the statuses, and matchers (see ``script.matcher``) for the headers, the JSON body, the
    body as text, and the entries of an export (see ``script.export``). ``others`` are further answers that are right,
    each with statuses of its own; with a status of ``unless`` the case is not required.
    """

    status: tuple[int, ...]
    headers: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    text: Any = None
    entries: Any = None
    others: tuple["Expectation", ...] = ()
    unless: Sequence[int] = ()

    def of(self, status: int) -> "Expectation":
        """The expectation of an answer with this status; the first one where none has it."""
        return next((each for each in (self, *self.others) if status in each.status), self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStep:
    """One HTTP request of an account. ``keep`` names parts of the answer for later steps (JSON Pointer, or header);
    ``until`` is the time in seconds for which the call is repeated while the expectation is not met; ``together`` is
    the number of concurrent calls, each with the same expectation; ``where`` is a feature without which the call alone
    is left out.
    """

    account: str
    method: str
    path: str
    body: CallBody | None
    expect: Expectation
    headers: Mapping[str, str] = field(default_factory=dict)
    keep: Mapping[str, str] = field(default_factory=dict)
    until: float = 0.0
    together: int = 1
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Follow:
    """Read the changes feed to its end into the named copy, the account's own without a name. Expectations of the copy:
    ``holds`` and ``lacks`` (ids), ``offers`` (matchers by id), ``removed`` (reasons by id), ``once`` and ``never`` (ids
    in exactly one change, or in none).
    """

    account: str
    copy: str = ""
    query: str = ""
    expect: Mapping[str, Any] = field(default_factory=dict)
    until: float = 10.0


@dataclass(frozen=True, slots=True)
class Reads:
    """Read by every way out (see ``role.way_out``): lists, single offers, the feed from its start and at its end, the
    subscriber topic, exports. Expectations by ids: ``holds``; ``outside`` of the query, but to be read; ``hidden``;
    ``own``, which the reader publishes itself; ``gone`` and ``removed``, with the reason at the end of the feed;
    ``never`` there. ``offers`` are matchers by id, ``exported`` texts by id, ``silent`` texts that are in no answer;
    ``topic`` is a matcher for the configuration of the subscriber topic.
    """

    account: str
    query: str
    expect: Mapping[str, Any] = field(default_factory=dict)
    until: float = 10.0


@dataclass(frozen=True, slots=True)
class TokenStep:
    """Take a token of an account and keep it under a name; ``scope``: with this scope alone. Where the target gives a
    wider one, the case is not required.
    """

    account: str
    keep: str
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Only:
    """The rest of the case is required only where the kept values match. Where the set-up declares the territory of the
    account ``unless_declared``, they must.
    """

    values: Mapping[str, Any]
    unless_declared: str = ""


@dataclass(frozen=True, slots=True)
class Clear:
    """Withdraw every live offer of an account's platform, by an empty snapshot."""

    account: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Restart the target under load (the hook ``restart``); ``while_sending`` is the number of publications."""

    while_sending: int


@dataclass(frozen=True, slots=True)
class OrderStep:
    """Order the partner's platform to act, through its test interface."""

    action: str
    offer: str = ""


@dataclass(frozen=True, slots=True)
class AnswerStep:
    """Faults that the kit's gateway answers to the partner's next publications, in order; none ends pending ones."""

    faults: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Receive:
    """Matchers for the submissions of an offer that the kit's gateway must receive: ``after`` so many seconds, and
    within ``until`` more.
    """

    offer: str
    expect: Mapping[str, Any]
    until: float = 10.0
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class WatchStep:
    """An invariant over all submissions of the publisher in this run (see ``role.watch``)."""

    what: str


@dataclass(frozen=True, slots=True)
class Serve:
    """Pages that the kit's feed serves next, in order; each a page of changes or a fault."""

    pages: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Push:
    """A page that the kit posts to the subscriber's endpoint, in generation 1 of the case unless it names another (0: a
    test). ``signed``: by its own secret, or wrong in the way that it says; ``minutes`` from now; ``spaced``: as JSON of
    several lines; ``outcome``: taken (2xx), refused, or either. A refused page leaves the copy as it was.
    """

    push: Mapping[str, Any]
    signed: str = "own"
    minutes: int = 0
    spaced: bool = False
    outcome: str = "taken"


@dataclass(frozen=True, slots=True)
class Hold:
    """Expected state of the subscriber: ``holds`` (matchers by id), ``lacks`` (ids); and its requests: ``requests`` (a
    matcher), ``beginnings`` (number without a cursor).
    """

    expect: Mapping[str, Any]


Step: TypeAlias = (
    CallStep
    | Follow
    | Reads
    | TokenStep
    | Only
    | Clear
    | Restart
    | OrderStep
    | AnswerStep
    | Receive
    | WatchStep
    | Serve
    | Push
    | Hold
)


_ADDRESSES: Mapping[str, str] = {
    "/v1/offers/batch": "batch",
    "/v1/snapshots": "snapshots",
    "/v1/receipts": "receipts",
    "/v1/exports": "exports",
    "/v1/reference": "reference",
}
"""The optional features, by the beginning of their addresses."""


def _is_conditional(step: Step) -> bool:
    match step:
        case Only():
            return True
        case Reads(expect=expected):
            return "topic" in expected
        case TokenStep(scope=scope):
            return scope is not None
        case CallStep(expect=expected):
            return bool(expected.unless)
    return False


def _features_of(step: Step) -> Iterator[str]:
    match step:
        case Clear():
            yield "snapshots"
        case Restart():
            yield "restart"
        case Push():
            yield "push"
        case CallStep() if step.where is None:
            yield from (feature for begin, feature in _ADDRESSES.items() if step.path.startswith(begin))
            if "Idempotency-Key" in step.headers:
                yield "idempotency"
            if step.path.endswith("/moderation"):
                yield "moderation"


_FORMS: Mapping[str, str] = {
    **dict.fromkeys(("offer", "json", "text", "base64"), "application/json"),
    "lines": "application/x-ndjson",
    "form": "application/x-www-form-urlencoded",
}
"""The forms of a body, each with its media type."""
_STEPS: Mapping[str, Callable[..., Step]] = {
    "follow": Follow,
    "reads": Reads,
    "token": TokenStep,
    "only": Only,
    "clear": Clear,
    "restart": Restart,
    "order": OrderStep,
    "answer": AnswerStep,
    "receive": Receive,
    "watch": WatchStep,
    "serve": Serve,
    "push": Push,
    "hold": Hold,
}


def read_step(body: Mapping[str, Any]) -> Step:
    """A step from its JSON, already checked against the schema ``case`` and unfolded: one key names its kind, with the
    value of its first field; the other keys are those of its fields.
    """
    if "call" in body:
        return _read_call(**body)
    name = next(name for name in _STEPS if name in body)
    return _STEPS[name](body[name], **_without(body, name))


def _read_call(*, call: str, expect: Mapping[str, Any], **more: Any) -> Step:
    method, _, path = call.partition(" ")
    account, body, size, gzip = more.pop("as", "publisher"), None, more.pop("size", None), more.pop("gzip", None)
    media_type = more.pop("media_type", None)
    for form in _FORMS.keys() & more.keys():
        media_type, content = media_type or _FORMS[form], more.pop(form)
        body = CallBody(form=form, content=content, media_type=media_type, gzip=gzip, size=size)
    return CallStep(account=account, method=method, path=path, body=body, expect=_read_expectation(expect), **more)


def _read_expectation(expected: Mapping[str, Any]) -> Expectation:
    status, others = expected["status"], tuple(map(_read_expectation, expected.get("or", ())))
    statuses = tuple(status) if isinstance(status, list) else (status,)
    return Expectation(status=statuses, others=others, **_without(expected, "status", "or"))


def _without(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}
