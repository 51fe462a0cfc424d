"""Command line ``passerelle-conformance``: subcommands and their exit codes."""

import asyncio
import gc
import os
import re
import secrets
import signal
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import aiohttp
import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from conformance import clock
from conformance.cli.explain import explain_to
from conformance.cli.judge import judge
from conformance.cli.output import (
    ERR,
    FORMATS,
    OUT,
    UNUSABLE,
    Lang,
    Reports,
    check_file,
    check_reports,
    print_result,
    print_run,
    stop,
    write_file,
    write_reports,
)
from conformance.cli.template import template_of
from conformance.model.case import RoleName
from conformance.model.library import cases
from conformance.model.library import coverage as all_requirements
from conformance.model.result import EXIT_CODES, Outcome, Result, Run
from conformance.report.document import ReportError, check_evidence, evidence_of, read_report, report_of
from conformance.role.runner import VERSIONS, CaseSelection, cases_for, drive
from conformance.target.doctor import DoctorCheck, examine
from conformance.target.setup import Setup, SetupError, read_setup
from conformance.words import both, plain, say
from schemas.kit_cases import features_of, seed_of
from schemas.rulebook import Language

app = typer.Typer(
    name="passerelle-conformance",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=f"{both(say('help'))}\n\n{both(say('help-exit-codes'))}",
)

SetupFile = Annotated[Path, typer.Option("--config", "-c", help=both(say("help-config")))]
_SETUP = Path("conformance.toml")
_NONCE = re.compile("[A-Za-z0-9_-]{16,64}")


def _read(path: Path, lang: Language) -> Setup:
    try:
        return read_setup(path, os.environ)
    except SetupError as error:
        stop(error.text, error.step, EXIT_CODES[Outcome.CONFIG_ERROR], lang)


@app.command(help=both(say("help-init")))
def init(role: Annotated[RoleName, typer.Argument(help=both(say("help-role")))], lang: Lang = "fr") -> None:
    """Write a conformance.toml template for the role."""
    if _SETUP.exists():
        stop(say("setup-there", path=_SETUP), say("setup-there-step"), UNUSABLE, lang)
    write_file(_SETUP, template_of(role, lang).encode(), lang)
    OUT.print(say("setup-written", path=_SETUP)[lang])


@app.command(help=both(say("help-doctor")))
def doctor(config: SetupFile = _SETUP, lang: Lang = "fr") -> None:
    """Check the set-up before any case runs: reachable, encrypted, clock, accounts."""
    wrong = asyncio.run(_doctor(_read(config, lang), lang))
    if wrong:
        raise typer.Exit(EXIT_CODES[Outcome.CONFIG_ERROR])


async def _doctor(setup: Setup, lang: Language) -> bool:
    wrong = False
    async with aiohttp.ClientSession() as session:
        async for check in examine(setup, session, now=clock.now()):
            _print_check(check, lang)
            wrong = wrong or check.state == "wrong"
    return wrong


def _print_check(check: DoctorCheck, lang: Language) -> None:
    colour = {"good": "green", "doubtful": "yellow", "wrong": "red"}[check.state]
    state = {"good": say("good"), "doubtful": say("doubtful"), "wrong": say("wrong")}[check.state][lang]
    OUT.print(f"[{colour}]{state:10}[/] ", end="")
    OUT.print(say("at", location=check.name, text=check.text)[lang], markup=False, soft_wrap=True)
    if check.step is not None:
        OUT.print(f"           → {check.step[lang]}", markup=False, soft_wrap=True)


@app.command(help=both(say("help-run")))
def run(
    config: SetupFile = _SETUP,
    case: Annotated[list[str] | None, typer.Option("--case", help=both(say("help-case")))] = None,
    family: Annotated[list[str] | None, typer.Option("--family", help=both(say("help-family")))] = None,
    *,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help=both(say("help-fail-fast")))] = False,
    seed: Annotated[str, typer.Option(help=both(say("help-seed")))] = "",
    report: Reports = None,
    lang: Lang = "fr",
) -> None:
    """Run the cases of the partner's role against its system."""
    check_reports(report or [], lang)
    setup = _read(config, lang)
    choice = CaseSelection(cases=tuple(case or ()), families=tuple(family or ()))
    unknown = choice.unknown(cases_for(setup, CaseSelection(), cases()))
    if unknown:
        text = say("no-such-case", role=setup.role, names=", ".join(unknown))
        stop(text, say("list-role-step", role=setup.role), UNUSABLE, lang)
    finished = _play(setup, choice, seed, fail_fast=fail_fast, lang=lang)
    write_reports(report_of(finished), report or [], lang)
    raise typer.Exit(finished.exit_code)


def _play(setup: Setup, choice: CaseSelection, seed: str, *, fail_fast: bool, lang: Language) -> Run:
    chosen = cases_for(setup, choice, cases())
    if not chosen:
        stop(say("no-choice"), say("list-step"), UNUSABLE, lang)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=ERR, transient=True, disable=not ERR.is_terminal) as progress:
        task = progress.add_task("", total=len(chosen))

        def report_result(result: Result) -> None:
            progress.update(task, advance=1, description=result.case.family)
            print_result(result, lang)

        finished = asyncio.run(
            drive(setup, chosen, seed=seed or secrets.token_hex(4), fail_fast=fail_fast, on_result=report_result)
        )
    print_run(finished, lang)
    return finished


@app.command(help=both(say("help-certify")))
def certify(
    evidence: Annotated[Path, typer.Argument(help=both(say("help-evidence")))],
    nonce: Annotated[str, typer.Option(help=both(say("help-nonce")))] = "",
    config: SetupFile = _SETUP,
    lang: Lang = "fr",
) -> None:
    """Run every case of the role and write the evidence, with its digest, for the operator to sign."""
    if not _NONCE.fullmatch(nonce):
        stop(say("no-nonce"), say("no-nonce-step"), UNUSABLE, lang)
    check_file(evidence, lang)
    setup = _read(config, lang)
    owner = setup.accounts.get(setup.role)
    platform = owner.platform if owner else setup.target
    seed = seed_of(nonce, platform=platform, role=setup.role)
    finished = _play(setup, CaseSelection(), seed, fail_fast=False, lang=lang)
    body = evidence_of(
        report_of(finished),
        platform=platform,
        nonce=nonce,
        played=cases_for(setup, CaseSelection(), cases()),
        off=[feature for feature in features_of(setup.role) if not setup.supports(feature)],
        used=finished.used,
    )
    write_file(evidence, orjson.dumps(body, option=orjson.OPT_INDENT_2), lang)
    defects = check_evidence(body)
    for wrong in defects:
        OUT.print(f"[red]–[/] {wrong[lang]}")
    if body["off"] and not defects:
        OUT.print(say("features-off", features=", ".join(body["off"]))[lang], soft_wrap=True)
    OUT.print(f"→ {evidence}  {body['digest']}", soft_wrap=True)
    raise typer.Exit(finished.exit_code or int(bool(defects)))


app.command(help=both(say("help-judge")))(judge)


@app.command(name="list", help=both(say("help-list")))
def list_cases(
    role: Annotated[RoleName | None, typer.Option(help=both(say("help-role-only")))] = None, lang: Lang = "fr"
) -> None:
    """List the cases: id, requirements, title."""
    for case in cases():
        if role is None or role in case.roles:
            OUT.print(f"{case.id}  {', '.join(case.requirements)}  {case.title[lang]}", markup=False, soft_wrap=True)


@app.command(help=both(say("help-explain")))
def explain(
    name: Annotated[str, typer.Argument(metavar="ID", help=both(say("help-name")))],
    seed: Annotated[str, typer.Option(help=both(say("help-seed-used")))] = "explain",
    lang: Lang = "fr",
) -> None:
    """Explain a case or requirement: the protocol's sentence, the document or steps, and curl commands."""
    if not explain_to(OUT, name, seed=seed, language=lang, day=clock.today()):
        stop(say("nothing-of-that-name", name=name), say("list-step"), UNUSABLE, lang)


@app.command(help=both(say("help-coverage")))
def coverage(
    *,
    missing: Annotated[bool, typer.Option("--missing", help=both(say("help-missing")))] = False,
    lang: Lang = "fr",
) -> None:
    """List each requirement with the number of its cases, or the reason for none."""
    table = Table("", say("cases")[lang], say("requirement-or-reason")[lang], box=None)
    for each in all_requirements():
        if each.cases and missing:
            continue
        text = each.sentence[lang] if each.reason is None else f"– {each.reason[lang]}"
        table.add_row(each.id, str(len(each.cases)), text)
    OUT.print(table)


@app.command(help=both(say("help-convert")))
def report(
    file: Annotated[Path, typer.Argument(help=both(say("help-report-file")))],
    to: Annotated[list[Path], typer.Option("--to", help=both(say("help-to", forms=FORMATS)))],
    lang: Lang = "fr",
) -> None:
    """Convert a report to another format."""
    try:
        document = read_report(orjson.loads(file.read_bytes()))
    except (OSError, orjson.JSONDecodeError, ReportError) as error:
        why = error.text if isinstance(error, ReportError) else plain(error)
        stop(say("no-report", file=file, error=why), say("no-report-step"), UNUSABLE, lang)
    write_reports(document, to, lang)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback signature
    if wanted:
        typer.echo(f"passerelle-conformance {VERSIONS.kit} {both(say('version', **asdict(VERSIONS)))}")
        raise typer.Exit


@app.callback()
def passerelle_conformance(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help=both(say("help-version")))
    ] = False,
) -> None:
    """Define the options common to all commands: ``--version``."""


def main() -> None:
    """Run the command line. Ctrl-C and SIGTERM end every command in order, also where a shell started it in the
    background with SIGINT ignored.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        app()
    finally:
        gc.freeze()  # what is loaded ends with the process: searching it for garbage takes a tenth of a second
