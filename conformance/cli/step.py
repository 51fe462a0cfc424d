"""Headings of a case's steps, for ``explain``: their numbers, as in findings, and what each step does."""

from collections.abc import Mapping
from typing import Any

from conformance.model.case import (
    AnswerStep,
    CallStep,
    Clear,
    Follow,
    Hold,
    Only,
    OrderStep,
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
    what = _towards_target(step) or _at_kit(step)
    name = say("step", number=number)
    return name if what is None else say("at", location=name, text=what)


def _towards_target(step: Step) -> Texts | None:
    match step:
        case CallStep():
            return say("step-call", account=step.account)
        case Follow():
            return say("step-follow", account=step.account)
        case Reads():
            return say("step-reads", account=step.account)
        case TokenStep():
            return say("step-token", account=step.account, scope=step.scope or "*")
        case Clear():
            return say("step-clear")
        case OrderStep():
            return say("step-order")
        case Restart():
            return say("step-restart", number=step.while_sending)
    return None


def _at_kit(step: Step) -> Texts | None:
    """A step of the kit's own servers, which no command shows."""
    match step:
        case AnswerStep(()):
            return say("step-answer-plain")
        case AnswerStep():
            return say("step-answer", faults=joined(map(_fault, step.faults), ", "))
        case Receive():
            return say("step-receive", seconds=f"{step.after + step.until:g}")
        case WatchStep():
            return say("step-watch")
        case Serve():
            return say("step-serve", pages=joined(map(_fault, step.pages), ", "))
        case Hold():
            return say("step-hold")
        case Only():
            return say("step-only")
    return None


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
