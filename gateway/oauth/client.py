"""A partner as an OAuth client of Authlib: its scopes, and its authentication by secret."""

from authlib.oauth2.rfc6749 import ClientMixin

from gateway.oauth.refusal import RefusalError
from gateway.partners.credential import matching_secret
from gateway.protocol.partner import SCOPES, Partner, Secret

GRANT_TYPE = "client_credentials"
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
KEY_METHOD = "private_key_jwt"
METHODS = (*SECRET_METHODS, KEY_METHOD)


class OAuthClient(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """One partner at one instant."""

    def __init__(self, partner: Partner, *, now: int) -> None:
        self.partner = partner
        self.secret: Secret | None = None
        """The secret that authenticated it; None before."""
        self._now = now

    def get_client_id(self) -> str:
        """The slug of the platform."""
        return self.partner.platform

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether the text is one of the live secrets."""
        self.secret = matching_secret(client_secret, self.partner.secrets, now=self._now)
        return self.secret is not None

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Every method is allowed; the partner's credentials decide."""
        return endpoint == "token" and method in METHODS

    def check_grant_type(self, grant_type: str) -> bool:
        """Client credentials only."""
        return bool(grant_type == GRANT_TYPE)

    def granted(self, requested: str | None) -> tuple[str, ...]:
        """The granted scopes: all of the partner's, or those requested. Raises RefusalError for any other."""
        wanted = self.partner.scopes if requested is None else set(requested.split())
        if not wanted or not self.partner.scopes.issuperset(wanted):
            raise RefusalError("scope")
        return tuple(scope for scope in SCOPES if scope in wanted)
