"""Playing cases against a partner of these tests, as the command would."""

import socket
from collections.abc import Sequence
from dataclasses import replace

from conformance.clock import today
from conformance.model.case import Case, Role
from conformance.model.library import cases
from conformance.model.result import Result
from conformance.role.publisher import publisher_role
from conformance.role.runner import Player, run_cases
from conformance.role.subscriber import subscriber_role
from conformance.target.setup import Account, Setup
from tests.conformance.partner_places import SECRET, Partner, Publisher, interface


def cases_of(role: Role) -> list[Case]:
    return [case for case in cases() if role in case.roles]


def role_of(made: type[Partner]) -> Role:
    return "publisher" if issubclass(made, Publisher) else "subscriber"


def setup_for(made: type[Partner]) -> Setup:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    role = role_of(made)
    account = Account(platform=made.slug, client_id=made.slug, secret=SECRET)
    return Setup(role=role, target="", accounts={role: account}, listen=f"127.0.0.1:{port}", observe=0.1)


async def played(made: type[Partner], chosen: Sequence[Case], *, patience: float = 1.0) -> list[Result]:
    setup = replace(setup_for(made), patience=patience)
    async with interface(made(f"http://{setup.listen}")) as control:
        there = replace(setup, control=control)
        playing = publisher_role if there.role == "publisher" else subscriber_role
        async with playing(there, seed="s", day=today) as player:
            role: Player = player
            return await run_cases(chosen, role, there, on=today())
