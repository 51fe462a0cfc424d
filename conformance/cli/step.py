"""Headings of a case's steps, for ``explain``: their numbers, as in findings, and what each step does."""

from collections.abc import Callable, Mapping
from typing import Any

from conformance.model.case import (
    AnswerStep,
    CallStep,
    Clear,
    Follow,
    Hold,
    Only,
    OrderStep,
    Push,
    Reads,
    Receive,
    Restart,
    Serve,
    Step,
    TokenStep,
    WatchStep,
)
from conformance.words import Texts, joined, plain, say


def heading(number: int, step: Step) -> Texts:
    """The number by which findings name a step, and what it does."""
    return say("at", location=say("step", number=number), text=_TEXTS[type(step)](step))


def _fault(fault: Mapping[str, Any]) -> Texts:
    """A fault, or a page without one, that the kit's server answers."""
    texts: Mapping[str | None, Texts] = {
        None: say("fault-none", number=len(fault.get("changes", ()))),
        "unavailable": plain(503),
        "busy": plain(429),
        "expired-token": plain(401),
        "resync": plain(410),
        "lost": say("fault-lost"),
        "cut": say("fault-cut"),
        "slow": say("fault-slow"),
        "held-mark": say("fault-held-mark"),
        "not-ready": say("fault-not-ready"),
        "needs-confirmation": say("fault-needs-confirmation"),
        "running": say("fault-running"),
        "refused": say("fault-refused"),
        "accepted": say("fault-accepted"),
    }
    name = fault.get("fault")
    return texts.get(name, plain(name))


_TEXTS: Mapping[type, Callable[[Any], Texts]] = {
    CallStep: lambda step: say("step-call", account=step.account),
    Follow: lambda step: say("step-follow", account=step.account),
    Reads: lambda step: say("step-reads", account=step.account),
    TokenStep: lambda step: say("step-token", account=step.account, scope=step.scope or "*"),
    Clear: lambda _: say("step-clear"),
    OrderStep: lambda _: say("step-order"),
    Restart: lambda step: say("step-restart", number=step.while_sending),
    AnswerStep: lambda step: (
        say("step-answer", faults=joined(map(_fault, step.faults), ", ")) if step.faults else say("step-answer-plain")
    ),
    Receive: lambda step: say("step-receive", seconds=f"{step.after + step.until:g}"),
    WatchStep: lambda _: say("step-watch"),
    Push: lambda step: say("step-push", number=len(step.push.get("changes", ()))),
    Serve: lambda step: say("step-serve", pages=joined(map(_fault, step.pages), ", ")),
    Hold: lambda _: say("step-hold"),
    Only: lambda _: say("step-only"),
}
