"""``passerelle certificate``: issue nonces, sign certificates from evidence, revoke and verify them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.text import Text

from gateway.bootstrap.log import signing_key_of
from gateway.cli.console import (
    ERR,
    FAILED,
    OUT,
    AsJson,
    CommandError,
    asynchronous,
    print_findings,
    print_json,
    print_pairs,
)
from gateway.cli.desk import By, Slug, Why, acting, desk_here
from gateway.cli.keys import fetch_key_set, read_key_set, read_start
from gateway.cli.operator_context import keys_here, settings_here, url_here
from gateway.cli.os_error import command_error
from gateway.clock import now
from gateway.errors import TokenError
from gateway.oauth.jws import MAX_TOKEN_BYTES, PublicKey, import_keys
from gateway.oauth.token import sign_certificate, verify_certificate
from gateway.operate.certification import (
    MAX_DAYS,
    MAX_EVIDENCE_BYTES,
    MAX_NONCE_DAYS,
    USUAL_DAYS,
    USUAL_NONCE_DAYS,
    EvidenceError,
    Issuer,
    certify,
    issue_nonce,
    revoke_certificate,
)
from gateway.operate.desk import Desk
from gateway.protocol.certificate import Certificate, Role, statement
from gateway.protocol.identity import is_slug
from gateway.protocol.record import utc
from gateway.runtime.loop import run
from schemas.kit_cases import kit_version

app = typer.Typer(help="Issue nonces; sign, revoke and verify certificates of conformity.", no_args_is_help=True)


@app.command()
@acting()
async def nonce(
    desk: Desk,
    platform: Slug,
    *,
    days: Annotated[
        int, typer.Option(min=1, max=MAX_NONCE_DAYS, help="Days for which the nonce is valid.")
    ] = USUAL_NONCE_DAYS,
    as_json: AsJson = False,
) -> None:
    """Issue a nonce to a platform, which runs passerelle-conformance certify with it; it serves for one certificate.

    Prints the nonce alone on standard output.
    """
    issued = await issue_nonce(desk, platform, days=days)
    if as_json:
        kit = {"kit": kit_version()}
        print_json({"platform": platform, "nonce": issued.text, "expires_at": utc(issued.expires_at), **kit})
        return
    typer.echo(issued.text)
    ERR.print(
        Text(
            f"Valid until {utc(issued.expires_at)}, for one certificate of {platform}, with kit {kit_version()}: "
            f"passerelle-conformance certify evidence.json --nonce {issued.text}"
        ),
    )


@app.command()
@asynchronous
async def sign(
    evidence: Annotated[Path, typer.Argument(help="The file that passerelle-conformance certify wrote.")],
    *,
    platform: Annotated[
        str | None, typer.Option(metavar="SLUG", help="The platform; required if the evidence names none.")
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=MAX_DAYS, help="Days for which the certificate is valid.")
    ] = USUAL_DAYS,
    replayed: Annotated[
        bool, typer.Option("--replayed", help="You have replayed the run with its seed yourself, and it passed.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Write the signed text to this file, for the platform.")] = None,
    by: By = None,
    why: Why = None,
    as_json: AsJson = False,
) -> None:
    """Check a platform's evidence, sign the certificate and keep it with the platform.

    Evidence is the platform's own claim: its integrity, its nonce and its fit to this gateway are checked, not that the
    run took place. The certificate says so, unless you give --replayed. Prints the certificate alone on standard
    output. Ends with 1 when the evidence is insufficient, with the reasons in English and French.
    """
    document = _read_evidence(evidence)
    slug = platform or _platform_in(document)
    issuer = Issuer(url=url_here(), sign=lambda certificate: sign_certificate(certificate, keys_here(make=True)))
    try:
        async with desk_here(by, why, slug, alone=False) as desk:  # it may read many submissions first
            issued = await certify(desk, slug, document, days=days, issuer=issuer, replayed=replayed)
    except EvidenceError as error:
        print_findings(ERR, [f"{finding['en']}\n  {finding['fr']}" for finding in error.findings])
        raise typer.Exit(FAILED) from error
    if out is not None:
        _write(out, issued.signed)
    if as_json:
        print_json({"statement": statement(issued.certificate), "signed": issued.signed})
        return
    certificate = issued.certificate
    ERR.print(
        f"[green]✓[/] {slug} is certified as {certificate.role} ({certificate.profile}) "
        f"until {utc(certificate.expires_at)}.",
    )
    if out is None:
        typer.echo(issued.signed)
    else:
        ERR.print(Text(f"Send {out} to the platform; passerelle certificate verify {out} verifies it."))


@app.command()
@acting()
async def revoke(
    desk: Desk,
    platform: Slug,
    *,
    role: Annotated[Role, typer.Option(help="The role whose certificate is revoked.")] = "publisher",
) -> None:
    """Revoke a platform's certificate in a role: it is neither listed nor accepted here any more.

    Others who hold the signed text can verify it until its own end.
    """
    await revoke_certificate(desk, platform, role)
    ERR.print(Text(f"{platform} is no longer certified as {role}."))


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
    OUT.print(Text.assemble(("✓ ", "green"), f"{file} is valid."))
    print_pairs(OUT, _rows(certificate))


def _read_evidence(path: Path) -> object:
    step = "give the file that passerelle-conformance certify wrote"
    raw = read_start(path, MAX_EVIDENCE_BYTES + 1, step=step)
    if len(raw) > MAX_EVIDENCE_BYTES:
        raise CommandError(f"{path} is larger than {MAX_EVIDENCE_BYTES >> 20} MiB.", step=step)
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
        raise CommandError(str(command_error(error)), step=step) from error


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
        "Rests on": "the platform's own word"
        if certificate.replayed_at is None
        else f"a replay by another, {utc(certificate.replayed_at)}",
        "Evidence": certificate.evidence,
        "Id": certificate.id,
    }
