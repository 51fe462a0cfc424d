"""The packaged profiles: one file for each of the nine Regions with a platform."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import orjson

from adapters.profile.profile import Profile, read_profile

_SUFFIX = ".json"


@cache
def profiles() -> Mapping[str, Profile]:
    """Return the packaged profiles by slug. Raises ValueError for an invalid file."""
    found: dict[str, Profile] = {}
    folder = files(__package__).joinpath("data")
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(_SUFFIX):
            profile = read_profile(orjson.loads(entry.read_bytes()))
            if not isinstance(profile, Profile):
                raise ValueError(f"{entry.name} is no profile: {profile}")
            found[profile.platform] = profile
    return MappingProxyType(found)
