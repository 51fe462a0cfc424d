"""The details of an entry in words, as the pages of the platforms name them. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.pages.base.texts import Texts, texts_of
from schemas.rulebook import Language

_MAX_LISTED = 20
_WORDS: Mapping[str, Mapping[str, str]] = {
    "scopes": {
        "offers:publish": "may_offers_publish",
        "offers:read": "may_offers_read",
        "operate": "may_operate",
        "none": "nothing",
    },
    "territory": {"all departments": "everywhere"},
    "hosts": {"none": "nothing"},
    "national delivery": {"gateway": "delivery_gateway", "self": "delivery_self"},
    "publishes by Kafka": {"yes": "yes", "no": "no"},
    "subscribes by Kafka": {"yes": "yes", "no": "no"},
    "keys": {"none": "keys_none"},
    "issuer": {"this gateway": "issuer_here"},
    "role": {"publisher": "role_publisher", "subscriber": "role_subscriber", "gateway": "role_gateway"},
}
"""By detail: a value of the journal, and its text here or on the pages of the platforms."""


def details_in_words(details: Mapping[str, Any], language: Language) -> Sequence[tuple[str, str]]:
    """Label and value of each detail; a label or a value of a later version is as the journal has it."""
    texts, words = texts_of("journal", language), texts_of("partners", language)
    return [(_label(name, texts), _value(name, value, texts, words)) for name, value in details.items()]


def _label(name: str, texts: Texts) -> str:
    key = f"detail_{name.replace(' ', '_')}"
    return str(texts(key)) if key in texts else name


def _value(name: str, value: Any, texts: Texts, words: Texts) -> str:
    match value:
        case {"before": before, "now": now}:
            return f"{_value(name, before, texts, words)} → {_value(name, now, texts, words)}"
        case bool():
            return str(texts("yes" if value else "no"))
        case list():
            rest = len(value) - _MAX_LISTED
            listed = ", ".join(_word(name, str(one), texts, words) for one in value[:_MAX_LISTED])
            return listed + (f", … (+{rest})" if rest > 0 else "")
    return ", ".join(_word(name, one, texts, words) for one in str(value).split(", "))


def _word(name: str, value: str, texts: Texts, words: Texts) -> str:
    key = _WORDS.get(name, {}).get(value)
    return value if key is None else str(texts(key) if key in texts else words(key))
