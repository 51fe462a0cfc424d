"""The templates: one Jinja2 environment per language, which escapes every value and fails on an unknown one."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from gateway.pages.base import wording
from gateway.pages.base.page import Page, Role
from gateway.pages.base.static import assets
from gateway.pages.base.texts import FOLDER, texts_of
from schemas.rulebook import LANGUAGES, Language

NAVIGATION = ("home", "public_offers", "check", "connect", "reference")
"""The pages of the header, in order."""
AREAS: Mapping[Role, Sequence[str]] = {
    "platform": ("today", "offers", "deliveries", "pushes", "keys", "figures", "evolution", "contacts"),
    "operator": (
        *("systems", "refusals", "moderation", "partners", "requests"),
        *("national", "journal", "evolutions", "contacts"),
    ),
}
"""The pages of the header within a session, by role."""
FOOTER = ("accessibility", "help", "legal", "privacy", "ask_link")


class _Compiled(BytecodeCache):
    """Templates that this process has compiled, for the environments of both languages."""

    def __init__(self) -> None:
        self._codes: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill the bucket if the template is known in its present form."""
        if bucket.key in self._codes:
            bucket.bytecode_from_string(self._codes[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a compiled template."""
        self._codes[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class Templates:
    """Renders the templates of these pages. ``prefix``: path of the public URL, before every address. ``about``: what
    the footer says of this gateway.
    """

    def __init__(self, pages: Sequence[Page], *, prefix: str, about: Mapping[str, Any]) -> None:
        self._pages = {page.name: page for page in pages}
        self._prefix = prefix
        self._environments = {language: self._make(language, about) for language in LANGUAGES}

    def render(
        self,
        template: str,
        values: Mapping[str, Any],
        language: Language,
        *,
        page: str | None = None,
        query: str = "",
        part: str = "",
    ) -> str:
        """The HTML of a template. ``page``: the page that it belongs to; ``query`` and ``part`` of its address: kept by
        the change of language.
        """
        kept = f"?{query}" if query else ""
        switch = {other: self.url(page or "home", other, part=part) + kept for other in LANGUAGES}
        found = self.environment(language).get_template(template)
        texts = texts_of(template.partition("/")[0], language)
        live = page is not None and self._pages[page].live
        return found.render({"t": texts, "page": page, "switch": switch, "live": live, **values})

    def area(self, role: Role) -> Sequence[str]:
        """The pages of the header within a session."""
        return [name for name in AREAS[role] if name in self._pages]

    def environment(self, language: Language) -> Environment:
        """The environment of a language."""
        return self._environments[language]

    def url(self, name: str, language: Language, anchor: str = "", part: str = "") -> str:
        """The address of a page. Raises LookupError if there is no such page."""
        return f"{self._prefix}{self._pages[name].path(language, part)}{'#' if anchor else ''}{anchor}"

    def _make(self, language: Language, about: Mapping[str, Any]) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(FOLDER),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=_COMPILED,
        )

        def url(name: str, anchor: str = "", lang: Language = language, part: str = "") -> str:
            return self.url(name, lang, anchor, part)

        def static(name: str) -> str:
            return f"{self._prefix}/static/{assets()[name].name}"

        environment.globals |= {
            "lang": language,
            "base": texts_of("base", language),
            "url": url,
            "static": static,
            "prefix": self._prefix,
            "navigation": [name for name in NAVIGATION if name in self._pages],
            "footer": [name for name in FOOTER if name in self._pages],
            "about": about,
            "door": "enter" in self._pages,
            "session": None,
        }
        environment.filters |= {
            "number": lambda value: wording.number(value, language),
            "day": lambda value, **form: wording.day(value, language, **form),
            "time": lambda value: wording.time(value, language),
            "spaced": wording.spaced,
            "exact": lambda value: wording.exact(value, language),
        }
        environment.globals["ui"] = environment.get_template("base/components.html").module
        return environment
