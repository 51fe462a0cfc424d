"""The choices that a submitted form makes, compared with what the page offered. Pure.

``path.sector``, ``other.sector`` (typed, before the former), ``last.weeks``, ``date.weeks``, ``fixed.sector`` and
``meaning.sector.0``, or its name in ``named.0``, are controls of a field;
``online.0.1`` is the second value of the first path that may say what is online.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from gateway.pages.base.upload import Form
from gateway.pages.base.wording import names_of
from gateway.pages.connect.state import ConnectState
from schemas.communes import plain_name
from schemas.rulebook import LANGUAGES

AUTO = ":auto"
"""The option that returns to the guess."""
PAIR = " + "
"""Between the paths of a first and a last day."""
ONLINE = "online"
"""The choice of what is online, beside the choices for fields."""
_MAX_FIXED_CHARACTERS, _MAX_FIXED = 1_500, 10
_MAX_BYTES = 4 * _MAX_FIXED_CHARACTERS
"""Of one control: the choices travel in the state, which the event loop compresses."""


def choices_of(form: Form, state: ConnectState) -> dict[str, dict[str, Any]]:
    """The choices by field: those of the state, and what the form changes."""
    sent: dict[str, list[str]] = {}
    for part in form.parts:
        if part.name.startswith(("path.", "other.", "last.", "date.", "fixed.", "meaning.", "named.")):
            sent.setdefault(part.name, []).append(part.content[:_MAX_BYTES].decode(errors="replace"))
    found = {}
    for name, control in state.controls.items():
        choice = _choice(name, control, dict(state.choices.get(name, {})), sent)
        if choice:
            found[name] = choice
    if online := _online(form, state):
        found[ONLINE] = online
    return found


def _online(form: Form, state: ConnectState) -> dict[str, list[str]]:
    """The values that are ticked, by path."""
    ticked = {part.name for part in form.parts if part.name.startswith("online.")}
    return {
        path: [value for index, value in enumerate(values) if f"online.{number}.{index}" in ticked]
        for number, (path, values) in enumerate(state.states.items())
    }


def _choice(
    name: str, control: Mapping[str, Any], choice: dict[str, Any], sent: Mapping[str, list[str]]
) -> dict[str, Any]:
    """The choice for one field."""
    path = (_first(sent, f"other.{name}") or "").strip() or _first(sent, f"path.{name}")
    last = (_first(sent, f"last.{name}") or "").strip()
    if path and last and PAIR not in path and path != AUTO:
        path = f"{path}{PAIR}{last}"
    if path == AUTO:
        choice.pop("path", None)
    elif path is not None and path != control["path"]:
        choice["path"] = path
    if path is not None and path != control["path"]:
        choice.pop("meanings", None)
        choice.pop("date", None)
    else:
        _settings(name, control, choice, sent)
    fixed = [one.strip()[:_MAX_FIXED_CHARACTERS] for one in sent.get(f"fixed.{name}", ()) if one.strip()]
    choice.pop("fixed", None)
    if fixed:
        choice["fixed"] = fixed[:_MAX_FIXED] if control["several"] else fixed[0]
    return choice


def _settings(name: str, control: Mapping[str, Any], choice: dict[str, Any], sent: Mapping[str, list[str]]) -> None:
    """The chosen notation of dates, and the meanings of values."""
    pattern = _first(sent, f"date.{name}")
    if pattern is not None and pattern != control["date"]:
        choice["date"] = pattern
    meanings = {value: code for index, value in enumerate(control["meanings"]) if (code := _meaning(name, index, sent))}
    choice.pop("meanings", None)
    if meanings:
        choice["meanings"] = meanings


def _meaning(name: str, index: int, sent: Mapping[str, list[str]]) -> str | None:
    """The chosen code of a value; a sector may also be typed by its name."""
    typed = _sectors().get(plain_name(_first(sent, f"named.{index}") or "")) if name == "sector" else None
    return typed or _first(sent, f"meaning.{name}.{index}")


@cache
def _sectors() -> Mapping[str, str]:
    """The codes of sectors by their names in both languages, as they are compared."""
    return {plain_name(name): code for language in LANGUAGES for code, name in names_of("sectors", language).items()}


def _first(sent: Mapping[str, list[str]], name: str) -> str | None:
    return sent[name][0] if name in sent else None
