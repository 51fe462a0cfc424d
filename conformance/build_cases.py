"""Write ``schemas/kit/cases.json``, for gateways that check evidence: ``python -m conformance.build_cases``."""

import json
from pathlib import Path
from typing import Any

from conformance.model.case import ROLES, Case
from conformance.model.library import cases
from conformance.version import KIT_VERSION

FILE = Path(__file__).parents[1] / "schemas/kit/cases.json"


def case_list() -> str:
    """The text of the file: the cases of each role, one line per case."""
    roles = []
    for role in ROLES:
        lines = (
            f"      {json.dumps(case.id)}: {json.dumps(_conditions(case))}" for case in cases() if role in case.roles
        )
        roles.append(f"    {json.dumps(role)}: {{\n" + ",\n".join(lines) + "\n    }")
    return f'{{\n  "kit": {json.dumps(KIT_VERSION)},\n  "roles": {{\n' + ",\n".join(roles) + "\n  }\n}\n"


def _conditions(case: Case) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if case.features:
        found["features"] = list(case.features)
    if case.unsupported:
        found["unsupported"] = True
    if case.is_situational:
        found["situational"] = True
    return found


if __name__ == "__main__":
    FILE.write_text(case_list(), encoding="utf-8")
