"""The client of openapi-python-client: publishes, sends a snapshot, reads the changes, prints a report."""

import json
import os
from io import BytesIO
from typing import Any

from contract_client import AuthenticatedClient, Client
from contract_client.api.access import issue_token
from contract_client.api.publish import apply_snapshot, publish_offer, take_mark
from contract_client.api.read import get_changes
from contract_client.models import (
    ChangesPage,
    GetChangesTerritory,
    IssueTokenBody,
    IssueTokenBodyGrantType,
    Mark,
    Offer,
    ProblemDocument,
    SnapshotResult,
    SubmissionAnswer,
    Token,
)
from contract_client.types import UNSET, File

URL = os.environ["URL"]
PUBLISHER = os.environ["PUBLISHER"]
PAGES = 20


def connected(client_id: str, secret: str) -> AuthenticatedClient:
    body = IssueTokenBody(IssueTokenBodyGrantType.CLIENT_CREDENTIALS, client_id=client_id, client_secret=secret)
    token = issue_token.sync(client=Client(base_url=URL), body=body)
    assert isinstance(token, Token), token
    return AuthenticatedClient(base_url=URL, token=token.access_token, timeout=60.0)


def offer(local: str, **changed: Any) -> Offer:
    return Offer.from_dict(
        {
            "id": f"{PUBLISHER}:{local}",
            "revision": 1,
            "title": "Découverte d'un atelier de menuiserie",
            "description": "Observer la fabrication d'un meuble, du dessin à la pose.",
            "employer": {"name": "Atelier du Port", "description": "Menuiserie de douze personnes."},
            "location": {"street": "4 quai Lamennais", "postal_code": "35000", "city": "Rennes"},
            "levels": ["seconde"],
            "weeks": ["2027-W24", "2027-W25"],
            "sector": "s5",
            "apply_url": f"https://stages.example/offres/{local}",
            **changed,
        }
    )


def main() -> None:
    publishing = connected(PUBLISHER, os.environ["PUBLISHER_SECRET"])
    first = offer("python-1")
    receipt = publish_offer.sync(client=publishing, id=first.id, body=first, prefer="wait=20")
    assert isinstance(receipt, SubmissionAnswer), receipt

    wrong = offer("wrong", title="")
    problem = publish_offer.sync(client=publishing, id=wrong.id, body=wrong)
    assert isinstance(problem, ProblemDocument), problem

    mark = take_mark.sync(client=publishing)
    assert isinstance(mark, Mark), mark
    documents = [first.to_dict(), offer("python-2").to_dict(), {"count": 2}]
    lines = File(payload=BytesIO("".join(json.dumps(one) + "\n" for one in documents).encode()))
    snapshot = apply_snapshot.sync(client=publishing, mark=mark.mark, body=lines, prefer="wait=20")
    assert isinstance(snapshot, SnapshotResult), snapshot

    reading = connected(os.environ["SUBSCRIBER"], os.environ["SUBSCRIBER_SECRET"])
    changes: dict[str, str] = {}
    cursor: Any = UNSET
    more = True
    for _ in range(PAGES):
        if not more and len(changes) >= 2:
            break
        page = get_changes.sync(
            client=reading, territory=GetChangesTerritory.ALL, platform=[PUBLISHER], cursor=cursor, wait=5
        )
        assert isinstance(page, ChangesPage), page
        for change in page.changes:
            changes[change.id] = change.offer.title if change.op == "upsert" else change.reason
        cursor, more = page.cursor, page.more
    report = {
        "published": receipt.verdict,
        "snapshot": snapshot.verdicts.to_dict() if snapshot.verdicts else {},
        "withdrawn": snapshot.withdrawn,
        "changes": changes,
        "refused": [one.pointer for one in problem.problems or []],
    }
    print(json.dumps(report))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main()
