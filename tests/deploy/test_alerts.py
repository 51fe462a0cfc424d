"""The alert rules: Prometheus reads them, each fires and is silent where it should, and the guide names its remedy."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.core import TyperGroup

from gateway.cli.app import app
from tests.deploy.programs import DEPLOY, ROOT, program

pytestmark = pytest.mark.slow

FOLDER = DEPLOY / "prometheus"
TESTS = ("alerts.test.yml", "alerts-hours.test.yml", "alerts-days.test.yml")
GUIDES = {"en": ROOT / "docs/mend.md", "fr": ROOT / "docs/fr/reparer.md"}
COMMANDS = typer.main.get_command(app)


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


NAMES = [alert["alert"] for alert in alerts()]


def promtool(*arguments: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    command = [program("promtool"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def paragraphs(language: str) -> dict[str, str]:
    """The paragraph of each alert in a guide: from its name in bold type to the next blank line."""
    text = GUIDES[language].read_text()
    return dict(re.findall(r"^\*\*`(Passerelle\w+)`\*\*(.*?)(?=\n\n|\Z)", text, re.MULTILINE | re.DOTALL))


def commands(paragraph: str) -> list[str]:
    return [text for text in re.findall(r"`([^`]+)`", paragraph) if text.startswith("passerelle ")]


def parsed(words: list[str]) -> tuple[Any, list[str]]:
    """The command that these words name, and its arguments."""
    found: Any = COMMANDS
    while isinstance(found, TyperGroup):
        assert words, f"{found.name} is a group of commands, which does nothing by itself"
        name, *words = words
        command = found.get_command(None, name)  # type: ignore[arg-type]  # looks a name up, without a context
        assert command is not None, f"no command {name}"
        found = command
    return found, words


@pytest.mark.prometheus
def test_prometheus_accepts_the_rules_and_the_example_of_its_settings() -> None:
    for arguments in (("check", "rules", "alerts.yml"), ("check", "config", "prometheus.yml")):
        ended = promtool(*arguments)
        assert 0 == ended.returncode, ended.stderr


@pytest.mark.prometheus
@pytest.mark.parametrize("name", TESTS)
def test_each_alert_fires_and_is_silent_where_it_should(name: str) -> None:
    ended = promtool("test", "rules", name)
    assert 0 == ended.returncode, ended.stdout + ended.stderr


@pytest.mark.prometheus
def test_a_rule_that_never_fires_fails_the_tests_of_the_rules(tmp_path: Path) -> None:
    text = (FOLDER / "alerts.yml").read_text()
    assert text.count("max(passerelle_relay_lag_seconds) > 60") == 1
    (tmp_path / "alerts.yml").write_text(text.replace("lag_seconds) > 60", "lag_seconds) > 600"))
    cases = yaml.safe_load((FOLDER / "alerts.test.yml").read_text())
    cases["tests"] = [case for case in cases["tests"] if "PasserelleRelayLate" in yaml.safe_dump(case)]
    (tmp_path / "one.yml").write_text(yaml.safe_dump(cases))
    ended = promtool("test", "rules", "one.yml", folder=tmp_path)
    assert (1, True) == (ended.returncode, "PasserelleRelayLate" in ended.stdout + ended.stderr)


def test_each_alert_is_tried_both_ways() -> None:
    cases = [case for name in TESTS for case in yaml.safe_load((FOLDER / name).read_text())["tests"]]
    rules = [rule for case in cases for rule in case["alert_rule_test"]]
    for fires in (True, False):
        assert set(NAMES) == {rule["alertname"] for rule in rules if bool(rule["exp_alerts"]) == fires}


@pytest.mark.parametrize("language", GUIDES)
def test_each_alert_has_a_paragraph_and_no_paragraph_is_of_another(language: str) -> None:
    assert NAMES == list(paragraphs(language))


@pytest.mark.parametrize("text", ["passerelle platform", "passerelle platform mend", "passerelle repair"])
def test_a_command_that_does_not_exist_is_no_remedy(text: str) -> None:
    with pytest.raises(AssertionError):
        parsed(text.split()[1:])


@pytest.mark.parametrize("name", NAMES)
def test_the_remedy_of_an_alert_is_a_command_that_exists(name: str) -> None:
    english, french = (commands(paragraphs(language)[name]) for language in ("en", "fr"))
    assert english
    assert english == french
    for text in english:
        command, words = parsed(text.split()[1:])
        options = {option for one in command.params for option in one.opts}
        assert {word for word in words if word.startswith("-")} <= options, text
        given = [word for word in words if not word.startswith("-")]
        wanted = [one for one in command.params if one.param_type_name == "argument" and one.required]
        assert len(given) >= len(wanted), f"{text} lacks {[one.name for one in wanted]}"
