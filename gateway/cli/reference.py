"""``passerelle reference``: print the code lists of mappings and offers, and the JSON Schema of profiles."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Annotated, Any, TypeAlias

import typer
from rich.text import Text

import schemas
from gateway.cli.console import OUT, print_json, print_rows
from schemas.bundle import bundled_schema
from schemas.rulebook import Language
from schemas.texts import load_words

app = typer.Typer(help="The code lists of offers and mappings, and the schema of profiles.")

Lang = Annotated[Language, typer.Option(help="Language of the heads and names.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with version, source and licence.")]
Item: TypeAlias = Mapping[str, Any]
Row: TypeAlias = Callable[[Item, Language], Sequence[Any]]
"""The cells of an item."""

_WORDS = load_words(SimpleNamespace, "gateway", "reference")


@app.callback(invoke_without_command=True)
def lists(context: typer.Context, *, lang: Lang = "fr", as_json: AsJson = False) -> None:
    """List the reference lists, or print one of them."""
    if context.invoked_subcommand is not None:
        return
    words = _WORDS[lang]
    if as_json:
        print_json(words.lists)
        return
    _print("lists", list(words.lists.items()), lang)
    OUT.print(words.command, markup=False)


def _sector(item: Item, language: Language) -> Sequence[str]:
    english = [item["name_en"]] if language == "en" else []
    return (item["code"], *english, item["name"])


def _week(item: Item, _: Language) -> Sequence[str]:
    return (item["school_year"], ", ".join(item["mandatory_weeks"]["weeks"]))


def _members(*names: str) -> Row:
    return lambda item, _: [item[name] for name in names]


def _levels(language: Language) -> Mapping[str, Any]:
    names = _WORDS[language].levels
    codes = schemas.schema("offer")["$defs"]["level"]["enum"]
    items = [{"code": code, "name": names[code]} for code in codes]
    about = {"source": "schemas/json/offer.schema.json", "licence": "EUPL-1.2"}
    return {"version": schemas.SCHEMA_VERSION, **about, "items": items}


def _add(name: str, about: str, row: Row, reference: str | None = None) -> None:
    """Add the command of one list; ``reference`` names it where the command has another name."""

    @app.command(name=name, help=about)
    def print_list(*, lang: Lang = "fr", as_json: AsJson = False) -> None:
        body = _levels(lang) if name == "levels" else schemas.reference(reference or name)
        if as_json:
            print_json(body)
        else:
            _print(name, [row(item, lang) for item in body["items"]], lang)


_add("sectors", "The 51 sectors: codes and names, both of which a mapping may use.", _sector)
_add("levels", "The school levels of offers.", _members("code", "name"))
_add("departments", "The departments, with their Region and académie.", _members("code", "name", "region", "academie"))
_add("regions", "The Regions.", _members("code", "name"))
_add("academies", "The académies, with their zone of the school calendar.", _members("code", "name", "zone"))
_add("weeks", "The weeks of seconde internships, by school year.", _week, "calendar")


@app.command(name="profile-schema")
def profile_schema() -> None:
    """The JSON Schema of profiles and mappings as one document, for editors: name it in the profile's "$schema"."""
    print_json(bundled_schema("profile"))


def _print(name: str, rows: Sequence[Sequence[Any]], language: Language) -> None:
    words = _WORDS[language]
    cells = [[Text(str(cell or "–")) for cell in row] for row in rows]
    print_rows(OUT, words.heads[name], cells, left=len(words.heads[name]), label=words.label)
