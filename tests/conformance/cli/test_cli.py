"""The command: its output, files and exit codes."""

import gzip
import io
import json
import secrets
from collections.abc import Iterator
from contextlib import chdir
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from conformance.cli.app import app
from conformance.cli.explain import explain_to
from conformance.model.library import cases
from conformance.report.document import check_evidence
from conformance.words import say
from schemas.requirements import sentences
from tests.conformance.partner_fixtures import SECRET, Subscriber, setup_for

pytestmark = pytest.mark.slow

NONCE = "nonce-of-a-test-0123"
SOUND = {
    "id": "bretagne:1",
    "revision": 1,
    "title": "Découverte d'un atelier",
    "description": "Observer la fabrication d'un meuble.",
    "employer": {"name": "Atelier du Port", "description": "Menuiserie."},
    "location": {"postal_code": "35000", "city": "Rennes"},
    "levels": ["troisieme"],
    "weeks": ["2027-W24"],
    "sector": "s5",
    "apply_url": "https://stages.example/1",
}


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[CliRunner]:
    with chdir(tmp_path):
        yield CliRunner(env={"COLUMNS": "200"})


def test_a_file_of_offers_is_judged_line_by_line(runner: CliRunner) -> None:
    Path("offers.ndjson").write_text(json.dumps(SOUND) + "\n" + json.dumps({**SOUND, "seats": 0}) + "\n")
    done = runner.invoke(app, ["judge", "offers.ndjson", "--lang", "en"])
    assert 1 == done.exit_code
    assert "judged/document-2" in done.output
    assert "    /seats out-of-range\n" in done.output
    assert "1 passed, 1 failed" in done.output
    french = runner.invoke(app, ["judge", "offers.ndjson"]).output
    assert "    /seats\n      La valeur 0 n’est pas comprise entre 1 et 6000. (out-of-range)\n      → " in french
    assert "1 réussi, 1 échoué" in french


def test_one_offer_over_several_lines_and_an_array_are_judged_too(runner: CliRunner) -> None:
    Path("one.json").write_text(json.dumps(SOUND, indent=1))
    Path("many.json").write_text(json.dumps([SOUND, SOUND]))
    assert [0, 0] == [runner.invoke(app, ["judge", name]).exit_code for name in ("one.json", "many.json")]


@pytest.mark.parametrize("content", [b"\x1f\x8bnot gzip", b"[1,"])
def test_an_unreadable_file_exits_with_2(runner: CliRunner, content: bytes) -> None:
    Path("offers").write_bytes(content)
    assert 2 == runner.invoke(app, ["judge", "offers"]).exit_code


def test_an_empty_file_verifies_nothing(runner: CliRunner) -> None:
    Path("offers").write_bytes(b"")
    assert 5 == runner.invoke(app, ["judge", "offers"]).exit_code


def test_a_set_up_is_written_once_and_read(runner: CliRunner) -> None:
    assert 0 == runner.invoke(app, ["init", "publisher"]).exit_code
    assert 2 == runner.invoke(app, ["init", "publisher"]).exit_code
    done = runner.invoke(app, ["doctor"])
    assert 3 == done.exit_code
    assert "KIT_PUBLISHER_SECRET" in done.output


def test_a_set_up_that_cannot_be_written_is_named_with_the_next_step(runner: CliRunner) -> None:
    Path("conformance.toml").symlink_to("none/conformance.toml")
    absent = runner.invoke(app, ["init", "publisher", "--lang", "en"])
    assert (2, True) == (absent.exit_code, "conformance.toml" in absent.stderr and "Next step" in absent.stderr)


def test_commands_speak_french_unless_english_is_asked_for_and_help_holds_both(runner: CliRunner) -> None:
    assert "Complétez-le" in runner.invoke(app, ["init", "publisher"]).output
    assert "# où le kit joue la passerelle" in Path("conformance.toml").read_text(encoding="utf-8")
    assert "Next step: edit or move it" in runner.invoke(app, ["init", "publisher", "--lang", "en"]).output
    assert "À faire : export KIT_PUBLISHER_SECRET" in runner.invoke(app, ["doctor"]).output
    assert "Next step: export" in runner.invoke(app, ["doctor"], env={"CONFORMANCE_LANG": "en"}).output
    helped = runner.invoke(app, ["run", "--help"]).output
    assert "Exécuter les cas" in helped
    assert "Run the cases" in helped


def test_a_run_without_a_set_up_is_a_configuration_error(runner: CliRunner) -> None:
    assert 3 == runner.invoke(app, ["run"]).exit_code


def test_a_case_and_a_requirement_are_explained(runner: CliRunner) -> None:
    case = runner.invoke(app, ["explain", "feed/left-the-filter", "--lang", "en"]).output
    assert "FEED-006" in case
    assert "curl -sS -i -X PUT" in case
    assert 'curl -sS "$TARGET/v1/changes?' in case
    assert 'curl -sS -X POST "$CONTROL/create"' in runner.invoke(app, ["explain", "publisher/creates"]).output
    assert "$TARGET/v1/snapshots?mark=" in runner.invoke(app, ["explain", "snapshot/absent-is-withdrawn"]).output
    assert "feed/left-the-filter" in runner.invoke(app, ["explain", "FEED-006"]).output
    assert 2 == runner.invoke(app, ["explain", "nothing/at-all"]).exit_code


def test_the_steps_have_the_numbers_that_findings_name_and_say_what_the_kit_does(runner: CliRunner) -> None:
    explained = runner.invoke(app, ["explain", "publisher/too-many", "--lang", "en"]).output
    assert "# step 1: the kit's gateway will answer the next submissions: 429" in explained
    assert "# étape 2 : ordre à votre plateforme" in runner.invoke(app, ["explain", "publisher/too-many"]).output
    assert "410, a page of" in runner.invoke(app, ["explain", "subscriber/resync", "--lang", "en"]).output


def test_every_case_and_requirement_can_be_explained() -> None:
    console = Console(file=io.StringIO())
    names = [*(case.id for case in cases()), *sentences()]
    assert [] == [
        name for name in names if not explain_to(console, name, seed="s", language="fr", day=date(2026, 11, 25))
    ]


def test_a_report_is_rendered_in_every_known_format_only(runner: CliRunner) -> None:
    Path("offers.json").write_text(json.dumps(SOUND))
    runner.invoke(app, ["judge", "offers.json", "--report", "r.json"])
    assert 0 == runner.invoke(app, ["report", "r.json", "--to", "r.html", "--to", "r.xml", "--to", "r.sarif"]).exit_code
    assert [] == [name for name in ("r.html", "r.xml", "r.sarif") if not Path(name).stat().st_size]
    assert 2 == runner.invoke(app, ["report", "r.json", "--to", "r.pdf"]).exit_code
    assert 2 == runner.invoke(app, ["report", "offers.json", "--to", "r.html"]).exit_code


def test_an_unreachable_subscriber_is_a_configuration_error_with_evidence(
    runner: CliRunner,
) -> None:
    environment = written_setup()
    assert 3 == runner.invoke(app, ["run", "--case", "subscriber/resync"], env=environment).exit_code
    arguments = ["certify", "evidence.json", "--nonce", NONCE]
    assert 3 == runner.invoke(app, arguments, env=environment).exit_code
    assert NONCE == json.loads(Path("evidence.json").read_text())["nonce"]
    assert [say("run-not-conforming")] == check_evidence(json.loads(Path("evidence.json").read_text()))
    assert 2 == runner.invoke(app, ["run", "--case", "no/such"], env=environment).exit_code


def test_a_run_for_a_certificate_needs_a_nonce(runner: CliRunner) -> None:
    environment = written_setup()
    for arguments in ([], ["--nonce", "x"], ["--nonce", "not a nonce of any kind"]):
        done = runner.invoke(app, ["certify", "evidence.json", "--lang", "en", *arguments], env=environment)
        assert (2, True) == (done.exit_code, "passerelle certificate nonce" in done.output)
    assert not Path("evidence.json").exists()


@pytest.mark.parametrize(("language", "said"), [("en", "does not answer POST /reset"), ("fr", "ne répond pas à POST")])
def test_a_cause_is_said_once_and_first_and_is_in_every_report(runner: CliRunner, language: str, said: str) -> None:
    reports = ["r.json", "r.html", "r.xml", "r.sarif"]
    arguments = [argument for name in reports for argument in ("--report", name)]
    done = runner.invoke(app, ["run", "--lang", language, *arguments], env=written_setup())
    assert 3 == done.exit_code
    assert 1 == done.output.count(said)
    assert done.output.index("run/interface-silent") < done.output.index("partner.control")
    assert "subscriber/" not in done.output
    assert [] == [name for name in reports if "interface-silent" not in Path(name).read_text(encoding="utf-8")]
    assert [["run/interface-silent", "config-error"]] == [
        [each["case"], each["outcome"]] for each in json.loads(Path("r.json").read_text())["results"]
    ]


def written_setup() -> dict[str, str]:
    """A set-up without a reachable test interface, which shows in the output of any case that runs; its environment."""
    listen = setup_for(Subscriber).listen
    Path("conformance.toml").write_text(
        f'role = "subscriber"\n[partner]\nlisten = "{listen}"\ncontrol = "http://127.0.0.1:1"\n'
        f'[accounts.subscriber]\nplatform = "essai-{secrets.token_hex(4)}"\nsecret_env = "KIT"\n'
    )
    return {"KIT": SECRET}


@pytest.mark.parametrize(
    "arguments",
    [
        ["certify", "nowhere/evidence.json", "--nonce", "n" * 20],
        ["certify", ".", "--nonce", "n" * 20],
        ["run", "--report", "report.pdf"],
        ["run", "--report", "good.json", "--report", "nowhere/report.json"],
        ["run", "--report", "good.json", "--report", "folder.json"],
    ],
)
def test_an_unwritable_report_file_is_refused_before_any_case_runs(runner: CliRunner, arguments: list[str]) -> None:
    environment = written_setup()
    Path("folder.json").mkdir()
    done = runner.invoke(app, arguments, env=environment)
    assert 2 == done.exit_code
    assert "subscriber/" not in done.output
    assert not Path("good.json").exists()


@pytest.mark.parametrize(
    "wrong", [["--case", "subscriber/typo"], ["--family", "typo"], ["--case", "publisher/creates"]]
)
def test_an_unknown_case_or_family_is_reported_beside_known_ones(runner: CliRunner, wrong: list[str]) -> None:
    done = runner.invoke(app, ["run", "--case", "subscriber/resync", *wrong], env=written_setup())
    assert 2 == done.exit_code
    assert wrong[1] in done.output
    assert "subscriber/resync" not in done.output


def test_a_truncated_array_or_second_gzip_member_is_unreadable(runner: CliRunner) -> None:
    line = json.dumps(SOUND).encode()
    Path("array.json").write_bytes(b"[" + line + b", ")
    Path("members.gz").write_bytes(gzip.compress(line + b"\n") + gzip.compress(line)[:-1])
    Path("both.gz").write_bytes(gzip.compress(line + b"\n") * 2)
    Path("deep.json").write_bytes(b"[" * 5_000 + b"]" * 5_000)
    found = [runner.invoke(app, ["judge", name]).exit_code for name in ("array.json", "members.gz", "deep.json")]
    assert [2, 2, 1] == found
    assert "2 passed" in runner.invoke(app, ["judge", "both.gz", "--lang", "en"]).output


def test_the_guide_names_every_command_and_exit_code() -> None:
    page = (Path(__file__).parents[3] / "docs/conformance/README.md").read_text(encoding="utf-8")
    names = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert {"init", "doctor", "run", "list", "explain", "coverage", "judge", "report", "certify"} == names
    assert [] == [name for name in names if f"`{name}" not in page]
    assert [] == [code for code in range(6) if f"| {code} |" not in page]
