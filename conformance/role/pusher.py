"""Pushes to the endpoint of a subscriber: signed pages, as a gateway sends them, and those that it would never send."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from typing import Any

import orjson

from conformance import clock
from conformance.model.case import Push
from conformance.model.result import Deviation
from conformance.role.partner import ControlClient
from conformance.target.setup import SetupError
from conformance.target.wire import Reply, Wire
from conformance.words import Texts, joined, plain, say

SECONDS = 20.0
"""The time in which a gateway needs the answer."""
_KEY_BYTES = 24
_MINUTE = 60


class Pusher:
    """Posts to one endpoint under one secret. ``first``: the number of the case's first generation, above those of all
    cases before it.
    """

    def __init__(self, wire: Wire, secret: str, first: int) -> None:
        self._wire = wire
        self._secret = secret
        self._first = first

    async def push(self, step: Push, page: Mapping[str, Any]) -> Reply:
        """The answer to a page, signed as the step says."""
        generation = step.push.get("generation", 1)
        body = {"more": True, **page, "generation": self._first + generation if generation else 0}
        text = json.dumps(body, indent=1).encode() if step.spaced else orjson.dumps(body)
        return await self._wire.call("POST", "", headers=self._headers(step, text), body=_sent(step, text), waits=False)

    def _headers(self, step: Push, body: bytes) -> dict[str, str]:
        at = clock.milliseconds() // 1_000 + step.minutes * _MINUTE
        message = "msg_" + hashlib.sha256(body).hexdigest()[:24]
        own, other = (_signature(secret, message, at, body) for secret in (self._secret, new_secret()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message,
            "webhook-timestamp": str(at),
            "webhook-signature": {
                "other": other,
                "both": f"{other} v1a,{base64.b64encode(body[:64]).decode()} {own}",
            }.get(step.signed, own),
        }
        match step.signed:
            case "none":
                del headers["webhook-signature"]
            case "id":
                headers["webhook-id"] = f"{message}x"
            case "time":
                headers["webhook-timestamp"] = str(at + 1)
        return headers


async def open_endpoint(control: ControlClient, wire: Wire, first: int) -> Pusher:
    """Agree on a new secret with the platform, which names its endpoint. Raises SetupError, also where it has none."""
    secret = new_secret()
    try:
        answer = await control.order("receive", secret=secret)
    except SetupError as error:
        raise SetupError(error.text, step=say("push-feature-step")) from error
    url = answer.get("url") if isinstance(answer, dict) else None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise SetupError(say("control-no-url"), step=say("control-url-step"))
    return Pusher(wire.elsewhere(url), str(answer.get("secret", secret)), first)


def new_secret() -> str:
    """A random secret, as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(os.urandom(_KEY_BYTES)).decode()


def answer_fault(step: Push, reply: Reply, location: Texts) -> list[Deviation]:
    """The finding on an answer that is not the one that the step wants."""
    location = joined((location, say("at-endpoint")), ", ")
    if reply.status == 0:
        return [Deviation(location, say("push-answered"), reply.summary)]
    taken = is_taken(reply)
    if step.outcome == "taken" and not taken:
        return [Deviation(location, say("push-taken"), reply.summary)]
    if step.outcome == "refused" and taken:
        return [Deviation(location, say("push-refused"), reply.summary)]
    return []


def is_taken(reply: Reply) -> bool:
    """Whether the endpoint has taken the page."""
    return 200 <= reply.status < 300


def copy_fault(before: Mapping[str, Any], after: Mapping[str, Any], location: Texts) -> list[Deviation]:
    """The finding on a copy that a refused page has changed."""
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [Deviation(location, say("copy-unchanged"), plain(", ".join(changed)))] if changed else []


def _signature(secret: str, message: str, at: int, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{message}.{at}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


def _sent(step: Push, body: bytes) -> bytes:
    """The body as it is sent: with a blank that was not signed where it was changed on the way."""
    return body + b" " if step.signed == "changed" else body
