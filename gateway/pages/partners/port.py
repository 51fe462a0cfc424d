"""What the page of the platforms needs of the gateway."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.operate.desk import Desk
from gateway.partners.sign_in import Signed, SignIns
from gateway.protocol.partner import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnersPort:
    """The functions. ``catch_up`` reads what other processes wrote. ``desk``: for the acts of the person of a session,
    with a reason. ``url``: the public URL, for links.
    """

    clock: Callable[[], int]
    catch_up: Callable[[], Awaitable[None]]
    all: Callable[[], Sequence[Partner]]
    get: Callable[[str], Partner | None]
    desk: Callable[[Signed, str | None], Desk]
    sign_ins: SignIns
    url: str
