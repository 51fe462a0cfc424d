"""Create or change a partner from a profile. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from adapters.profile.profile import Profile
from gateway.partners.onboarding import PartnerInput, new_partner
from gateway.protocol.partner import Partner, Scope, Secret

_PUBLISH: Scope = "offers:publish"
_READ: Scope = "offers:read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The partner, ``created`` if it is new: then it needs a secret to authenticate.

    ``kept``: the members of the profile that differ from the partner, which keeps its own values.
    """

    partner: Partner
    created: bool
    kept: tuple[str, ...] = ()

    def with_secret(self, secret: Secret) -> Partner:
        """The partner with its first secret; it joins at the secret's creation."""
        return replace(self.partner, secrets=(secret,), joined_at=secret.created_at)


def join(profile: Profile, partners: Sequence[Partner]) -> Joined | tuple[str, ...]:
    """The partner of a profile, or its problems, one sentence each.

    A platform with a pulled feed may only read: two writers would undo each other's changes. An existing partner keeps
    its credentials, its other scopes, its territory unless the profile names one, and its national delivery, which is
    changed in a separate step.
    """
    others = [one for one in partners if one.platform != profile.platform or one.revoked]
    existing = next((one for one in partners if one.platform == profile.platform and not one.revoked), None)
    scopes = (_READ,) if profile.pulled else (_PUBLISH, _READ)
    wish = PartnerInput(
        name=profile.name,
        scopes=scopes,
        departments=sorted(profile.territory),
        hosts=profile.hosts,
        national_delivery=profile.national_delivery,
    )
    made = new_partner(profile.platform, wish, others=others)
    if not isinstance(made, Partner):
        return made
    made = replace(made, profile=profile.document)
    if existing is None:
        return Joined(partner=made, created=True)
    changed = replace(
        existing,
        name=made.name,
        hosts=made.hosts,
        scopes=made.scopes | (existing.scopes - {_PUBLISH, _READ}),
        territory=made.territory if "territory" in profile.document else existing.territory,
        profile=profile.document,
    )
    return Joined(partner=changed, created=False, kept=tuple(_kept(profile, changed)))


def _kept(profile: Profile, partner: Partner) -> Iterator[str]:
    """The members that the profile sets explicitly and that differ from the partner."""
    if "national_delivery" in profile.document and profile.national_delivery != partner.national_delivery:
        yield "national_delivery"
    if "region" in profile.document and profile.territory != partner.territory:
        yield "region"
