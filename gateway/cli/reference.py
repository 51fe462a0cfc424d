"""``passerelle reference``: print the code lists of mappings and offers, and the JSON Schema of profiles."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Annotated, Any

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
Item = Mapping[str, Any]

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


@app.command()
def sectors(*, lang: Lang = "fr", as_json: AsJson = False) -> None:
    """The 51 sectors: codes and names, both of which a mapping may use."""

    def row(item: Item) -> tuple[str, ...]:
        names = (item["name"],) if lang == "fr" else (item["name_en"], item["name"])
        return (item["code"], *names)

    _show("sectors", schemas.reference("sectors"), row, lang, as_json=as_json)


@app.command()
def levels(*, lang: Lang = "fr", as_json: AsJson = False) -> None:
    """The school levels of offers."""
    codes = schemas.schema("offer")["$defs"]["level"]["enum"]
    words = _WORDS[lang].levels
    body = {
        "version": schemas.SCHEMA_VERSION,
        "source": "schemas/json/offer.schema.json",
        "licence": "EUPL-1.2",
        "items": [{"code": code, "name": words[code]} for code in codes],
    }
    _show("levels", body, lambda item: (item["code"], item["name"]), lang, as_json=as_json)


@app.command()
def departments(*, lang: Lang = "fr", as_json: AsJson = False) -> None:
    """The departments, with their Region and académie."""
    _show(
        "departments",
        schemas.reference("departments"),
        lambda item: (item["code"], item["name"], item["region"], item["academie"]),
        lang,
        as_json=as_json,
    )


@app.command()
def regions(*, lang: Lang = "fr", as_json: AsJson = False) -> None:
    """The Regions."""
    _show("regions", schemas.reference("regions"), lambda item: (item["code"], item["name"]), lang, as_json=as_json)


@app.command()
def academies(*, lang: Lang = "fr", as_json: AsJson = False) -> None:
    """The académies, with their zone of the school calendar."""
    _show(
        "academies",
        schemas.reference("academies"),
        lambda item: (item["code"], item["name"], item["zone"]),
        lang,
        as_json=as_json,
    )


@app.command()
def weeks(*, lang: Lang = "fr", as_json: AsJson = False) -> None:
    """The weeks of seconde internships, by school year."""
    _show(
        "weeks",
        schemas.reference("calendar"),
        lambda item: (item["school_year"], ", ".join(item["mandatory_weeks"]["weeks"])),
        lang,
        as_json=as_json,
    )


@app.command(name="profile-schema")
def profile_schema() -> None:
    """The JSON Schema of profiles and mappings as one document, for editors: name it in the profile's "$schema"."""
    print_json(bundled_schema("profile"))


def _show(
    name: str, body: Mapping[str, Any], row: Callable[[Item], Sequence[Any]], language: Language, *, as_json: bool
) -> None:
    if as_json:
        print_json(body)
        return
    _print(name, [row(item) for item in body["items"]], language)


def _print(name: str, rows: Sequence[Sequence[Any]], language: Language) -> None:
    words = _WORDS[language]
    cells = [[Text(str(cell or "–")) for cell in row] for row in rows]
    print_rows(OUT, words.heads[name], cells, left=len(words.heads[name]), label=words.label)
