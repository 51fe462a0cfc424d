"""A process that runs ``passerelle partner`` commands at the same time, each with a log handle of its own.

Takes a JSON file with a list of commands (lists of words) and a file for the outcomes: ``ok``, or the error's text.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gateway.cli.console import CommandError
from gateway.cli.partner import alter, revoke_access, rotate_secret

THREADS = 8
"""32 commands at once with four processes. Each holds a dozen connections on Kafka, all from this one interpreter."""


def outcome(words: list[str]) -> str:
    kind, slug, *rest = words
    try:
        match kind:
            case "name":
                alter(slug=slug, name=rest[0])
            case "host":
                alter(slug=slug, host=rest)
            case "department":
                alter(slug=slug, department=rest)
            case "rotate":
                rotate_secret(slug=slug, overlap=168)
            case "revoke":
                revoke_access(slug=slug)
    except CommandError as error:
        return f"{error} {error.step}"
    return "ok"


def main(commands: Path, outcomes: Path) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        found = list(threads.map(outcome, json.loads(commands.read_text())))
    outcomes.write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
