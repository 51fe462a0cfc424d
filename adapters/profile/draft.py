"""The profile of a draft: its format and mapping, with placeholders for what a sample cannot say."""

import json
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from adapters.formats.inference.draft import MappingDraft
from adapters.formats.mapping_document import READY_MADE
from adapters.profile.profile import Profile, read_profile
from schemas.rulebook import Language
from schemas.texts import load_words

PLACEHOLDER = "a-completer"
"""The slug, the host of the address and the path of an id that the author of the profile replaces."""

_SUFFIXES = {"csv": "csv", "json": "json", "xml": "xml", "cleverconnect": "xml", "jobposting": "html"}
_MAX_CHARACTERS = 500
_WORDS = load_words(SimpleNamespace, __package__, "draft")


def draft_profile(draft: MappingDraft, language: Language = "fr") -> Profile:
    """The profile: it is valid, and its ``knowledge`` says what to replace and which fields stayed empty."""
    mapping = dict(draft.mapping)
    if "id" not in mapping and draft.form not in READY_MADE:
        mapping["id"] = {"path": PLACEHOLDER}
    address = f"https://{PLACEHOLDER}.example/offres.{_SUFFIXES[draft.form]}"
    document: dict[str, Any] = {
        "platform": PLACEHOLDER,
        "name": _WORDS[language].name,
        "transport": {"kind": "https", "url": address, "every_minutes": 60},
        "format": draft.form,
        "mapping": mapping,
        "knowledge": list(_knowledge(draft, language)),
    }
    profile = read_profile(document)
    if not isinstance(profile, Profile):
        raise TypeError([one.to_json() for one in profile])
    return profile


def profile_text(draft: MappingDraft, language: Language = "fr") -> str:
    """The text of the profile's file."""
    return profile_file(draft_profile(draft, language).document)


def profile_file(document: Mapping[str, Any]) -> str:
    """A profile as the text of a file."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _knowledge(draft: MappingDraft, language: Language) -> list[dict[str, str]]:
    words = _WORDS[language]
    found = [(words.platform, words.replace_platform), (words.transport, words.replace_transport)]
    for name in draft.missing:
        reason = draft.guesses[name].reason
        text = words.empty.format(reason=reason.fr if reason is not None and language == "fr" else reason)
        found.append((name, text))
    found += [
        (name, words.verify.format(path=one.path)) for name, one in draft.guesses.items() if one.confidence == "verify"
    ]
    return [{"about": about, "status": "assumed", "text": text[:_MAX_CHARACTERS]} for about, text in found]
