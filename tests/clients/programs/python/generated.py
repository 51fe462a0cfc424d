"""openapi-generator's Python client: what a publisher and a subscriber do, as a report in JSON."""

import json
import os
from collections.abc import Callable
from typing import Any

from openapi_client import (
    AccessApi,
    ApiClient,
    ApiException,
    Change,
    Configuration,
    Employer,
    Location,
    Offer,
    ProblemDocument,
    PublishApi,
    ReadApi,
    Receipt,
    SnapshotResult,
    Submission,
)

PUBLISHER = os.environ["PUBLISHER"]
REVISION = 9007199254740990


def connected(client_id: str, secret: str) -> ApiClient:
    access = AccessApi(ApiClient(Configuration(host=os.environ["URL"])))
    token = access.issue_token("client_credentials", client_id=client_id, client_secret=secret)
    return ApiClient(Configuration(host=os.environ["URL"], access_token=token.access_token))


def fields(local: str, revision: int) -> dict[str, Any]:
    return {
        "id": f"{PUBLISHER}:{local}",
        "revision": revision,
        "title": "Découverte d'un atelier de menuiserie",
        "description": "Observer la fabrication d'un meuble, du dessin à la pose.",
        "employer": Employer(name="Atelier du Port", description="Menuiserie de douze personnes."),
        "location": Location(postal_code="35000", city="Rennes", latitude=48.1113387, longitude=-1.6800198),
        "levels": ["seconde"],
        "weeks": ["2027-W24", "2027-W25"],
        "sector": "s5",
        "apply_url": f"https://stages.example/offres/{local}",
    }


def offer(local: str, revision: int, **changed: Any) -> Offer:
    """By the constructor: ``from_dict`` sets what it does not find to null, and that is sent."""
    return Offer(**{**fields(local, revision), **changed})


def refused(status: int, call: Callable[[], Any]) -> Any:
    """The model that the client read from a refusal."""
    try:
        call()
    except ApiException as refusal:
        if refusal.status == status:
            return refusal.data
        raise
    raise AssertionError(f"not refused with {status}")


def sent(publishing: ApiClient, mark: str, lines: bytes) -> SnapshotResult:
    """``apply_snapshot``, which this client cannot send: it takes a type that ends in ``json`` for JSON."""
    token = publishing.configuration.access_token
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson", "Prefer": "wait=20"}
    address = f"{publishing.configuration.host}/v1/snapshots?mark={mark}"
    answer = publishing.rest_client.pool_manager.request("POST", address, body=lines, headers=headers)
    return SnapshotResult.from_json(answer.data.decode())


def about(change: Change) -> Any:
    if change.op == "upsert":
        return change.offer.title
    return change.reason if change.op == "removal" else change.op


def main() -> None:
    report: dict[str, Any] = {}
    publishing = connected(PUBLISHER, os.environ["PUBLISHER_SECRET"])
    publish = PublishApi(publishing)
    read = ReadApi(connected(os.environ["SUBSCRIBER"], os.environ["SUBSCRIBER_SECRET"]))
    first, second, wrong = offer("first", REVISION), offer("second", 1), offer("wrong", 1, title="<b>Atelier</b>")

    published = publish.publish_offer(first.id, first, prefer="wait=20")
    report["published"] = [published.verdict, published.revision]
    judged = publish.publish_offer(second.id, second, dry_run=True)
    report["judged"] = [judged.status, judged.offer.levels]
    problem = refused(422, lambda: publish.publish_offer(wrong.id, wrong, dry_run=False))
    assert isinstance(problem, ProblemDocument)
    report["refused"] = [one.pointer for one in problem.problems]
    stale = refused(409, lambda: publish.publish_offer(first.id, offer("first", 7), prefer="wait=20"))
    assert isinstance(stale, Receipt)
    report["stale"] = [stale.verdict, stale.current.revision]
    report["missing"] = refused(404, lambda: read.get_offer(f"{PUBLISHER}:none")).code

    lines = "".join(f"{json.dumps(one)}\n" for one in (first.to_dict(), second.to_dict(), {"count": 2})).encode()
    snapshot = sent(publishing, publish.take_mark().mark, lines)
    report["snapshot"], report["absent"] = snapshot.verdicts, snapshot.withdrawn

    cursor = None
    sequences: set[int] = set()

    def changes(least: int) -> dict[str, Any]:
        nonlocal cursor
        found: dict[str, Any] = {}
        while len(found) < least:
            page = read.get_changes(platform=[PUBLISHER], territory="all", cursor=cursor, wait=5)
            found |= {change.id: about(change) for change in page.changes}
            sequences.update(change.sequence for change in page.changes if change.id == first.id)
            cursor = page.cursor
        return found

    report["before"] = changes(2)
    report["sequence"] = published.sequence in sequences
    location = read.get_offer(first.id).offer.location
    report["degrees"] = [location.latitude, location.longitude]
    third = Submission(**fields("third", 1))
    gone = Submission(id=second.id, revision=2, withdrawn="filled")
    report["batch"] = publish.publish_batch([third, gone], prefer="wait=20", partial=True).statuses
    report["withdrawn"] = publish.withdraw_offer(REVISION + 1, first.id, prefer="wait=20").verdict
    report["after"] = changes(3)

    platforms = AccessApi(publishing).list_platforms().platforms
    (own,) = (one for one in platforms if one.platform == PUBLISHER)
    report["connected"] = [own.connected, own.since is not None, own.certified_until is None]
    report["accepted"] = own.details.accepted is not None and own.details.last_error is None
    report["regions without a platform"] = sum(one.platform is None for one in platforms)
    later = ReadApi(ApiClient(Configuration(host=os.environ["LATER_URL"]))).get_changes()
    report["later"] = [about(change) for change in later.changes]
    print(json.dumps(report))  # noqa: T201 - the test reads it


if __name__ == "__main__":
    main()
