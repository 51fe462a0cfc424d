"""The operator's desk of commands that act: log, partners and journal, and who acts (ADR 0032)."""

import getpass
import inspect
import os
import pwd
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import wraps
from pathlib import PurePath
from typing import Annotated, Any, Concatenate, ParamSpec

import typer
from rich.text import Text

from gateway.cli.console import ERR, CommandError, asynchronous
from gateway.cli.operator_context import log_here, secret_here, settings_here
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.journal import Journal
from gateway.operate.transfer.restore import refuse_incomplete_import
from gateway.partners import Partners
from gateway.protocol.journal import Actor, clean_name, clean_reason, plain_reason
from gateway.protocol.topic import COMMON, CONTACTS, JOINING, JOURNAL, NOTICES, OPERATORS, RELEASES
from gateway.runtime.lock import write_lock

_LOCK_SECONDS = 60.0
_NO_SHELLS = frozenset({"nologin", "false"})
_ADDED = frozenset({JOURNAL, OPERATORS, CONTACTS, NOTICES, JOINING, RELEASES})
"""Topics that a log of an earlier version has not."""
_LAST = frozenset({"lang", "as_json"})
"""Options that every command has at the end."""

Arguments = ParamSpec("Arguments")

_STEPS = {
    "unknown": "passerelle partner list shows them all",
    "revoked": "passerelle partner add {0} adds it again",
    "invalid": "correct that, then run the same command again",
    "present": "passerelle partner rotate {0} gives it a new secret; passerelle partner set {0} changes its rights",
    "no-certificate": "passerelle partner show {0} shows its certificates",
    "nonce-used": "issue another one: passerelle certificate nonce {0}",
    "release-unknown": "install a version of the gateway that knows it",
    "release-early": "choose that day or a later one",
    "release-begun": "a release that has begun is taken back only while no offer, live or accepted, has its fields",
    "release-lacking": "replace them first; a replica that has stopped is forgotten after an hour",
    "end-in-use": "tell them, or end it all the same: --force with --reason",
    "no-feed": "passerelle platform list shows the platforms that have one",
    "no-account": "start the gateway with PASSERELLE_NATIONAL set, or name an account with --account",
}

Slug = Annotated[str, typer.Argument(metavar="SLUG", help="The platform's slug, such as bretagne.")]
By = Annotated[
    str | None,
    typer.Option(
        "--by",
        metavar="NAME",
        help="Who does it, for the journal; by default PASSERELLE_OPERATOR, else the login name.",
    ),
]
Why = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", help="The reason, for the journal; no names of persons."),
]


def acting(
    *, alone: bool = True, steps: Mapping[str, str] | None = None
) -> Callable[[Callable[Concatenate[Desk, Arguments], Coroutine[Any, Any, None]]], Callable[..., None]]:
    """A coroutine function whose first parameter is the desk, as a command with the options ``--by`` and ``--reason``;
    its first argument, if it has one, names what the act is about. The rest is as in ``desk_here``.
    """

    def decorate(act: Callable[Concatenate[Desk, Arguments], Coroutine[Any, Any, None]]) -> Callable[..., None]:
        _, *own = inspect.signature(act).parameters.values()
        named = [one.name for one in own if one.kind is not inspect.Parameter.KEYWORD_ONLY]

        @asynchronous
        @wraps(act)
        async def command(*given: Any, by: str | None = None, why: str | None = None, **options: Any) -> None:
            about = " ".join(str(options[name]) for name in named[:1])
            async with desk_here(by, why, about, alone=alone, steps=steps) as desk:
                await act(desk, *given, **options)

        who = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            for name, kind in (("by", By), ("why", Why))
        ]
        usual = [one for one in own if one.name not in _LAST]
        parameters = [*usual, *who, *(one for one in own if one.name in _LAST)]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        return command

    return decorate


@asynccontextmanager
async def desk_here(
    by: str | None,
    why: str | None,
    about: str,
    *,
    make: bool = False,
    alone: bool = True,
    steps: Mapping[str, str] | None = None,
) -> AsyncIterator[Desk]:
    """The desk on the log of the settings. ``alone``: other commands of this machine that change partners wait.

    Raises CommandError as ``log_here`` does, for a name or a reason that no entry may have, while an import into the
    log is not complete, if concurrent changes conflict repeatedly, and for a refused act; nothing is written then. The
    remedy of a refusal is among ``steps``, or a usual one.
    """
    actor, reason = actor_here(by), reason_of(why)
    settings = settings_here()
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(log_here(make=make))
        await refuse_incomplete_import(log)
        if settings.kafka is None:  # of a log of an earlier version; on Kafka, topics belong to the operator
            await log.create_topics(topic for topic in COMMON if topic.name in _ADDED)
        if alone:
            await stack.enter_async_context(write_lock(settings.data / "partners.lock", patience=_LOCK_SECONDS))
        journal = Journal(log, secret=secret_here())
        stack.push_async_callback(journal.close)
        partners = await stack.enter_async_context(Partners(log).caught_up_once())
        try:
            yield Desk(log=log, partners=partners, journal=journal, actor=actor, why=reason)
        except RefusedActError as error:
            step = {**_STEPS, **(steps or {})}.get(error.refusal, "run the command again")
            raise CommandError(str(error), step=step.format(about)) from error


def actor_here(by: str | None) -> Actor:
    """The person who acts: as given, of the settings, or by the login name. Raises CommandError."""
    name = by if by is not None else settings_here().operator or _login()
    try:
        return Actor(name=clean_name(name))
    except ValueError as error:
        raise CommandError(f"{error}.", step="name yourself by --by or PASSERELLE_OPERATOR") from error


def reason_of(why: str | None) -> str | None:
    """The reason for the journal, without contact data, which is said. Raises CommandError."""
    if why is None:
        return None
    try:
        reason = clean_reason(why)
    except ValueError as error:
        raise CommandError(f"{error}.", step="give a shorter reason, in one or several lines of text") from error
    if reason != (plain_reason(why) or None):
        ERR.print(Text("Contact data was left out of the reason."))
    return reason


def _login() -> str:
    """The login name; the number of the user where the system has no name for it. Raises CommandError for an account
    without a login shell, such as the gateway's own: it is no person.
    """
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}"
    try:
        shell = pwd.getpwnam(name).pw_shell
    except KeyError:  # such as a person whom LOGNAME names
        return name
    if PurePath(shell).name in _NO_SHELLS:
        raise CommandError(f"{name} is the account of a service.", step="name yourself by --by or PASSERELLE_OPERATOR")
    return name
