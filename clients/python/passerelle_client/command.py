"""The command ``passerelle-client``: publish, snapshot, withdraw, and follow into a database.

PASSERELLE_URL, PASSERELLE_CLIENT_ID and PASSERELLE_CLIENT_SECRET name gateway and credentials. Exit code: 0 all is
done; 1 some documents are refused, stale or undecided; 2 the gateway, the file or the database cannot be used.
"""

import argparse
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from passerelle_client.connection import Connection
from passerelle_client.equal import compare
from passerelle_client.errors import ClientError, ExportError, say
from passerelle_client.follow import follow
from passerelle_client.outcome import Outcome, Summary
from passerelle_client.publisher import Publisher
from passerelle_client.revisions import Revisions
from passerelle_client.snapshot import snapshot
from passerelle_client.store import PostgresStore, SqliteStore, Store

_SQLITE, _POSTGRESQL = "sqlite:///", ("postgresql://", "postgres://")
_REVISIONS = "PASSERELLE_REVISIONS"
_TERMINATED = 143


def main(words: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    options = _parser().parse_args(words, argparse.Namespace(lang="fr"))
    try:
        with Connection.from_environment(language=options.lang, retrying=_retrying) as connection:
            return int(options.run(connection, options))
    except ClientError as error:
        _say(f"{say('error', options.lang)} {error.message}", f"{say('next', options.lang)} {error.step}")
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--lang", choices=("fr", "en"), help="language of what is printed; default fr")
    parser = argparse.ArgumentParser(prog="passerelle-client", description=__doc__, parents=[common])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text, parents=[common])
        command.set_defaults(run=run)
        return command

    def with_revisions(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
        known = os.environ.get(_REVISIONS, "revisions.db")
        command.add_argument("--revisions", default=known, help=f"file of revisions; default {_REVISIONS}, or {known}")
        return command

    command = with_revisions(add("publish", _publish, "publish and withdraw the documents of an NDJSON file"))
    command.add_argument("file", help="NDJSON, one document on each line; - reads standard input")
    command = with_revisions(add("snapshot", _snapshot, "replace all offers by an export; what it lacks is withdrawn"))
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "file", nargs="?", help="NDJSON of an export since which nothing was published: the mark is taken after it"
    )
    source.add_argument("--run", dest="export", metavar="COMMAND", help="the export: started after the mark was taken")
    command.add_argument("--mark", default="", help="the mark of a snapshot that is sent again")
    command.add_argument("--confirm", type=int, metavar="N", help="withdraw N offers although the guard stops them")
    command = with_revisions(add("withdraw", _withdraw, "withdraw one offer"))
    command.add_argument("id")
    command.add_argument("--reason", default="cancelled")
    command = add("follow", _follow, "keep a copy of the offers of others in a database")
    command.add_argument(
        "--into", required=True, metavar="URL", help="sqlite:///offers.db, postgresql://user@host/base"
    )
    command.add_argument("--filter", action="append", default=[], metavar="NAME=VALUE", help="such as territory=all")
    command.add_argument("--check", action="store_true", help="compare the copy with the gateway's first, and mend it")
    command.add_argument("--once", action="store_true", help="stop at the end of the feed")
    return parser


def _publish(connection: Connection, options: argparse.Namespace) -> int:
    publisher = Publisher(connection, Revisions(options.revisions, language=options.lang))
    documents = (one for one in _lines(options.file, options.lang) if not one.startswith(b'{"count"'))
    return _conclude(publisher.batch(documents), options.lang)


def _snapshot(connection: Connection, options: argparse.Namespace) -> int:
    publisher = Publisher(connection, Revisions(options.revisions, language=options.lang))

    def export() -> Iterator[bytes]:
        return _output(options.export, options.lang) if options.export else _lines(options.file, options.lang)

    return _conclude(snapshot(publisher, export, mark=options.mark, confirm=options.confirm), options.lang)


def _withdraw(connection: Connection, options: argparse.Namespace) -> int:
    publisher, summary = Publisher(connection, Revisions(options.revisions, language=options.lang)), Summary()
    summary.add(publisher.withdraw(options.id, options.reason))
    return _conclude(summary, options.lang)


def _follow(connection: Connection, options: argparse.Namespace) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # how a follower is stopped
    filters: dict[str, str] = {}
    for name, equals, value in (one.partition("=") for one in options.filter):
        if not equals:
            raise ClientError("filter", options.lang, text=name)
        filters[name] = f"{filters[name]},{value}" if name in filters else value
    try:
        store = _store(options.into, options.lang)
        if options.check and (different := compare(connection, store, filters=filters)):
            _say(say("different", options.lang, number=len(different), ids=", ".join(different[:10])))
        follow(connection, store, filters=filters, once=options.once)
        print(say("copied", options.lang, number=store.live()))  # noqa: T201  # a command
    except _database_errors() as error:
        parts = urlsplit(options.into)  # without a password
        url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        raise ClientError("store", options.lang, url=url, text=str(error).strip()) from error
    return 0


def _store(url: str, lang: Any) -> Store:
    if url.startswith(_SQLITE):
        return SqliteStore(url.removeprefix(_SQLITE))
    if url.startswith(_POSTGRESQL):
        try:
            import psycopg  # noqa: PLC0415  # an extra
        except ImportError as error:
            raise ClientError("store", lang, url="postgresql", text=error) from error
        return PostgresStore(psycopg.connect(url, autocommit=True))
    raise ClientError("store", lang, url=url.partition("://")[0], text="sqlite:///, postgresql://")


def _database_errors() -> tuple[type[Exception], ...]:
    psycopg = sys.modules.get("psycopg")
    return (sqlite3.Error,) if psycopg is None else (sqlite3.Error, psycopg.Error)


def _lines(path: str, lang: Any) -> Iterator[bytes]:
    """The documents of a file, without blank lines."""
    try:
        with open(0, "rb", closefd=False) if path == "-" else Path(path).open("rb") as stream:
            yield from (line.strip() for line in stream if line.strip())
    except OSError as error:
        raise ClientError("file", lang, path=path, text=error.strerror) from error


def _output(command: str, lang: Any) -> Iterator[bytes]:
    """The documents that an export prints; an error unless it ends with 0."""
    try:
        process = subprocess.Popen(shlex.split(command), stdout=subprocess.PIPE)  # noqa: S603  # the user's own
    except OSError as error:
        raise ClientError("file", lang, path=command, text=error.strerror) from error
    with process:
        yield from (line.strip() for line in process.stdout or () if line.strip())
    if process.returncode:
        raise ExportError("export-failed", lang, status=process.returncode)


def _conclude(summary: Summary, lang: Any) -> int:
    for outcome in summary.wrong:
        print(_explained(outcome))  # noqa: T201  # a command
    print(summary.text(lang))  # noqa: T201  # a command
    return 0 if summary.ok else 1


def _explained(outcome: Outcome) -> str:
    """An outcome with its problems, each with its place and its remedy."""
    texts = (f"{one['pointer'] or '/'} {one['code']}: {one['message']} {one['fix']}" for one in outcome.problems)
    return f"{outcome.id or outcome.index} {outcome.verdict}\n  " + "\n  ".join(texts)


def _retrying(reason: str, seconds: float) -> None:
    _say(f"{reason} … {seconds:.1f} s")


def _say(*lines: str) -> None:
    print(*lines, sep="\n", file=sys.stderr)  # noqa: T201  # a command


if __name__ == "__main__":
    sys.exit(main())
