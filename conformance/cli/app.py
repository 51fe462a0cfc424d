"""The command ``passerelle-conformance``: which command does what, and what each ends with."""

import asyncio
import os
import secrets
from pathlib import Path
from typing import Annotated

import aiohttp
import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from conformance import clock
from conformance.cli.console import ERR, OUT, UNUSABLE, Language, stop
from conformance.cli.drive import VERSIONS, drive
from conformance.cli.explain import explain_to
from conformance.cli.template import TEMPLATES
from conformance.cli.write import FORMATS, check_file, check_reports, write_file, write_reports
from conformance.model.case import Role
from conformance.model.coverage import coverage as all_requirements
from conformance.model.library import cases
from conformance.model.result import EXIT_CODES, Outcome, Result, Run
from conformance.report.console import tell_result, tell_run
from conformance.report.document import ReportError, document_of, read_document
from conformance.report.evidence import check_evidence, evidence_of
from conformance.role.judge import judge as judge_document
from conformance.role.judge import split_offers
from conformance.role.runner import Choice, cases_for
from conformance.script.batch import UnreadableError
from conformance.target.doctor import Check, examine
from conformance.target.setup import Setup, SetupError, read_setup

app = typer.Typer(
    name="passerelle-conformance",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Prove that your side of the interconnection works: publisher, subscriber, gateway or national site.\n\n"
    "Ends with 0 when all is well, 1 when cases fail, 2 when called wrongly, 3 when the set-up is wrong, 4 when the "
    "kit itself fails, 5 when something could not be verified.",
)

Lang = Annotated[Language, typer.Option(help="Language of the explanations.")]
SetupFile = Annotated[Path, typer.Option("--config", "-c", help="The partner's one file.")]
_SETUP = Path("conformance.toml")


def _read(path: Path) -> Setup:
    try:
        return read_setup(path, os.environ)
    except SetupError as error:
        stop(str(error), error.step, EXIT_CODES[Outcome.CONFIG_ERROR])


@app.command()
def init(role: Annotated[Role, typer.Argument(help="Which side you are.")]) -> None:
    """Write a conformance.toml to fill in."""
    if _SETUP.exists():
        stop(f"{_SETUP} is there already.", "edit it, or move it away", UNUSABLE)
    _SETUP.write_text(TEMPLATES[role], encoding="utf-8")
    OUT.print(f"{_SETUP} is written. Fill it in, then run `passerelle-conformance doctor`.")


@app.command()
def doctor(config: SetupFile = _SETUP) -> None:
    """Check the set-up before any case is played: reachable, encrypted, in time, accounts that work."""
    wrong = asyncio.run(_doctor(_read(config)))
    if wrong:
        raise typer.Exit(EXIT_CODES[Outcome.CONFIG_ERROR])


async def _doctor(setup: Setup) -> bool:
    wrong = False
    async with aiohttp.ClientSession() as session:
        async for check in examine(setup, session, now=clock.now()):
            _tell_check(check)
            wrong = wrong or check.state == "wrong"
    return wrong


def _tell_check(check: Check) -> None:
    colour = {"good": "green", "doubtful": "yellow", "wrong": "red"}[check.state]
    OUT.print(f"[{colour}]{check.state:9}[/] {check.name}: ", end="")
    OUT.print(check.told, markup=False, soft_wrap=True)
    if check.step:
        OUT.print(f"          → {check.step}", markup=False, soft_wrap=True)


@app.command()
def run(
    config: SetupFile = _SETUP,
    case: Annotated[list[str] | None, typer.Option("--case", help="Only this case; may be repeated.")] = None,
    family: Annotated[list[str] | None, typer.Option("--family", help="Only this family; may be repeated.")] = None,
    *,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first case that does not pass.")] = False,
    seed: Annotated[str, typer.Option(help="Makes ids of one run the same in another; by default a new one.")] = "",
    report: Annotated[
        list[Path] | None, typer.Option("--report", help=f"Write a report; the ending says which: {FORMATS}.")
    ] = None,
    lang: Lang = "fr",
) -> None:
    """Play the cases of your role against your system."""
    check_reports(report or [])
    setup = _read(config)
    choice = Choice(cases=tuple(case or ()), families=tuple(family or ()))
    unknown = choice.unknown(cases_for(setup, Choice(), cases()))
    if unknown:
        step = f"see `passerelle-conformance list --role {setup.role}`"
        stop(f"The role {setup.role} has no case or family {', '.join(unknown)}.", step, UNUSABLE)
    finished = _play(setup, choice, seed, fail_fast=fail_fast, lang=lang)
    write_reports(document_of(finished), report or [], lang)
    raise typer.Exit(finished.exit_code)


def _play(setup: Setup, choice: Choice, seed: str, *, fail_fast: bool, lang: Language) -> Run:
    chosen = cases_for(setup, choice, cases())
    if not chosen:
        stop("No case is chosen.", "see `passerelle-conformance list`", UNUSABLE)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        task = progress.add_task("", total=len(chosen))

        def told(result: Result) -> None:
            progress.update(task, advance=1, description=result.case.family)
            tell_result(OUT, result, lang)

        try:
            finished = asyncio.run(
                drive(setup, chosen, seed=seed or secrets.token_hex(4), fail_fast=fail_fast, told=told)
            )
        except SetupError as error:
            stop(str(error), error.step, EXIT_CODES[Outcome.CONFIG_ERROR])
    tell_run(OUT, finished, lang)
    return finished


@app.command()
def certify(
    evidence: Annotated[Path, typer.Argument(help="Where to write the evidence (JSON).")],
    config: SetupFile = _SETUP,
    lang: Lang = "fr",
) -> None:
    """Play every case of your role and write the evidence, with its digest, for the operator to sign."""
    check_file(evidence)
    setup = _read(config)
    finished = _play(setup, Choice(), "", fail_fast=False, lang=lang)
    owner = setup.accounts.get(setup.role)
    body = evidence_of(
        document_of(finished),
        platform=owner.platform if owner else setup.target,
        played=cases_for(setup, Choice(), cases()),
    )
    write_file(evidence, orjson.dumps(body, option=orjson.OPT_INDENT_2))
    for wrong in check_evidence(body):
        OUT.print(f"[red]–[/] {wrong}")
    OUT.print(f"→ {evidence}  {body['digest']}", soft_wrap=True)
    raise typer.Exit(finished.exit_code or int(not finished.conforms))


@app.command()
def judge(
    file: Annotated[Path, typer.Argument(help="NDJSON, a JSON array or one offer; .gz too.")],
    report: Annotated[list[Path] | None, typer.Option("--report", help=f"Write a report: {FORMATS}.")] = None,
    lang: Lang = "fr",
) -> None:
    """Judge a file of offers, offline: the verdict that every gateway will give."""
    check_reports(report or [])
    day, began = clock.today(), clock.now()
    try:
        documents = list(split_offers(file.read_bytes()))
    except (OSError, UnreadableError) as error:
        stop(f"{file}: {error}", "give a file of offers in JSON", UNUSABLE)
    results = tuple(judge_document(raw, number, on=day, language=lang) for number, raw in enumerate(documents, start=1))
    for result in results[:_JUDGED_SHOWN]:
        tell_result(OUT, result, lang)
    finished = Run(
        role="publisher",
        target=file.name,
        profile="file",
        versions=VERSIONS,
        seed="",
        began=began,
        milliseconds=0,
        results=results,
    )
    tell_run(OUT, finished, lang)
    write_reports(document_of(finished), report or [], lang)
    raise typer.Exit(finished.exit_code if results else EXIT_CODES[Outcome.SKIP])


_JUDGED_SHOWN = 200


@app.command(name="list")
def list_cases(
    role: Annotated[Role | None, typer.Option(help="Only cases of this role.")] = None, lang: Lang = "fr"
) -> None:
    """List the cases: id, requirements, title."""
    for case in cases():
        if role is None or role in case.roles:
            OUT.print(f"{case.id}  {', '.join(case.requirements)}  {case.title[lang]}", markup=False, soft_wrap=True)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="ID", help="A case (family/name) or a requirement (OFR-012).")],
    seed: Annotated[str, typer.Option(help="The run's seed, for the ids it used.")] = "explain",
    lang: Lang = "fr",
) -> None:
    """Say what a case or requirement asks: the protocol's sentence, the document or steps, and how to do it by hand."""
    if not explain_to(OUT, name, seed=seed, language=lang, day=clock.today()):
        stop(f"{name!r} is neither a case nor a requirement.", "see `passerelle-conformance list`", UNUSABLE)


@app.command()
def coverage(
    *, missing: Annotated[bool, typer.Option("--missing", help="Only those without a case.")] = False, lang: Lang = "fr"
) -> None:
    """Show which cases prove each requirement of the protocol, or why none does."""
    table = Table(
        "",
        {"fr": "Cas", "en": "Cases"}[lang],
        {"fr": "Exigence, ou raison", "en": "Requirement, or reason"}[lang],
        box=None,
    )
    for each in all_requirements():
        if each.cases and missing:
            continue
        table.add_row(
            each.id, str(len(each.cases)), each.sentence if each.cases else f"– {(each.reason or {}).get(lang, '')}"
        )
    OUT.print(table)


@app.command()
def report(
    file: Annotated[Path, typer.Argument(help="A report in JSON, as `run --report` wrote it.")],
    to: Annotated[list[Path], typer.Option("--to", help=f"Write it in another form: {FORMATS}.")],
    lang: Lang = "fr",
) -> None:
    """Turn a report into another form."""
    try:
        document = read_document(orjson.loads(file.read_bytes()))
    except (OSError, orjson.JSONDecodeError, ReportError) as error:
        stop(f"{file} is no report: {error}", "give a file that `run --report report.json` wrote", UNUSABLE)
    write_reports(document, to, lang)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - the shape that typer asks for
    if wanted:
        typer.echo(
            f"passerelle-conformance {VERSIONS.kit} (protocol {VERSIONS.protocol}, schema {VERSIONS.schema}, "
            f"rules {VERSIONS.rules})"
        )
        raise typer.Exit


@app.callback()
def passerelle_conformance(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Hold what all commands share: the option that says the version."""


def main() -> None:
    """Run the command line."""
    app()
