"""Sign-in at the desk: links for persons of a platform, and the end of all its sessions."""

from gateway.operate.desk import Desk, RefusedActError, active
from gateway.partners.session import MAX_NAME_CHARACTERS, end, open_sessions, person_of
from gateway.partners.sign_in import SignIns
from gateway.protocol.partner import Partner


async def make_link(desk: Desk, sign_ins: SignIns, slug: str, person: str) -> tuple[str, int]:
    """The sealed text of a link for a person of a platform, and until when it can be used. The journal has the act,
    never the person. Raises RefusedActError, LogError.
    """
    name = person_of(person)
    if name is None:
        raise RefusedActError("invalid", f"The name of a person has 1 to {MAX_NAME_CHARACTERS} printable characters.")
    partner = active(desk.partners.get(slug), slug)
    async with desk.acting("partner.link", slug):
        return sign_ins.link(partner, name)


async def end_sessions(desk: Desk, slug: str) -> int:
    """End all sessions of a platform's persons at once; their number. Raises as ``add_partner``."""
    at = desk.clock()
    open_now = len(open_sessions(active(desk.partners.get(slug), slug), now=at))

    def edit(present: Partner | None) -> Partner:
        return end(active(present, slug), now=at)

    await desk.change("partner.sign-out", slug, edit)
    return open_now
