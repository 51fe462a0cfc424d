"""The commands to the relay, five values each about one offer; and ``Known``, the state that they are compared with."""

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, TypeAlias

from orjson import Fragment

from gateway.protocol.value import value
from schemas.closed_list import closed_list

Json: TypeAlias = Mapping[str, Any]
Reason: TypeAlias = str
"""One of ``REASONS``."""
OUT_OF_SCOPE = "out-of-scope"
REASONS: frozenset[Reason] = frozenset(closed_list("removal")) - {OUT_OF_SCOPE}
"""The reason of a withdrawal: the reasons of publishers (the closed list ``withdrawn``), and the gateway's own."""
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""W3C Trace Context, of any version."""


@value(frozen=True, slots=True, kw_only=True)
class Publish:
    """A publisher's offer, already accepted by ``schemas.check``.

    ``digest`` is the content digest (hex) of the document as it was sent, ``offer`` its normalised and redacted form:
    parsed, or (``skim_submission``) as raw JSON from the log. ``audiences`` are those that may see it.
    ``mark`` is set on snapshot items only: the submissions offset of this partition that the snapshot's mark signed.
    ``upload`` is the id of the batch or snapshot that the offer came in (``upload_id``), None for a single offer.
    ``release`` is what it was judged under; earlier versions of the gateway did not say.
    """

    receipt: str
    publisher: str
    id: str
    revision: int
    digest: str
    offer: Json | Fragment
    audiences: tuple[str, ...]
    territory: Json
    expires_on: str
    problems: tuple[Json, ...] = ()
    provenance: tuple[str, ...] = ()
    mark: int | None = None
    traceparent: str | None = None
    upload: str | None = None
    release: str | None = None


@value(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """A publisher takes its offer back, with a revision of its own."""

    receipt: str
    publisher: str
    id: str
    revision: int
    reason: Reason
    digest: str
    traceparent: str | None = None
    upload: str | None = None


@value(frozen=True, slots=True, kw_only=True)
class Retire:
    """The gateway withdraws an offer that is unchanged since it was read: loses to any newer change (WDR-006).

    ``before`` (absence only): the offer must last have been accepted at a submissions offset below it; ``upload`` is
    then the snapshot's id. ``why`` (moderation only) is the reason for the publisher to read.
    """

    receipt: str
    id: str
    if_revision: int
    reason: Reason
    before: int | None = None
    upload: str | None = None
    why: str | None = None


@value(frozen=True, slots=True, kw_only=True)
class Lift:
    """The operator ends a moderation; the publisher may then publish again. ``why`` as for ``Retire``."""

    receipt: str
    id: str
    if_revision: int
    why: str | None = None


@value(frozen=True, slots=True, kw_only=True)
class Forget:
    """Replace a marker that is old enough by a true tombstone, if it is still the same one."""

    receipt: str
    id: str
    if_sequence: int


Submission: TypeAlias = Publish | Withdraw | Retire | Lift | Forget


@value(frozen=True, slots=True, kw_only=True)
class Known:
    """The state of one offer, complete for ``decide``; every record of ``offers`` carries it.

    ``position`` is the submissions offset of the last accepted change, ``appended_at`` its append time (ms since 1970).
    ``shared`` names the audiences that were ever allowed to see the offer: ``regions``, ``national``. ``never`` are the
    platforms to which no revision was shown, because each revision for their audience had passed there.
    """

    revision: int
    digest: str
    sequence: int
    position: int
    appended_at: int
    reason: Reason | None = None
    expires_on: str | None = None
    provenance: tuple[str, ...] = ()
    shared: frozenset[str] = field(default_factory=frozenset)
    never: frozenset[str] = field(default_factory=frozenset)

    @property
    def published(self) -> bool:
        """Whether the offer is live: it has no reason of withdrawal."""
        return self.reason is None


def valid_traceparent(text: str | None) -> str | None:
    """A partner's ``traceparent`` as it is; None when there is none or it is malformed (PUB-007): it is forwarded
    to every reader, so that it must carry nothing else.
    """
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None
