"""A feed of an unknown platform: nested XML with French names, served on this machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer

_OFFER = """  <annonce>
    <reference>{ref}</reference>
    <presentation><intitule>{title}</intitule><resume>{text}</resume></presentation>
    <structure><raison_sociale>{employer}</raison_sociale></structure>
    <adresse><rue>{street}</rue><code_postal>{code}</code_postal><commune>{city}</commune></adresse>
    <accueil><classe>Seconde</classe><du>{first}</du><au>{last}</au><domaine>{sector}</domaine></accueil>
    <lien_candidature>https://stages.ville.example/annonces/{ref}</lien_candidature>
  </annonce>
"""
_ROWS = [
    ("V-1", "Découvrir un atelier de reliure", "Atelier Plume", "3 rue des Arts", "35000", "Rennes", "Artisanat d’art"),
    ("V-2", "Une semaine au garage", "Garage du Pont", "12 quai Duguay", "29200", "Brest", "Automobile"),
    ("V-3", "Les coulisses d’un hôtel", "Hôtel de la Baie", "1 place du Port", "56000", "Vannes", "Hôtellerie"),
    ("V-4", "Au laboratoire de la clinique", "Clinique des Dunes", "8 rue du Large", "22000", "Saint-Brieuc", "Santé"),
]
REFUSED = "V-4"
"""Its last day is before its first one."""


def feed() -> bytes:
    """Four offers, one of which a rule refuses."""
    offers = "".join(
        _OFFER.format(
            ref=ref,
            title=title,
            text=f"Observer une équipe au travail, poser ses questions et essayer quelques gestes : {title.lower()}.",
            employer=employer,
            street=street,
            code=code,
            city=city,
            sector=sector,
            first="21/06/2027" if ref == REFUSED else "14/06/2027",
            last="18/06/2027" if ref == REFUSED else "25/06/2027",
        )
        for ref, title, employer, street, code, city, sector in _ROWS
    )
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}<catalogue>\n <annonces>\n{offers} </annonces>\n</catalogue>\n".encode()


class FeedHost:
    """The host of the feed. ``asked``: how often it was fetched; ``ready``: whether it answers, or lets others wait."""

    def __init__(self) -> None:
        self.asked = 0
        self.url = ""
        self.ready = asyncio.Event()
        self.ready.set()

    async def get(self, _request: web.Request) -> web.Response:
        """The feed."""
        self.asked += 1
        await self.ready.wait()
        return web.Response(body=feed(), content_type="application/xml")


@asynccontextmanager
async def feed_host() -> AsyncIterator[FeedHost]:
    """A host that serves the feed on this machine."""
    host, app = FeedHost(), web.Application()
    app.router.add_get("/offres.xml", host.get)
    async with TestServer(app) as server:
        host.url = f"http://127.0.0.1:{server.port}/offres.xml"
        yield host
