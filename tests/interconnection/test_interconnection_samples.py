"""The recorded feeds of real partners, submitted by a whole gateway: every item is published, or refused with a reason.

They hold apprenticeships, so the profiles give levels and weeks as constants. What each item becomes is proven beside
the formats; here platforms are added and run by the commands that an operator types.
"""

import asyncio
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from adapters.profile.profile import profiles
from demo.client import Client
from gateway.runtime.loop import run
from tests.formats.test_format_samples import CLEVERCONNECT, FLAT, JOBTEASER, Sample
from tests.interconnection.federation import Federation, federation, settled
from tests.interconnection.region import WITHIN

pytestmark = [pytest.mark.samples, pytest.mark.timeout(300)]
WHOLE: Mapping[str, Sample] = {"auvergne-rhone-alpes": CLEVERCONNECT, "bretagne": JOBTEASER, "normandie": FLAT}
PARTLY = "grand-est"
ONE_SECTOR = {"sector": {"path": "industry", "map": {"Services à domicile": "s46"}}}
"""Of the industries of the CleverConnect feed this mapping knows only that of its last item."""
POORER = replace(CLEVERCONNECT, mapping={"fields": {**CLEVERCONNECT.mapping["fields"], **ONE_SECTOR}})


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of one feed: its run as the command prints it, the platform's status, and its offers as the API lists
    them and as pupils see them at the national site.
    """

    ran: dict[str, Any]
    status: dict[str, Any]
    listed: set[str]
    there: set[str]


@pytest.fixture(scope="module")
def imported(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Imported]:
    return run(_import(samples, tmp_path_factory.mktemp("samples")))


@pytest.mark.parametrize("slug", WHOLE)
def test_every_item_of_a_recorded_feed_is_published_up_to_the_national_site(
    imported: Mapping[str, Imported], slug: str
) -> None:
    come, ids = imported[slug], {f"{slug}:{own}" for own in WHOLE[slug].ids}
    assert (len(ids), len(ids), 0) == _counts(come.ran)
    assert ids == come.listed
    assert ids == come.there
    assert (len(ids), 0) == (come.status["live"], come.status["details"]["refused"])


def test_items_that_cannot_be_published_are_refused_by_name_and_hide_no_other(imported: Mapping[str, Imported]) -> None:
    come = imported[PARTLY]
    *refused, good = (f"{PARTLY}:{own}" for own in CLEVERCONNECT.ids)
    assert (3, 1, 2) == _counts(come.ran)
    groups = [one for one in come.ran["problems"] if one["severity"] == "error"]
    errors = [(example["id"], one["code"]) for one in groups for example in one["examples"]]
    assert [(offer_id, "value-unmapped") for offer_id in refused] == errors
    assert {good} == come.listed
    assert {good} == come.there
    details = come.status["details"]
    assert len(refused) == details["refused"]
    assert refused[0] in details["last_error"]["message"]


async def _import(samples: Path, folder: Path) -> dict[str, Imported]:
    feeds = {**WHOLE, PARTLY: POORER}
    async with federation(folder, channels={}) as deployment, deployment.gateway() as operator:
        runs = await asyncio.gather(*(_run_feed(deployment, slug, feeds[slug], samples) for slug in feeds))
        return {slug: await _come(deployment, operator, slug, ran) for slug, ran in zip(feeds, runs, strict=True)}


async def _run_feed(deployment: Federation, slug: str, sample: Sample, samples: Path) -> dict[str, Any]:
    """Add the platform with its profile, leave the file in its folder, run its feed."""
    folder = deployment.settings.feeds
    assert folder is not None
    (folder / slug).mkdir()
    shutil.copy(samples / "feeds" / sample.file, folder / slug)
    document = {
        **profiles()[slug].document,
        "transport": {"kind": "folder", "folder": slug, "pattern": sample.file},
        "format": sample.form,
        "mapping": dict(sample.mapping),
        "national_delivery": "gateway",
    }
    profile = folder / f"{slug}.json"
    profile.write_bytes(orjson.dumps(document))
    await deployment.command("platform", "add", str(profile))
    output = await deployment.command("platform", "run", slug, "--json", ends=int(slug == PARTLY))
    ran: dict[str, Any] = json.loads(output)
    return ran


async def _come(deployment: Federation, operator: Client, slug: str, ran: dict[str, Any]) -> Imported:
    """The result of a feed once all its published offers are at the national site."""
    async with asyncio.timeout(WITHIN):
        while True:
            await settled(operator)
            output = (await operator.call("GET", "/v1/platforms")).body["platforms"]
            [status] = [one for one in output if one["platform"] == slug]
            if status["details"]["delivered"] == _counts(ran)[1]:
                break
    listed = (await operator.call("GET", "/v1/offers", params={"platform": slug})).body["offers"]
    there = {str(row.remote_id) for row in deployment.site.stock.live()}
    return Imported(ran, status, {one["id"] for one in listed}, {one for one in there if one.startswith(f"{slug}:")})


def _counts(ran: Mapping[str, Any]) -> tuple[int, int, int]:
    """Numbers of items, of live offers and of refused items. The gateway runs a new platform by itself as well, so what
    is live may be published or unchanged.
    """
    counts = ran["counts"]
    return counts["items"], counts["published"] + counts["unchanged"], counts["refused"]
