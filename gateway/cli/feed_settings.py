"""Whether a profile is complete, and a gateway with the settings of a command can pull its source."""

import json
import os

from rich.text import Text

from adapters.profile.draft import PLACEHOLDER
from adapters.profile.profile import Profile
from adapters.pull.transport_factory import Secrets
from adapters.transport.feed import FeedError
from gateway.cli.console import ERR, CommandError
from gateway.cli.operator_context import settings_here


def require_replaced(profile: Profile) -> None:
    """Raise CommandError for the profile of a draft whose placeholders are still there."""
    if PLACEHOLDER in json.dumps(profile.document):
        raise CommandError(
            f"The profile still has the placeholder {PLACEHOLDER} of its draft; nothing was changed.",
            step="write the platform's slug, its name, the address of its feed, and the path of an id if it is missing",
        )


def require_feed_settings(profile: Profile) -> None:
    """Raise CommandError where a gateway with these settings could not pull the profile's source; a secret that only
    the gateway may have is a warning.
    """
    transport, settings = profile.transport, settings_here()
    if transport.get("kind") == "folder" and settings.feeds is None:
        raise CommandError(
            f"The feed of {profile.platform} is dropped in the folder {transport['folder']} below PASSERELLE_FEEDS, "
            "which is not set; nothing was changed.",
            step="set PASSERELLE_FEEDS to the parent of that folder, for the gateway and here, then run it again",
        )
    credential = transport.get("credential")
    if credential is not None:
        try:
            Secrets(os.environ, settings.feed_secrets).read(credential["secret"])
        except FeedError:
            name = credential["secret"].get("env") or f"{credential['secret']['file']} in PASSERELLE_FEED_SECRETS"
            ERR.print(Text(f"! The gateway needs the secret {name}, which is not set here."))
