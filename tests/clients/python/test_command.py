"""The command passerelle-client: what it prints, in both languages, and its exit codes."""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.clients.python.servers import document, mocked
from tests.clients.python.shell import environ_of, run

pytestmark = pytest.mark.slow


def lines(*documents: object) -> str:
    return "".join(json.dumps(one) + "\n" for one in documents)


def test_a_file_is_published_and_its_refusals_are_explained(tmp_path: Path) -> None:
    (tmp_path / "offers.ndjson").write_text(lines(document(1), document(2, seats=0), {"count": 2}) + "\n")
    with mocked() as mock:
        english = run(tmp_path, mock.url, "--lang", "en", "publish", "offers.ndjson")
        french = run(tmp_path, mock.url, "publish", "-", give=lines(document(1)))
    assert (1, True) == (english.returncode, "2 document(s): 1 accepted, 1 refused\n" in english.stdout)
    assert "bretagne:2 refused\n  /seats out-of-range" in english.stdout
    assert (0, "1 document(s) : 1 déjà connus\n") == (french.returncode, french.stdout)
    assert (tmp_path / "revisions.db").exists()


def test_a_snapshot_runs_its_export_after_the_mark_and_asks_a_person_to_confirm(tmp_path: Path) -> None:
    """PUB-020, PUB-028."""
    (tmp_path / "all.ndjson").write_text(lines(*(document(number) for number in range(30))))
    (tmp_path / "few.ndjson").write_text(lines(*(document(number) for number in range(10))))
    with mocked() as mock:
        first = run(tmp_path, mock.url, "--lang", "en", "snapshot", "all.ndjson")
        stopped = run(tmp_path, mock.url, "--lang", "en", "snapshot", "--run", "cat few.ndjson")
        advice = stopped.stderr.partition("send it again with ")[2].strip().rstrip(".").split()
        again = run(tmp_path, mock.url, "--lang", "en", "snapshot", "--run", "cat few.ndjson", *advice)
    assert (0, "30 document(s): 30 accepted\n") == (first.returncode, first.stdout)
    assert (2, True) == (stopped.returncode, "would withdraw 20 offers" in stopped.stderr)
    assert (0, "10 document(s): 10 duplicate, 20 absent offer(s) withdrawn\n") == (again.returncode, again.stdout), (
        again.stderr
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("snapshot", "--run", "false"), "The export ended with code 1: nothing was sent"),
        (("snapshot", "--run", "no-such-command"), "no-such-command cannot be read: No such file or directory"),
        (("snapshot", "empty.ndjson"), "The export has no offer"),
        (("publish", "absent.ndjson"), "absent.ndjson cannot be read: No such file or directory"),
        (("publish", "--revisions", "empty/x.db", "empty.ndjson"), "revisions empty/x.db cannot be used"),
        (("follow", "--into", "mysql://x:secret@y/z"), "The database mysql cannot be used"),
        (("follow", "--into", "sqlite:///empty/x.db"), "The database sqlite:///empty/x.db cannot be used"),
        (
            ("follow", "--into", "postgresql://u:secret@127.0.0.1:1/x"),
            "The database postgresql://127.0.0.1:1/x cannot be used",
        ),
        (
            ("follow", "--into", "postgresql://127.0.0.1:1/x?password=secret"),
            "postgresql://127.0.0.1:1/x cannot be used",
        ),
        (("follow", "--into", "sqlite:///x.db", "--filter", "levels"), "“levels” is not a filter"),
        (("follow", "--into", "sqlite:///x.db", "--filter", "levl=x"), "read the changes feed. HTTP 400"),
    ],
)
def test_an_error_names_what_and_the_next_step_and_no_password(
    words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "empty.ndjson").write_text("")
    with mocked() as mock:
        ended = run(tmp_path, mock.url, "--lang", "en", *words)
        assert 2 == ended.returncode
        assert message in ended.stderr, ended.stderr
        assert "Next step: " in ended.stderr
        assert "Traceback" not in ended.stderr
        assert "secret" not in ended.stderr
        assert [] == mock.requests("POST", "/v1/snapshots?")


def test_missing_settings_are_named_in_french_by_default(tmp_path: Path) -> None:
    ended = run(tmp_path, "", "withdraw", "bretagne:1", PASSERELLE_CLIENT_ID="")
    assert (2, True, True) == (ended.returncode, "PASSERELLE_CLIENT_ID" in ended.stderr, "À faire :" in ended.stderr)


def test_a_copy_is_followed_into_a_file(tmp_path: Path) -> None:
    with mocked() as mock:
        words = ("follow", "--into", "sqlite:///offres.db", "--filter", "territory=all", "--once")
        ended = [run(tmp_path, mock.url, *words) for _ in range(2)]
    assert [(0, "Copie à jour ; offres en ligne : 120.\n")] * 2 == [(one.returncode, one.stdout) for one in ended]
    with closing(sqlite3.connect(tmp_path / "offres.db")) as database:
        assert [(120,)] == database.execute("SELECT count(offer) FROM passerelle_offers").fetchall()


@pytest.mark.parametrize(
    ("words", "code"),
    [(("publish", "-"), 143), (("follow", "--into", "sqlite:///x.db", "--filter", "territory=all"), 0)],
)
def test_a_stopped_publication_is_no_success_and_a_stopped_follower_is(
    words: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    with mocked() as mock:
        command = [sys.executable, "-m", "passerelle_client.command", *words]
        with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=tmp_path, env=environ_of(mock.url)) as started:
            made = tmp_path / ("revisions.db" if words[0] == "publish" else "x.db")
            deadline = time.monotonic() + 30
            while not made.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            started.terminate()
            assert code == started.wait(30)
