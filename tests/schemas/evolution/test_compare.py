"""Two releases side by side: every witness flips between their real verdicts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

import schemas
from gateway.cli.app import app
from gateway.cli.console import CommandError
from schemas.evolution.compare import Finding, ReleaseComparison, unannounced
from schemas.evolution.difference import gaps
from schemas.evolution.process import TREE, Release
from schemas.evolution.record import find_breaks
from schemas.evolution.subset import resolved
from schemas.packaged import read_json
from tests.schemas.evolution.mutation import PRESENT, Mutation, corpus, mutations
from tests.schemas.evolution.scratch import scratch_tree

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
SUMMED = [one for one in mutations(("offer",)) if one.pointer.endswith(("/siret", "/uai", "/schools"))]
"""Changes of what has check digits: a schema knows none."""
SENT = [one for one in corpus(2) if one.pointer.split("/")[0] in {"offer", "withdrawal"} and one not in SUMMED] + SUMMED
PRESENT_EXAMPLE = read_json("reference.json")["example"]
JOINED = "    text = texts.joined(document)"
REFUSED = "    if document.get('title') == 'Zythologie':\n        return Verdict(accepted=False)\n"
UNREACHABLE = ("/location/longitude", "/location/latitude")
"""Bounds beyond which the rules refuse anyway: no point there is in France."""
BROKEN = ("all not offer/$defs/web_address", "dropped properties", "renamed properties", "replaced type")
"""Changes after which the package itself does not start, or judges with code what the schema no longer says."""


@pytest.fixture(scope="module")
def present() -> Iterator[Release]:
    with Release(schemas.RELEASE) as release:
        yield release


def compared(old: Release, tree: str, **options: Any) -> list[Finding]:
    """What differs, without what is proved."""
    with Release(tree) as new:
        found = [*ReleaseComparison(old, new, **{"count": 300, "seed": 1, **options}).findings()]
        for one in found:
            if one.word == "witness" and one.side == "publishers":
                verdicts = [side.judge("submission", one.on, [one.document])[0].accepted for side in (old, new)]
                assert [True, False] == verdicts, one
            elif one.word == "witness":
                verdicts = [side.judge(one.subject, "2026-11-24", [one.document])[0].accepted for side in (old, new)]
                assert [False, True] == verdicts, one
    return [one for one in found if one.word != "proved"]


def refuses_more(mutation: Mutation) -> bool:
    after = resolved("submission", mutation.schemas)
    return any(True for _ in gaps(resolved("submission", PRESENT), after)) and not mutation.name.startswith(BROKEN)


@pytest.mark.parametrize("mutation", SENT, ids=lambda one: one.name)
def test_what_a_changed_schema_refuses_has_a_witness(mutation: Mutation, present: Release, tmp_path: Path) -> None:
    if refuses_more(mutation):
        with Release(scratch_tree(tmp_path, mutation.schemas)) as new:
            found = [*ReleaseComparison(present, new, count=1, seed=1).of_schema("submission", "publishers")]
            witnesses = [one for one in found if one.word == "witness"]
            for one in witnesses:
                assert not new.judge("submission", one.on, [one.document])[0].accepted
        assert [] == [one for one in found if one.word != "witness" and one.pointer not in UNREACHABLE]


def without(code: str) -> Any:
    return lambda body: {**body, "items": [one for one in body["items"] if one["code"] != code]}


def with_hours(**hours: Any) -> Any:
    return lambda body: {**body, "hours": {**body["hours"], **hours}}


def severe(**rule: Any) -> Any:
    return lambda body: {**body, "text-invisible": {**body["text-invisible"], **rule}}


def further_naf(body: Any) -> Any:
    return {**body, "items": {**body["items"], "99.99A": "s1"}}


@pytest.mark.parametrize(
    ("files", "subject", "broken"),
    [
        ({"codes__departments": without("29")}, "departments", "postal-code-foreign"),
        ({"codes__communes": lambda text: f"{text}56999\t29117 Lannilis\n"}, "communes", "location-contradictory"),
        ({"calendar__2026-2027": with_hours(day_minutes=400)}, "calendars", "day-too-long"),
        ({"catalogue__offer": severe(error_from="2026-09-01")}, "rules", "text-invisible"),
        ({"rules__week": lambda text: text.replace("AHEAD = 400", "AHEAD = 399")}, "rules", "week-too-far"),
    ],
    ids=["list", "postcodes", "calendar", "rule by date", "rule in code"],
)
def test_a_change_beside_the_schemas_has_a_witness(
    files: dict[str, Any], subject: str, broken: str, present: Release, tmp_path: Path
) -> None:
    found = compared(present, scratch_tree(tmp_path, **files), count=1500)
    assert (subject, broken) in {(one.subject, one.broken) for one in found if one.word == "witness"}
    assert {"publishers"} == {one.side for one in found}


@pytest.mark.parametrize(
    "files",
    [
        {"codes__naf": further_naf},
        {"calendar__2026-2027": with_hours(source="elsewhere")},
        {"catalogue__offer": severe(error_from="2028-09-01")},
        {"rules__week": lambda text: text.replace("AHEAD = 400", "AHEAD = 500")},
    ],
    ids=["a further code", "another source", "a later day", "a looser rule"],
)
def test_a_change_that_refuses_nothing_has_no_witness(files: dict[str, Any], present: Release, tmp_path: Path) -> None:
    assert {"none-found"} == {one.word for one in compared(present, scratch_tree(tmp_path, **files))}


def offer_with(field: dict[str, Any]) -> dict[str, Any]:
    offer = PRESENT["offer"]
    body = {**offer, "properties": {**offer["properties"], "lodging": field}}
    return {"offer": body}


def with_field(body: Any) -> Any:
    text = {"fr": "Hébergement.", "en": "Lodging."}
    return {**body, "fields": {**body["fields"], "lodging": {"text": text}}}


def test_an_optional_field_breaks_neither_publishers_nor_readers(present: Release, tmp_path: Path) -> None:
    tree = scratch_tree(tmp_path, offer_with({"type": "boolean"}), reference=with_field)
    assert [("rules", "none-found")] == [(one.subject, one.word) for one in compared(present, tree)]


def test_a_longer_title_breaks_readers_and_no_publisher(present: Release, tmp_path: Path) -> None:
    title = {**PRESENT["offer"]["properties"]["title"], "maxLength": 151}
    body = {**PRESENT["offer"], "properties": {**PRESENT["offer"]["properties"], "title": title}}
    found = [one for one in compared(present, scratch_tree(tmp_path, {"offer": body})) if one.word == "witness"]
    assert [("change", "/offer/title"), ("changes-page", "/changes/0/offer/title")] == [
        (one.subject, one.pointer) for one in found
    ]
    assert 151 == len(found[0].document["offer"]["title"])


def command(*arguments: str) -> tuple[int, str]:
    ended = CliRunner().invoke(app, ["schema", "diff", *arguments])
    return ended.exit_code, ended.output


def test_the_command_ends_with_0_without_a_break_and_says_so_in_both_languages() -> None:
    (french, output), (english, meant) = (
        command(schemas.RELEASE, "--count", "50"),
        command(schemas.RELEASE, ".", "--count", "50", "--lang", "en"),
    )
    assert (0, 0) == (french, english)
    assert "prouvé : aucune rupture" in output
    assert "none found in 45 documents, seed 1" in meant


def test_the_command_ends_with_1_and_the_document_of_a_break(tmp_path: Path) -> None:
    title = {**PRESENT["offer"]["properties"]["title"], "maxLength": 149}
    body = {**PRESENT["offer"], "properties": {**PRESENT["offer"]["properties"], "title": title}}
    tree = scratch_tree(tmp_path / "tree", {"offer": body})
    code, output = command(schemas.RELEASE, tree, "--json", "--count", "50")
    (found,) = [one for one in orjson.loads(output)["findings"] if one["word"] == "witness"]
    assert (1, "/title", "maxLength", 150) == (code, found["pointer"], found["broken"], len(found["document"]["title"]))


def test_documents_of_ones_own_are_tried_besides(tmp_path: Path) -> None:
    offer = {**PRESENT_EXAMPLE, "title": "Zythologie"}
    (tmp_path / "mine.ndjson").write_bytes(orjson.dumps(offer))
    tree = scratch_tree(
        tmp_path / "tree",
        checking=lambda text: text.replace(JOINED, f"{REFUSED}{JOINED}", 1),
    )
    arguments = (schemas.RELEASE, tree, "--count", "50", "--json")
    assert [0, 1] == [command(*arguments)[0], command(*arguments, "--documents", str(tmp_path / "mine.ndjson"))[0]]


@pytest.mark.parametrize("wrong", ["unknown", "keyword"])
def test_the_command_ends_with_2_where_it_cannot_compare(wrong: str, tmp_path: Path) -> None:
    tree = scratch_tree(tmp_path, {"receipt": {**PRESENT["receipt"], "unevaluatedProperties": False}})
    ended = CliRunner().invoke(app, ["schema", "diff", schemas.RELEASE, tree if wrong == "keyword" else "1.0-1999.01"])
    assert isinstance(ended.exception, CommandError)
    assert ("1.0-1999.01" if wrong == "unknown" else "receipt/unevaluatedProperties") in str(ended.exception)


def test_a_break_is_announced_by_its_subject_and_pointer() -> None:
    title = Finding(side="publishers", subject="submission", word="witness", pointer="/title", broken="maxLength")
    rule = Finding(side="publishers", subject="rules", word="witness", broken="text-invisible")
    proved = Finding(side="readers", subject="change", word="proved")
    changelog = "- From 1 September 2027 on, titles have 149 characters at most (`submission /title`)."
    assert [rule] == unannounced([title, rule, proved], changelog)


def test_this_version_breaks_no_release_unannounced() -> None:
    assert [] == find_breaks((TREE / "CHANGELOG.md").read_text())
