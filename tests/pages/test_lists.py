"""Every list of the pages behind a session: filters and order in the address, a count, a file with French heads."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import unescape

import pytest

from gateway.federation.csv_table import csv_table
from gateway.pages.base.columns import Column, table_of, wants_file
from gateway.pages.base.page import PageError
from gateway.protocol.join_request import Trial
from gateway.protocol.partner import Partner
from gateway.protocol.subscription import Subscription
from tests.notices.persons import OPEN
from tests.pages.desk import Desk, desk_of
from tests.pages.feeds import FAILING
from tests.pages.partner.seeded import seed
from tests.pages.signing import SIGNED
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

LISTS: Mapping[str, tuple[str, Sequence[str], str]] = {
    "/exploitation/offre": ("platform=normandie", ("Identifiant", "Offre", "Employeur"), "order"),
    "/exploitation/refus": ("platform=occitanie", ("Jour", "Plateforme", "Règle"), "sort"),
    "/exploitation/plateformes": ("scope=operate", ("Plateforme", "Identifiant", "État"), "sort"),
    "/exploitation/registre": ("act=offer.moderate", ("Numéro", "Quand", "Personne"), ""),
    "/exploitation/abonnements": ("state=unconfirmed", ("Plateforme", "Abonnement", "État"), "sort"),
    "/exploitation/demandes": ("trial=none", ("Nom donné", "Domaine du courriel", "Machine du flux"), "sort"),
    "/exploitation": ("state=unconnected", ("Système", "Accès", "État"), "sort"),
}
"""By address a filter, the first heads of the file, and the parameter by which heads sort."""
ORDERED: tuple[Column[Partner], ...] = (
    Column("platform", lambda one: one.name),
    Column("certificate", lambda one: one.joined_at),
)


@pytest.fixture
async def desk(site: PageHarness) -> Desk:
    await seed(site)
    desk = await desk_of(site)
    federation, tried = site.harness.federation, replace(OPEN, id="essayee", trial=Trial(at=1))
    await federation.contacts.requests.change(lambda _: [OPEN, tried])
    partner = federation.partners.get(SIGNED.platform)
    assert partner is not None
    one = Subscription(id="a1", name="copie", url="https://stages.example.org/in", keys=(), consent="")
    two = replace(one, id="a2", name="seconde", confirmed=True)
    await federation.subscriptions.change(partner.platform, partner.joined_at, lambda own: own.put(one).put(two))
    await desk.post("/exploitation", act="pause", platform=FAILING, reason="En maintenance")
    return desk


async def read(desk: Desk, address: str) -> tuple[list[str], list[list[str]]]:
    answer = await desk.site.client.get(address, headers=desk.headers)
    assert 200 == answer.status
    assert "attachment" in answer.headers["Content-Disposition"]
    heads, *rows = csv.reader((await answer.read()).decode("utf-8-sig").splitlines(), delimiter=";")
    return heads, rows


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_has_filter_count_order_and_file(desk: Desk, path: str) -> None:
    """The file has the filter of the page, and the page says how many there are."""
    wanted, heads, parameter = LISTS[path]
    page = await desk.get(path)
    files = [unescape(one) for one in re.findall(r'href="([^"]*format=csv[^"]*)"', page)]
    assert 1 == len(files)
    found, every = await read(desk, files[0])
    assert list(heads) == found[:3]
    narrowed = await desk.get(f"{path}?{wanted}")
    [file] = [unescape(one) for one in re.findall(r'href="([^"]*format=csv[^"]*)"', narrowed)]
    assert wanted in file
    _, some = await read(desk, file)
    assert 0 < len(some) < len(every)
    if path != "/exploitation/refus":  # which counts offers, its file has a row for each rule
        assert re.search(rf"<h2[^>]*>{len(some)} ", narrowed)
    for link in {unescape(one) for one in re.findall(rf'href="([^"]*[?&]{parameter}=[^"]*)"', narrowed) if parameter}:
        assert wanted in link
    if parameter:
        by = re.findall(rf'<th[^>]*><a rel="nofollow" href="([^"]+[?&;]{parameter}=[^"]*)"', narrowed)
        assert 2 <= len(by)
        assert 1 <= (await desk.get(unescape(by[0]))).count("aria-sort=")
    await desk.get(f"{path}?{parameter or 'act'}=never", 400)


def test_a_table_sorts_by_a_column_both_ways_and_rows_without_a_value_come_last() -> None:
    rows = [Partner(platform=f"p{n}", name=name, scopes=SIGNED.scopes) for n, name in enumerate("bca")]
    rows[1] = Partner(platform="p1", name="c", scopes=SIGNED.scopes, joined_at=7)
    for by, expected in {"": "bca", "platform": "abc", "-platform": "cba", "certificate": "cba"}.items():
        table = table_of({"sort": by}, ORDERED, rows, kept={"state": "", "scope": "operate"})
        if by != "certificate":
            assert list(expected) == [one.name for one in table.rows]
    assert "c" == table.rows[0].name
    assert ("Nom", "", "/x?scope=operate&sort=platform", None) == table.head("platform", "Nom", "/x")
    assert ("Fin", "", "/x?scope=operate&sort=-certificate", "ascending") == table.head("certificate", "Fin", "/x")
    assert "/x?scope=operate&sort=certificate&format=csv" == table.file("/x")
    for wrong in ("never", "-", "--platform"):
        with pytest.raises(PageError):
            table_of({"sort": wrong}, ORDERED, rows, kept={})
    with pytest.raises(PageError):
        wants_file({"format": "json"})


def test_no_cell_of_a_file_is_a_formula() -> None:
    rows = [["=1+1", "+3", "-3", "@a", "\tb", "a=b", -3, "01000 Bourg"]]
    heads, row = csv_table(["un"] * 8, rows).decode("utf-8-sig").splitlines()
    assert ("un;un;un;un;un;un;un;un", "'=1+1;'+3;'-3;'@a;'\tb;a=b;-3;01000 Bourg") == (heads, row)


async def test_a_spreadsheet_keeps_the_zeros_of_postcodes_and_can_sort_days(desk: Desk) -> None:
    """No cell is digits alone, but for numbers; days are ISO 8601."""
    heads, rows = await read(desk, "/exploitation/offre?format=csv")
    columns = dict(zip(heads, zip(*rows, strict=True), strict=True))
    assert all(re.fullmatch(r"\d{5} .+", town) for town in columns["Ville"])
    assert all(re.fullmatch(r".+ \(\w{2,3}\)", department) for department in columns["Département"])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", day) for day in columns["Modifiée le"])
    assert not [cell for row in rows for cell in row if re.fullmatch(r"0\d+", cell)]


async def test_the_journal_has_a_file_of_its_filter(desk: Desk) -> None:
    heads, rows = await read(desk, "/exploitation/registre?act=offer.moderate&format=csv")
    assert ["Numéro", "Quand", "Personne", "Plateforme de la personne ou du programme", "Acte"] == heads[:5]
    assert {"Offre retirée par l’exploitant"} == {row[4] for row in rows}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", row[1]) for row in rows)


async def test_french_texts_are_marked_on_english_lists(desk: Desk) -> None:
    """Titles, towns, reasons, and the names of levels and departments, as screen readers pronounce them."""
    offers = await desk.get("/en/operate/offer")
    for one in (r'<option lang="fr" value="seconde">', r'<option lang="fr" value="35">', r'<a href="[^"]+" lang="fr">'):
        assert re.search(one, offers), one
    assert re.search(r'data-label="Town"><span lang="fr">', offers)
    journal = await desk.get("/en/operate/journal")
    assert '<span lang="fr">En maintenance</span>' in journal
    assert "<span lang=" not in (await desk.get("/exploitation/registre"))
