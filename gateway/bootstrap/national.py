"""Open the connector to the national site, if the settings name its accounts."""

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from adapters.national.connector.connector import open_connector
from adapters.national.site.accounts import AccountsError, read_accounts
from adapters.national.site.timing import Timing
from gateway.bootstrap.parts import Parts
from gateway.errors import SettingsError


async def national_parts(parts: Parts, stack: AsyncExitStack) -> dict[str, Callable[[], Awaitable[None]]]:
    """The long-running parts of delivery to the national site and import from it, by name; empty without accounts.

    Raises SettingsError for an invalid accounts file.
    """
    path = parts.settings.national
    if path is None:
        return {}
    try:
        accounts = read_accounts(path, os.environ)
    except AccountsError as error:
        raise SettingsError(f"PASSERELLE_NATIONAL: {error}") from error
    connector = await stack.enter_async_context(
        open_connector(
            parts.log,
            accounts,
            partners=parts.partners,
            submissions=parts.submissions,
            ids=parts.ids,
            folder=parts.settings.data / "national",
            timing=Timing(),
        )
    )
    return {"national": connector.run}
