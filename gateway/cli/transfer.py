"""``passerelle export`` and ``passerelle import``: the whole federation as one file, and from one."""

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.text import Text

import schemas
from gateway.cli.console import ERR, OUT, CommandError, asynchronous, print_rows
from gateway.cli.operator_context import command_errors, log_here, settings_here
from gateway.clock import now
from gateway.operate.transfer.archive import Archive, ArchiveError, Manifest
from gateway.operate.transfer.content import MOVED
from gateway.operate.transfer.export import NotQuietError, export_log
from gateway.operate.transfer.restore import NotEmptyError, check, import_archive
from gateway.protocol import PROTOCOL_VERSION
from gateway.protocol.partner import Partner
from gateway.runtime.keys import load_secret
from gateway.runtime.lock import locked
from gateway.runtime.private_files import ExposedError
from schemas.discovery import REFERENCE_LISTS

_DIGEST = "sha256:"


@asynchronous
async def export(
    file: Annotated[Path, typer.Argument(help="The file to write, such as federation.zip.")],
    *,
    secrets: Annotated[bool, typer.Option(help="Include the partners' hashed secrets: they stay valid.")] = False,
    contacts: Annotated[
        bool, typer.Option(help="Include addresses of persons: contacts, and requests to join.")
    ] = False,
    leave_undecided: Annotated[
        bool, typer.Option(help="Export although submissions are not decided; they are not in the file.")
    ] = False,
) -> None:
    """Write the whole federation to one file in open formats, for another instance or another software.

    No gateway may work on the log meanwhile. docs/run.md, “Export and import”, describes steps and format.
    """
    async with log_here() as log:
        try:
            with ERR.status("Reading the log"):
                manifest, text = await export_log(
                    log,
                    file,
                    now=now(),
                    versions=_versions(),
                    secrets=secrets,
                    contacts=contacts,
                    leave_undecided=leave_undecided,
                )
        except NotQuietError as error:
            raise CommandError(
                f"{error}; nothing was exported.",
                step="close the entrance for partners, wait until passerelle_undecided is 0, stop every gateway, and "
                "export again; docs/run.md, “Export and import”",
            ) from error
    _print_members(manifest)
    message = f"✓ {file}: the digest of its manifest is {_DIGEST}{hashlib.sha256(text).hexdigest()}"
    OUT.print(Text(message))
    if manifest.undecided:
        ERR.print(f"! {manifest.undecided} submissions or inbox messages are not in the file.")
    following = f"Next: passerelle import {file} --digest {_DIGEST}… where the other instance will run"
    OUT.print(Text(following))


@asynchronous
async def import_(
    file: Annotated[Path, typer.Argument(help="A file of passerelle export.")],
    *,
    digest: Annotated[
        str | None, typer.Option(help="The digest that the export printed: refuses any other file.")
    ] = None,
    check_only: Annotated[bool, typer.Option("--check", help="Check the file only; no log is needed.")] = False,
) -> None:
    """Write a file of passerelle export to an empty log, before a gateway starts on it.

    All of the file is checked first. When it is interrupted, the same command goes on.
    """
    try:
        with command_errors(), Archive.open(file) as archive:
            if digest is not None:
                archive.require(digest.removeprefix(_DIGEST).lower())
            if check_only:
                check(archive)
                _print_members(archive.manifest)
                OUT.print(Text(f"✓ {file} is complete: {_DIGEST}{archive.digest}"))
                return
            with locked(settings_here().data):
                partners = await _import(archive)
            manifest = archive.manifest
    except (ArchiveError, ExposedError) as error:
        step = "take the file as it was exported"
        raise CommandError(f"{file}: {error}; nothing was imported.", step=step) from error
    _print_members(manifest)
    for name, text in _differences(manifest.versions):
        ERR.print(Text(f"! {name}: {text}"))
    lacking = [one.platform for one in partners if not (one.revoked or one.secrets or one.jwks or one.issuer)]
    OUT.print("[green]✓[/] Imported.")
    if lacking:
        OUT.print(Text(f"Without a credential: {', '.join(lacking)}. Next: passerelle partner rotate SLUG, for each"))
    OUT.print("Next: passerelle topics create; passerelle serve; then passerelle audit")


async def _import(archive: Archive) -> Sequence[Partner]:
    settings = settings_here()
    async with log_here(make=True) as log:
        secret = load_secret(settings.secret, folder=settings.data)
        try:
            with ERR.status("Checking the file, then writing") as status:
                return await import_archive(
                    log,
                    archive,
                    now=now(),
                    secret=secret,
                    progress=lambda lines: status.update(f"{lines:,} records written"),
                )
        except NotEmptyError as error:
            raise CommandError(
                f"{error}; nothing was imported.",
                step="name a new folder in PASSERELLE_DATA, or with Kafka another PASSERELLE_KAFKA_PREFIX, and import "
                "again before a gateway starts or a partner is added",
            ) from error


def _print_members(manifest: Manifest) -> None:
    rows = [
        [Text(content.topic), Text(f"{manifest.members[content.member].lines:,}")]
        for content in MOVED
        if content.member in manifest.members
    ]
    print_rows(OUT, ("Topic", "Records"), rows, left=1)


def _versions() -> Mapping[str, str]:
    """The versions of the gateway, the protocol, and each code list and calendar."""
    lists = {name: str(schemas.reference(name)["version"]) for name in REFERENCE_LISTS}
    years = {f"calendar {one['school_year']}": _digest(one) for one in schemas.reference("calendar")["items"]}
    return {
        "passerelle": version("passerelle"),
        "protocol": PROTOCOL_VERSION,
        "schema": schemas.SCHEMA_VERSION,
        **lists,
        **years,
    }


def _digest(document: object) -> str:
    return _DIGEST + hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _differences(exported: Mapping[str, str]) -> list[tuple[str, str]]:
    """The versions that this gateway does not have as the exporting one had them."""
    here = _versions()
    return [
        (name, f"exported with {message}, this gateway has {here.get(name, 'none')}")
        for name, message in exported.items()
        if here.get(name) != message
    ]
