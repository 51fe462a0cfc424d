"""``passerelle backup`` where there is nothing for it to copy."""

from pathlib import Path

from typer.testing import CliRunner

from gateway.cli.app import app
from gateway.cli.console import CommandError


def test_on_kafka_it_says_what_to_back_up_instead(tmp_path: Path) -> None:
    environ = {
        "PASSERELLE_DATA": str(tmp_path / "data"),
        "PASSERELLE_KAFKA": "127.0.0.1:9",
        "PASSERELLE_SECRET": "9f2c" + "k3Zq7Lw0" * 3 + "pT5vXa81",
        "PASSERELLE_SIGNING_KEY": str(tmp_path / "signing.pem"),
    }
    ended = CliRunner(env=environ).invoke(app, ["backup", str(tmp_path / "copy")])
    assert isinstance(ended.exception, CommandError)
    for name in ("the cluster's tools", "PASSERELLE_SECRET", "PASSERELLE_SIGNING_KEY", "passerelle export"):
        assert name in f"{ended.exception} {ended.exception.step}"
    assert [] == list(tmp_path.iterdir())
