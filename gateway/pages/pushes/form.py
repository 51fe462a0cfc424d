"""The form of a subscription: its content, the wish that it is, and the choices of its filters. Pure."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from gateway.pages.base.number import whole_number
from gateway.pages.base.upload import Form
from gateway.pages.base.wording import LEVELS, names_of
from gateway.pages.check.form_fields import weeks_ahead
from gateway.protocol.criteria import FILTERS, LISTED
from gateway.protocol.subscription import MAX_BYTES, MAX_RATE, PREFERRED_BYTES, Subscription
from gateway.push.wish import SubscriptionWish, WishFinding, read_wish
from schemas.rulebook import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsForm:
    """The content of the form; ``replaces``: it sets a subscription that is there. ``errors``: sentences by field."""

    name: str = ""
    url: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    max_batch: str = str(PREFERRED_BYTES)
    rate: str = str(MAX_RATE)
    replaces: bool = False
    errors: Mapping[str, str] = field(default_factory=dict)

    def wish(self, waiting: Container[str]) -> SubscriptionWish:
        """The wish that it is. ``waiting``: the marks of what has not begun."""
        return read_wish(
            self.filters,
            url=self.url,
            max_batch=whole_number(self.max_batch, most=MAX_BYTES) or 0,
            rate=whole_number(self.rate, most=MAX_RATE) or 0,
            waiting=waiting,
        )


def settings_typed(form: Form) -> SettingsForm:
    """The form as it was sent."""
    filters: dict[str, list[str]] = {}
    for part in form.parts:
        if part.name in FILTERS and (text := part.content.decode(errors="replace").strip()):
            filters.setdefault(part.name, []).append(text)
    return SettingsForm(
        name=form.text("name").strip(),
        url=form.text("url").strip(),
        filters=filters,
        max_batch=form.text("max_batch").strip(),
        rate=form.text("rate").strip(),
        replaces=bool(form.text("replaces")),
    )


def settings_present(one: Subscription) -> SettingsForm:
    """The form of a subscription as it is."""
    filters = {name: sorted(map(str, values)) for name, values in one.criteria.items() if name in LISTED}
    if "bbox" in one.criteria:
        filters["bbox"] = [",".join(map(str, one.criteria["bbox"]))]
    if not (one.own_territory or filters.keys() & {"region", "department"}):
        filters["territory"] = ["all"]
    return SettingsForm(
        name=one.name, url=one.url, filters=filters, max_batch=str(one.max_batch), rate=str(one.rate), replaces=True
    )


def errors_of(findings: Iterable[object], language: Language) -> Mapping[str, str]:
    """The findings by field, as sentences."""
    return {one.field: one.text.texts[language] for one in findings if isinstance(one, WishFinding)}


def filter_choices(
    typed: SettingsForm, language: Language, today: date, waiting: Container[str]
) -> Mapping[str, Mapping[str, str]]:
    """By filter the codes and their names, without the values whose marks are ``waiting``; a code that was typed is
    among them. Platforms are typed: no page of a platform names the others.
    """
    names: Mapping[str, Mapping[str, str]] = {
        "region": names_of("regions", language),
        "department": names_of("departments", language),
        "level": {code: name for code, name in LEVELS.items() if f"levels:{code}" not in waiting},
        "week": weeks_ahead(language, today)[0],
        "sector": {
            code: name for code, name in names_of("sectors", language).items() if f"sector:{code}" not in waiting
        },
    }
    return {
        name: {**{code: code for code in typed.filters.get(name, ())}, **dict(sorted(words.items()))}
        for name, words in names.items()
    }
