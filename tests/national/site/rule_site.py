"""The simulated site as the cases of its rules call it: by v1 or v2, with the rules that each answer proves."""

from dataclasses import dataclass
from typing import Any

import aiohttp

from demo.national_site.rules import RULES
from demo.national_site.rules_offer import Version
from demo.national_site.simulator import NationalSimulator
from demo.national_site.stock import Operator, SiteOffer
from tests.national.site.harness import JUNE, OLD_TOKEN, PASSWORD
from tests.national.site.server import SteppedTime

WEEKS = ["2027-W10", "2027-W11"]
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Got:
    """One answer."""

    status: int
    body: Any
    rules: frozenset[str]
    headers: dict[str, str]

    @property
    def code(self) -> Any:
        return self.body.get("code") if isinstance(self.body, dict) else None

    @property
    def error(self) -> Any:
        return self.body["error"]

    @property
    def ids(self) -> list[int]:
        """The site's numbers of the offers that a page lists."""
        return [item["id"] for item in self.body["internshipOffers"]]


class RuleSite:
    """The simulator with one account that may search, called by one version of the interface."""

    def __init__(
        self, session: aiohttp.ClientSession, simulator: NationalSimulator, time: SteppedTime, version: Version
    ) -> None:
        self.simulator = simulator
        self.stock = simulator.stock
        self.time = time
        self.version = version
        self.operator = self.add("gateway@example.org", full_access=True, v1_token=OLD_TOKEN)
        self.proved: set[str] = set()
        self.token = OLD_TOKEN
        self._session = session

    @property
    def old(self) -> bool:
        return self.version == "v1"

    @property
    def offers(self) -> str:
        return f"/api/{self.version}/internship_offers"

    def add(self, email: str, **rights: Any) -> Operator:
        return self.simulator.add_operator(email, PASSWORD, **rights)

    async def login(self, operator: Operator | None = None) -> None:
        """Continue as an account; v1 takes its fixed token."""
        one = operator or self.operator
        if self.old:
            one.v1_token = one.v1_token or f"token-{one.id}"
            self.token = one.v1_token
            return
        got = await self.call(
            "POST", "/api/v2/auth/login", {"email": one.email, "password": one.password}, bearer=False
        )
        self.token = got.body["token"]

    async def call(self, method: str, path: str, body: Any = None, *, bearer: bool = True, **request: Any) -> Got:
        headers = {"Accept": JSON, **({"Authorization": f"Bearer {self.token}"} if bearer else {})}
        headers |= request.pop("headers", {})
        if body is not None:
            request["json"] = body
        async with self._session.request(method, path, headers=headers, allow_redirects=False, **request) as response:
            text = await response.text()
            content = await response.json() if response.content_type == JSON else text
            rules = frozenset(response.headers.get("X-Simulator-Rules", "").split())
            assert RULES.keys() >= rules
            return Got(response.status, content, rules, dict(response.headers))

    def body(self, **changes: Any) -> dict[str, Any]:
        """A body that the version takes; a change to ``...`` takes a member out."""
        whole = {
            "title": "Atelier",
            "description": "Observer.",
            "employer_name": "Atelier du Port",
            "employer_description": "Menuiserie.",
            "employer_website": "https://atelier.example.fr",
            "street": "4 quai Lamennais",
            "zipcode": "35000",
            "city": "Rennes",
            "coordinates": {"latitude": 48.11, "longitude": -1.68},
            "sector_uuid": "s24",
            "remote_id": "a",
            "permalink": "https://stages.example.fr/a",
            "max_candidates": 3,
            **({} if self.old else {"grades": ["troisieme"], "weeks": WEEKS}),
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not ...}

    async def post(self, **changes: Any) -> Got:
        return await self.call("POST", self.offers, {"internship_offer": self.body(**changes)})

    async def made(self, **changes: Any) -> SiteOffer:
        """An offer that the site took."""
        got = await self.post(**changes)
        assert 201 == got.status, got.body
        return self.row(changes.get("remote_id", "a"))

    async def patch(self, remote_id: str = "a", **members: Any) -> Got:
        return await self.call("PATCH", f"{self.offers}/{remote_id}", {"internship_offer": members})

    async def delete(self, remote_id: str = "a") -> Got:
        return await self.call("DELETE", f"{self.offers}/{remote_id}")

    async def search(self, *pairs: tuple[str, str]) -> Got:
        return await self.call("GET", f"{self.offers}/search", params=list(pairs))

    def row(self, remote_id: str = "a") -> SiteOffer:
        return self.stock.named(remote_id)[-1]

    def publish(self, **fields: Any) -> SiteOffer:
        """An offer that an employer made on the site."""
        whole = {
            "title": "Mairie",
            "description": "Suivre les services.",
            "employer_name": "Mairie",
            "street": "1 place de la Mairie",
            "zipcode": "59000",
            "city": "Lille",
            "coordinates": (50.63, 3.07),
            "sector": "s25",
            "weeks": tuple(JUNE),
            "grades": ("seconde",),
            **fields,
        }
        return self.simulator.publish_on_site(**whole)

    def proves(self, rule: str, got: Got) -> Got:
        """The answer names the rule, and has the status and the code of its row in the table."""
        row = RULES[rule]
        assert rule in got.rules, (rule, sorted(got.rules), got.status, got.body)
        if row.status is not None:
            assert (row.status, row.code) == (got.status, got.code), (rule, got.status, got.body)
        assert self.version in row.versions, (rule, self.version)
        self.proved.add(rule)
        return got
