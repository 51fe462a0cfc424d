"""The Compose files, without running them: their structure, their settings, and that they say so."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import Settings
from tests.deploy.programs import DEPLOY, ROOT

FILES = sorted((DEPLOY / "compose").glob("*.yaml"))
KNOWN = {f"PASSERELLE_{field.name.upper()}" for field in fields(Settings)}
KEYS = {
    *(
        "build",
        "command",
        "depends_on",
        "environment",
        "healthcheck",
        "image",
        "ports",
        "restart",
        "secrets",
        "volumes",
    ),
    *("cap_drop", "read_only", "security_opt", "stop_grace_period", "tmpfs", "volumes"),
}


def services(path: Path) -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = yaml.safe_load(path.read_text())["services"]
    return found


def test_there_is_one_for_each_log() -> None:
    assert ["embedded.yaml", "kafka.yaml"] == [path.name for path in FILES]
    assert ["PASSERELLE_KAFKA" in services(path)["gateway"]["environment"] for path in FILES] == [False, True]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_file_says_that_it_was_never_run(path: Path) -> None:
    assert "NEVER RUN BY THE PROJECT" in path.read_text().partition("services:")[0]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_a_service_names_exists(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    for name, service in services(path).items():
        assert set(service) <= KEYS, name
        if "build" in service:
            context = (path.parent / service["build"]["context"]).resolve()
            assert (ROOT, True) == (context, (context / service["build"]["dockerfile"]).is_file())
            assert set(service.get("environment", {})) <= KNOWN
        else:
            assert service["image"].partition(":")[2] not in {"", "latest"}
        assert {volume.partition(":")[0] for volume in service.get("volumes", ())} <= set(document.get("volumes", {}))
        assert set(service.get("secrets", ())) <= set(document.get("secrets", {}))
        assert set(service.get("depends_on", {})) <= set(services(path))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_gateway_has_no_rights_and_is_reached_from_this_machine_alone(path: Path) -> None:
    gateway = services(path)["gateway"]
    assert (True, ["ALL"], ["no-new-privileges:true"]) == (
        gateway["read_only"],
        gateway["cap_drop"],
        gateway["security_opt"],
    )
    for service in services(path).values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
