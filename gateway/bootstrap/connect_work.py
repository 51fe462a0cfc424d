"""The work of the page that connects a platform, for the sandbox: the drafting engine on what a visitor sent."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import orjson

from adapters.profile.draft import draft_profile, profile_text
from adapters.profile.profile import Profile, read_profile
from adapters.profile.study import draft_of, open_sample, study
from gateway.pages.connect import port
from gateway.runtime.sandboxed import Function

_BLOCK = 64 * 1024


def in_blocks(content: bytes) -> Iterator[bytes]:
    """The content in blocks, as readers of feeds take it."""
    return (content[at : at + _BLOCK] for at in range(0, len(content), _BLOCK))


def open_content(content: bytes, arguments: Mapping[str, Any]) -> Any:
    """The sample in some content, and its study; or the problem of content that is none."""
    opened = open_sample(in_blocks(content), items=arguments["items"])
    if "refused" in opened:
        return opened
    return {**opened, "study": study(opened["sample"], {}, on=_day(arguments))}


def study_again(content: bytes, arguments: Mapping[str, Any]) -> Any:
    """The study of a sample with these choices."""
    return study(orjson.loads(content), arguments["choices"], on=_day(arguments))


def write_profile(content: bytes, arguments: Mapping[str, Any]) -> Any:
    """The text of the profile."""
    made = draft_of(orjson.loads(content), arguments["choices"], on=_day(arguments))
    return {"text": profile_text(made, arguments["language"])}


def write_request(content: bytes, arguments: Mapping[str, Any]) -> Any:
    """Format and mapping for a request to the operator, and what is wrong with them as a profile."""
    made = draft_of(orjson.loads(content), arguments["choices"], on=_day(arguments))
    document = draft_profile(made).document | {"name": arguments["name"]}
    document["transport"] = {**document["transport"], "url": arguments["feed"]}
    read = read_profile(document, loopback=arguments["loopback"])
    return {
        "format": made.form,
        "mapping": document["mapping"],
        "missing": list(made.missing),
        "wrong": [] if isinstance(read, Profile) else [one.to_json() for one in read],
    }


def _day(arguments: Mapping[str, Any]) -> date:
    return date.fromisoformat(arguments["on"])


FUNCTIONS: Mapping[str, Function] = {
    port.OPEN: open_content,
    port.STUDY: study_again,
    port.PROFILE: write_profile,
    port.REQUEST: write_request,
}
