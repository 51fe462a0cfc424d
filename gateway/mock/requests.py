"""The last requests to the mock with their answers, without secrets and personal data: ``GET /mock/requests``."""

from collections import deque
from typing import Any

import orjson
from multidict import CIMultiDict

from gateway.mock.front import ReceivedRequest, SentAnswer
from schemas.recording import masked, masked_headers, masked_text

PATH = "/mock/requests"
_MAX_KEPT = 200


class SeenRequests:
    """The last 200 requests, in order."""

    def __init__(self) -> None:
        self._kept: deque[dict[str, Any]] = deque(maxlen=_MAX_KEPT)

    def note(self, received: ReceivedRequest, answered: SentAnswer, milliseconds: int, fault: str) -> None:
        """Keep a request; those for this list are not kept. An answer that was not sent has the status 0."""
        if received.url.path == PATH:
            return
        self._kept.append(
            {
                "method": received.method,
                "target": masked_text(received.target),
                "headers": masked_headers(received.headers),
                "body": masked(received.body),
                "status": 0 if answered.closed else answered.status,
                "answer_headers": masked_headers(answered.headers),
                "answer": masked(answered.body),
                "milliseconds": milliseconds,
                **({"fault": fault} if fault else {}),
            }
        )

    def answer(self) -> SentAnswer:
        """The list as JSON."""
        headers = CIMultiDict({"Content-Type": "application/json", "Cache-Control": "no-store"})
        return SentAnswer(200, headers, orjson.dumps({"requests": list(self._kept)}))
