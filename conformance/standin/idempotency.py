"""Idempotency keys: one answer to a POST per key, also if it is sent repeatedly (PUB-040 to PUB-045)."""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from hashlib import blake2b

from conformance.standin.exchange import HostAnswer, PartnerRequest, RefusedError, language_of, refused

_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_MAX_KEYS = 1_000
_ANSWER_BYTES = 256_000
_FAILED = 500
_BEFORE = frozenset({401, 429})
"""Statuses of requests that get no further than their token or their rate, as an observer may answer too."""
_RETRY = {"Retry-After": "5"}


@dataclass(slots=True)
class _Claim:
    """A key in use: what it was used for, and its answer once there is one that is kept."""

    digest: str
    running: bool = True
    answer: HostAnswer | None = None


class Requests:
    """The last thousand keys, by partner."""

    def __init__(self) -> None:
        self._claims: OrderedDict[tuple[str, str], _Claim] = OrderedDict()

    async def once(self, ask: PartnerRequest, content: str, run: Callable[[bool], Awaitable[HostAnswer]]) -> HostAnswer:
        """The answer of ``run``, or the one that was given before under this key; ``content`` is a digest. ``run`` is
        called with whether the same request was begun before without an answer. Raises RefusedError.
        """
        key = ask.headers.get("Idempotency-Key")
        if key is None:
            return await run(False)
        if not _KEY.fullmatch(key):
            raise refused("idempotency-key")
        digest = blake2b(f"{ask.method} {ask.target}\n{content}".encode(), digest_size=20).hexdigest()
        known = self._claims.get((ask.platform, key))
        if known is not None and known.digest != digest:
            raise refused("idempotency-reused")
        if known is not None and known.running:
            raise refused("idempotency-running", headers=_RETRY)
        if known is not None and known.answer is not None:
            return replace(known.answer, headers={**known.answer.headers, "Idempotency-Replayed": "true"})
        claim = self._claims[ask.platform, key] = _Claim(digest)
        if len(self._claims) > _MAX_KEYS:
            self._claims.popitem(last=False)
        return await self._run(ask, claim, run, resumed=known is not None)

    async def _run(
        self, ask: PartnerRequest, claim: _Claim, run: Callable[[bool], Awaitable[HostAnswer]], *, resumed: bool
    ) -> HostAnswer:
        try:
            answer = await run(resumed)
        except RefusedError as error:
            answer = error.answer
        finally:
            claim.running = False
        written = answer.content(language_of(ask))
        if answer.closed or answer.cut or answer.status >= _FAILED or answer.status in _BEFORE:
            return answer
        if len(written) <= _ANSWER_BYTES:
            claim.answer = HostAnswer(answer.status, written, answer.all_headers(language_of(ask)))
        return answer
