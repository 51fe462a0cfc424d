"""The operator's desk of commands that act: log, partners and journal, and who acts."""

import getpass
import os
import pwd
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import PurePath
from typing import Annotated

import typer
from rich.text import Text

from gateway.cli.console import ERR, CommandError
from gateway.cli.operator_context import log_here, settings_here
from gateway.operate.desk import Desk, RefusedActError
from gateway.operate.journal import Journal
from gateway.operate.transfer.restore import refuse_incomplete_import
from gateway.partners import Partners
from gateway.protocol.journal import Actor, clean_name, clean_reason
from gateway.protocol.topic import COMMON, JOURNAL, OPERATORS
from gateway.runtime.keys import load_secret
from gateway.runtime.lock import write_lock

_LOCK_SECONDS = 60.0
_NO_SHELLS = frozenset({"nologin", "false"})

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


@asynccontextmanager
async def desk_here(
    by: str | None, why: str | None = None, *, make: bool = False, alone: bool = True
) -> AsyncIterator[Desk]:
    """The desk on the log of the settings. ``alone``: other commands of this machine that change partners wait.

    Raises CommandError as ``log_here`` does, for a name or a reason that no entry may have, while an import into the
    log is not complete, and if concurrent changes conflict repeatedly; nothing is written then.
    """
    actor, reason = actor_here(by), reason_of(why)
    settings = settings_here()
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(log_here(make=make))
        await refuse_incomplete_import(log)
        if settings.kafka is None:  # of a log of an earlier version; on Kafka, topics belong to the operator
            await log.create_topics(topic for topic in COMMON if topic.name in {JOURNAL, OPERATORS})
        if alone:
            await stack.enter_async_context(write_lock(settings.data / "partners.lock", patience=_LOCK_SECONDS))
        journal = Journal(log, secret=load_secret(settings.secret, folder=settings.data))
        stack.push_async_callback(journal.close)
        partners = await stack.enter_async_context(Partners(log).caught_up_once())
        yield Desk(log=log, partners=partners, journal=journal, actor=actor, why=reason)


@asynccontextmanager
async def explained(slug: str, steps: Mapping[str, str] | None = None) -> AsyncIterator[None]:
    """Translate a refused act on a platform into a CommandError with its remedy; ``steps`` replace the usual ones."""
    usual = {
        "unknown": "passerelle partner list shows them all",
        "revoked": f"passerelle partner add {slug} adds it again",
        "invalid": "correct that, then run the same command again",
        "present": f"passerelle partner rotate {slug} gives it a new secret; "
        f"passerelle partner set {slug} changes its rights",
        "no-certificate": f"passerelle partner show {slug} shows its certificates",
        "nonce-used": f"issue another one: passerelle certificate nonce {slug}",
        "no-feed": "passerelle platform list shows the platforms that have one",
        "feed-paused": f"passerelle resume {slug} lets it be pulled again",
        "no-account": "start the gateway with PASSERELLE_NATIONAL set, or name an account with --account",
    }
    try:
        yield
    except RefusedActError as error:
        step = {**usual, **(steps or {})}.get(error.refusal, "run the command again")
        raise CommandError(str(error), step=step) from error


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
    if reason != why.strip():
        ERR.print(Text("Contact data was left out of the reason."), soft_wrap=True)
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
