"""``passerelle certificate``: sign certificates of conformity from a platform's evidence, and verify them."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.text import Text

from gateway.bootstrap import signing_key_of
from gateway.cli.console import ERR, FAILED, OUT, AsJson, CommandError, print_findings, print_json, print_pairs
from gateway.cli.keys import fetch_key_set, read_key_set, read_start
from gateway.cli.operator_context import active_partner, keys_here, partners_here, settings_here, url_here
from gateway.clock import now
from gateway.errors import TokenError
from gateway.oauth.jws import MAX_TOKEN_BYTES, PublicKey, import_keys
from gateway.oauth.token import sign_certificate, verify_certificate
from gateway.protocol.certificate import Certificate, Issued, statement, with_certificate
from gateway.protocol.evidence import Evidence, judge_evidence
from gateway.protocol.identity import is_slug
from gateway.protocol.partner import Partner
from gateway.protocol.record import utc
from gateway.runtime.loop import run

_DAY_MS = 24 * 3_600_000
_MAX_EVIDENCE_BYTES = 64 * 1024 * 1024
_MOST_DAYS = 1_096

app = typer.Typer(help="Sign and verify certificates of conformity.", no_args_is_help=True)


@app.command()
def sign(
    evidence: Annotated[Path, typer.Argument(help="The file that passerelle-conformance certify wrote.")],
    *,
    platform: Annotated[
        str | None, typer.Option(metavar="SLUG", help="The platform; required if the evidence names none.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=_MOST_DAYS, help="Days for which the certificate is valid.")] = 365,
    out: Annotated[Path | None, typer.Option(help="Write the signed text to this file, for the platform.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check a platform's evidence, sign the certificate and keep it with the platform.

    Evidence is the platform's own claim: its integrity and its fit to this gateway are checked, not that the run took
    place. Ends with 1 when the evidence is insufficient.
    """
    document = _read_evidence(evidence)
    slug = platform or _platform_in(document)
    at = now()
    judged = judge_evidence(document, platform=slug, now=at)
    if not isinstance(judged, Evidence):
        print_findings(ERR, judged)
        raise typer.Exit(FAILED)
    issued = run(_issue(slug, judged, at=at, days=days))
    if out is not None:
        _write(out, issued.signed)
    if as_json:
        print_json({"statement": statement(issued.certificate), "signed": issued.signed})
        return
    certificate = issued.certificate
    OUT.print(
        f"[green]✓[/] {slug} is certified as {certificate.role} ({certificate.profile}) "
        f"until {utc(certificate.expires_at)}.",
        soft_wrap=True,
    )
    if out is None:
        typer.echo(issued.signed)
    else:
        OUT.print(Text(f"Send {out} to the platform; passerelle certificate verify {out} verifies it."), soft_wrap=True)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A signed certificate.")],
    *,
    jwks: Annotated[
        str | None,
        typer.Option(metavar="URL|FILE", help="The keys of the gateway that signed; by default those of this one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify a certificate's signature and expiry, offline, and show its statement. Ends with 1 when it is invalid.

    Only keys that are named by a URL are fetched.
    """
    text = _read_signed(file)
    try:
        certificate = verify_certificate(text, keys=_keys(jwks), now=now())
    except TokenError as error:
        print_findings(ERR, [f"{file} is invalid: {error}."])
        raise typer.Exit(FAILED) from error
    if as_json:
        print_json(statement(certificate))
        return
    OUT.print(Text.assemble(("✓ ", "green"), f"{file} is valid."), soft_wrap=True)
    print_pairs(OUT, _rows(certificate))


async def _issue(slug: str, evidence: Evidence, *, at: int, days: int) -> Issued:
    issuer = url_here()
    async with partners_here(to_change=True) as partners:
        active_partner(partners.get(slug), slug)
        certificate = Certificate(
            id=secrets.token_hex(16),
            issuer=issuer,
            platform=slug,
            role=evidence.role,
            profile=evidence.profile,
            versions=evidence.versions,
            evidence=evidence.digest,
            issued_at=at // 1_000 * 1_000,
            expires_at=at // 1_000 * 1_000 + days * _DAY_MS,
        )
        issued = sign_certificate(certificate, keys_here(make=True))

        def add_certificate(present: Partner | None) -> Partner:
            partner = active_partner(present, slug)
            return replace(partner, certificates=with_certificate(partner.certificates, issued, now=at))

        await partners.change(slug, add_certificate)
        return issued


def _read_evidence(path: Path) -> object:
    step = "give the file that passerelle-conformance certify wrote"
    raw = read_start(path, _MAX_EVIDENCE_BYTES + 1, step=step)
    if len(raw) > _MAX_EVIDENCE_BYTES:
        raise CommandError(f"{path} is larger than {_MAX_EVIDENCE_BYTES >> 20} MiB.", step=step)
    try:
        return orjson.loads(raw)
    except ValueError as error:
        raise CommandError(f"{path} is not JSON.", step=step) from error


def _platform_in(document: object) -> str:
    named: Any = document.get("platform") if isinstance(document, Mapping) else None
    if not isinstance(named, str) or not is_slug(named):
        raise CommandError("The evidence names no platform.", step="name the platform with --platform SLUG")
    return named


def _read_signed(path: Path) -> str:
    step = "give the file that passerelle certificate sign --out wrote"
    try:
        return read_start(path, 2 * MAX_TOKEN_BYTES, step=step).decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is no signed certificate.", step=step) from error


def _keys(jwks: str | None) -> Sequence[PublicKey]:
    """The keys of a file or URL; by default this gateway's own, which are not created here. Raises CommandError."""
    if jwks is None:
        if not signing_key_of(settings_here()).exists():
            step = "name the keys to verify it with: --jwks https://…/oauth/jwks.json"
            raise CommandError("There are no keys of a gateway here.", step=step)
        return keys_here().verifiers
    document = run(fetch_key_set(jwks)) if "://" in jwks else read_key_set(Path(jwks))
    keys = import_keys(document)
    if not keys:
        raise CommandError(f"{jwks} has no usable key.", step="give the gateway's JWKS")
    return keys


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text + "\n", encoding="ascii")
    except OSError as error:
        step = "the certificate is kept with the platform; run the command again with another --out for a new one"
        raise CommandError(f"{path} cannot be written: {error.strerror}.", step=step) from error


def _rows(certificate: Certificate) -> Mapping[str, str]:
    """The fields of a certificate, by their labels."""
    versions = certificate.versions
    return {
        "Platform": certificate.platform,
        "As": f"{certificate.role} ({certificate.profile})",
        "By": certificate.issuer,
        "From": utc(certificate.issued_at),
        "Until": utc(certificate.expires_at),
        "With": f"kit {versions.kit}, protocol {versions.protocol}, schema {versions.schema}, rules {versions.rules}",
        "Evidence": certificate.evidence,
        "Id": certificate.id,
    }
