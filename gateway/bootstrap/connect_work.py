"""The work of the page that connects a platform, for the sandbox: the drafting engine on what a visitor sent."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import orjson

import schemas
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
    return {**opened, "study": _studied(opened["sample"], {}, arguments)}


def study_again(content: bytes, arguments: Mapping[str, Any]) -> Any:
    """The study of a sample with these choices."""
    return _studied(orjson.loads(content), arguments["choices"], arguments)


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


def activations_in(arguments: Mapping[str, Any]) -> schemas.Activations:
    """The days from which releases of the schema hold."""
    return {release: date.fromisoformat(day) for release, day in arguments.get("activations", {}).items()}


def _studied(sample: Mapping[str, Any], choices: Mapping[str, Any], arguments: Mapping[str, Any]) -> Any:
    return study(sample, choices, on=_day(arguments), activations=activations_in(arguments))


def _day(arguments: Mapping[str, Any]) -> date:
    return date.fromisoformat(arguments["on"])


FUNCTIONS: Mapping[str, Function] = {
    port.OPEN: open_content,
    port.STUDY: study_again,
    port.PROFILE: write_profile,
    port.REQUEST: write_request,
}
