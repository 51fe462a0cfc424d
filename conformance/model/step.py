"""Steps of a script: a union of small values, read from a case's JSON. What they do is the roles' affair."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Squeeze: TypeAlias = Literal["whole", "cut", "bomb"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What a call carries, as a template. ``form`` says how it is written: an ``offer`` changes the sound offer,
    ``lines`` is NDJSON, ``base64`` are bytes. ``gzip``: compressed whole, cut off in the middle, or inflating without
    end.
    """

    form: Literal["offer", "json", "text", "base64", "lines", "form"]
    content: Any
    media_type: str
    gzip: Squeeze | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What an answer must be: one of the statuses, and matchers for headers and body (see ``script.matcher``)."""

    status: tuple[int, ...]
    headers: Mapping[str, Any]
    body: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request of an account. ``keep`` names parts of the answer for later steps (JSON Pointer, or header);
    ``until`` repeats the call for so many seconds until the expectation is met; ``together`` sends it so many times
    at once and expects the same of each.
    """

    account: str
    method: str
    path: str
    headers: Mapping[str, str]
    body: Body | None
    expect: Expectation
    keep: Mapping[str, str]
    until: float = 0.0
    together: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """Read the changes feed to its end into a copy of that name, and expect of the copy: ``holds`` and ``lacks`` (ids),
    ``offers`` (matchers by id), ``removed`` (reasons by id), ``never`` (ids that no page may have told of). ``pages``
    bounds how many pages are read now.
    """

    account: str
    copy: str
    query: str
    expect: Mapping[str, Any]
    until: float
    pages: int | None


@dataclass(frozen=True, slots=True)
class Clear:
    """Withdraw whatever is live of an account's platform, by a snapshot of nothing."""

    account: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Have the target ended and started again in the middle of what it does (the hook ``restart``)."""

    while_sending: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Tell the partner's platform to do something, through its test interface; where it has none, a person is asked."""

    action: Literal["create", "change", "withdraw", "reset", "sync"]
    offer: str
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """How the kit's gateway answers the partner's next publications: as it would, or with these faults first."""

    faults: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """What the kit's gateway must have been sent for an offer, within so many seconds (matchers)."""

    offer: str
    expect: Mapping[str, Any]
    until: float


@dataclass(frozen=True, slots=True)
class Watch:
    """What must be true of all that the publisher sent in this run (see ``role.book``)."""

    what: str


@dataclass(frozen=True, slots=True)
class Serve:
    """Pages that the kit's feed gives next, in order; each a page of changes or a fault."""

    pages: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """What the subscriber must have in the end: ``holds`` (matchers by id), ``lacks`` (ids); and how it asked:
    ``requests`` (a matcher), ``beginnings`` (how often without a cursor).
    """

    expect: Mapping[str, Any]


Step: TypeAlias = Call | Follow | Clear | Restart | Order | Answer | Receive | Watch | Serve | Hold


def read_step(body: Mapping[str, Any]) -> Step:
    """A step from its JSON, which the schema ``case`` has checked: its first key says what it is."""
    return _READERS[next(name for name in _READERS if name in body)](body)


def _read_follow(body: Mapping[str, Any]) -> Step:
    return Follow(
        account=body["follow"],
        copy=body.get("copy", body["follow"]),
        query=body.get("query", ""),
        expect=body.get("expect", {}),
        until=body.get("until", 10),
        pages=body.get("pages"),
    )


_MEDIA_TYPES: Mapping[str, str] = {
    "offer": "application/json",
    "json": "application/json",
    "text": "application/json",
    "base64": "application/json",
    "lines": "application/x-ndjson",
    "form": "application/x-www-form-urlencoded",
}


def _read_call(body: Mapping[str, Any]) -> Step:
    method, _, path = body["call"].partition(" ")
    expected = body["expect"]
    status = expected["status"]
    return Call(
        account=body.get("as", "publisher"),
        method=method,
        path=path,
        headers=body.get("headers", {}),
        body=_read_body(body),
        expect=Expectation(
            status=tuple(status) if isinstance(status, list) else (status,),
            headers=expected.get("headers", {}),
            body=expected.get("body"),
        ),
        keep=body.get("keep", {}),
        until=body.get("until", 0.0),
        together=body.get("together", 1),
    )


def _read_body(body: Mapping[str, Any]) -> Body | None:
    for form, media_type in _MEDIA_TYPES.items():
        if form in body:
            return Body(
                form=form,  # type: ignore[arg-type]  # the table's keys are the forms
                content=body[form],
                media_type=body.get("media_type", media_type),
                gzip=body.get("gzip"),
            )
    return None


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Step]] = {
    "call": _read_call,
    "follow": _read_follow,
    "clear": lambda body: Clear(body["clear"]),
    "restart": lambda body: Restart(body["restart"]),
    "order": lambda body: Order(action=body["order"], offer=body.get("offer", ""), expect=body.get("expect", {})),
    "answer": lambda body: Answer(tuple(body["answer"])),
    "receive": lambda body: Receive(offer=body["receive"], expect=body["expect"], until=body.get("until", 10)),
    "watch": lambda body: Watch(body["watch"]),
    "serve": lambda body: Serve(tuple(body["serve"])),
    "hold": lambda body: Hold(body["hold"]),
}
