"""Each query of the dashboard and of the alerts, evaluated by a real Prometheus that watches a real gateway."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.monitored import Prometheus, watched
from tests.deploy.programs import DEPLOY

pytestmark = pytest.mark.slow

BOARD = json.loads((DEPLOY / "grafana/passerelle.json").read_text())
_SELECTOR = re.compile(r"\b(passerelle_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_LEGEND = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_OURS = {"job", "instance"}


def targets() -> Iterator[tuple[str, str, str]]:
    """Title, query and legend of each query of the dashboard."""
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "1m"), target["legendFormat"]


def alert_queries() -> Iterator[tuple[str, str, str]]:
    [group] = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    for alert in group["rules"]:
        yield alert["alert"], alert["expr"], ""


def selectors(query: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics that a query reads, each with the labels that it compares."""
    for name, matchers in _SELECTOR.findall(query):
        yield name, set(_MATCHER.findall(re.sub(r'"[^"]*"', "", matchers)))


def grouped(query: str) -> set[str]:
    """Labels that a query groups or joins by."""
    return {label for some in re.findall(r"\b(?:by|on) \(([^)]*)\)", query) for label in re.findall(r"\w+", some)}


@pytest.mark.prometheus
async def test_every_query_finds_what_a_working_gateway_exposes(tmp_path: Path) -> None:
    async with watched(tmp_path) as running:
        for title, query, legend in targets():
            await finds(running, title, query, legend)
        for title, query, _ in (*targets(), *alert_queries()):
            reads_what_is_there(running.labels, title, query)
        await is_at_peace(running)


async def finds(running: Prometheus, title: str, query: str, legend: str) -> None:
    """The query has samples, each a number, with every label of its legend."""
    samples = await running.query(query)
    assert samples, f"{title}: nothing for {query}"
    for sample in samples:
        assert set(_LEGEND.findall(legend)) <= set(sample["metric"]), (title, sample)
        assert "NaN" not in sample["value"][1] or "histogram_quantile" in query, (title, sample)


def reads_what_is_there(labels: dict[str, set[str]], title: str, query: str) -> None:
    """Every metric exists, with every label that the query compares or groups by."""
    read = list(selectors(query))
    for name, compared in read:
        assert name in labels, f"{title}: {name} is no metric"
        assert compared <= labels[name] | _OURS, f"{title}: {name} has no {compared - labels[name]}"
    known = set().union(*(labels[name] for name, _ in read)) | _OURS
    assert not read or grouped(query) <= known, f"{title}: {grouped(query) - known}"


async def is_at_peace(running: Prometheus) -> None:
    """Prometheus evaluates every rule, and none fires on this gateway."""
    [group] = (await running.get("/api/v1/rules"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    assert {"ok"} == {rule["health"] for rule in rules}, [rule.get("lastError") for rule in rules]
    assert [] == [rule["name"] for rule in rules if rule["state"] == "firing"]


def test_every_documented_metric_is_watched_by_a_panel_or_an_alert() -> None:
    page = (DEPLOY.parent / "docs/run.md").read_text()
    rows = re.findall(r"^\| (`passerelle_[^|]+) \|", page, re.MULTILINE)
    documented = {name.removesuffix("_total") for row in rows for name in re.findall(r"`(passerelle_\w+)`", row)}
    read = {name for _, query, _ in (*targets(), *alert_queries()) for name, _ in selectors(query)}
    watched_ones = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in read}
    assert documented - watched_ones == {"passerelle_view_position"}, "of use only beside a view's own lag"
    assert watched_ones <= documented


def test_no_two_panels_overlap() -> None:
    squares = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(squares) == len(set(squares))
    numbers = [panel["id"] for panel in BOARD["panels"]]
    assert len(numbers) == len(set(numbers))
