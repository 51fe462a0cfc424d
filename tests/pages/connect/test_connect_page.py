"""The page that connects a platform, over HTTP: from a sample to a profile that loads, in both languages."""

import gzip
import json
import random
import re
import threading
from datetime import date
from pathlib import Path

import pytest
from markupsafe import escape

from adapters.formats.inference.draft import draft, read_sample
from adapters.profile.draft import profile_text
from adapters.profile.profile import Profile, read_profile
from adapters.pull.sample import evaluate_sample
from gateway.pages.connect.state import LIFE_MS, MAX_BYTES, PURPOSE, ConnectState, StateError, close, open_state
from gateway.protocol.paris_time import paris_date
from gateway.protocol.seal import Seal
from schemas.rulebook import Language
from tests.clock import START
from tests.pages.connect.dialogue import Dialogue, dialogue

pytestmark = pytest.mark.slow

FEEDS = Path(__file__).parents[2] / "formats" / "drafting"
ON = date.fromisoformat(paris_date(START))
LABEL = "Hôtellerie, restauration"
FIELDS = ("titre", "description", "entreprise", "code_postal", "ville", "niveau", "debut", "fin", "secteur", "lien")


def feed(name: str) -> bytes:
    return (FEEDS / name).read_bytes()


def table(*rows: tuple[str, ...], heads: tuple[str, ...] = FIELDS) -> bytes:
    lines = [("ref", *heads), *((str(1000 + number), *row) for number, row in enumerate(rows))]
    return "\n".join(";".join(line) for line in lines).encode()


def row(number: int, sector: str = "Tourisme", **changes: str) -> tuple[str, ...]:
    known = {
        "titre": f"Découvrir le métier n° {number}",
        "description": f"Observer une équipe au travail, poser ses questions et aider, jour {number}.",
        "entreprise": f"Atelier {number}",
        "code_postal": "35500",
        "ville": "Vitré",
        "niveau": "Seconde",
        "debut": "2027-06-14",
        "fin": "2027-06-25",
        "secteur": sector,
        "lien": f"https://stages.example/o/{number}",
        **changes,
    }
    return tuple(known.values())


def published(content: bytes, profile: Profile) -> int:
    """How many offers of a feed ``passerelle platform check`` would publish."""
    assert profile.mapping is not None
    return evaluate_sample([content], profile.mapping, platform="essai", revision=1, on=ON).counts.published


def loaded(text: bytes) -> Profile:
    profile = read_profile(json.loads(text))
    assert isinstance(profile, Profile), profile
    return profile


@pytest.mark.parametrize(
    "name", ["05-export.csv", "08-annonces.xml", "10-odata.json", "06-pages.html", "07-keyed.json"]
)
@pytest.mark.parametrize(("path", "language"), [("/brancher", "fr"), ("/en/connect", "en")])
async def test_the_profile_of_a_sample_is_the_one_of_the_command(name: str, path: str, language: Language) -> None:
    """Byte for byte, if nothing is changed on the page; it loads and fits the feed."""
    async with dialogue(path) as visitor:
        await visitor.upload(feed(name))
        assert (200, language) == (visitor.status, visitor.headers["Content-Language"])
        assert "no-store" == visitor.headers["Cache-Control"]
        text = await visitor.download()
        assert re.fullmatch(r'attachment; filename="profile?l?e?\.json".*', visitor.headers["Content-Disposition"])
    assert profile_text(draft(read_sample([feed(name)]), on=ON), language).encode() == text
    assert published(feed(name), loaded(text)) >= 0


async def test_sending_the_form_as_it_is_changes_nothing() -> None:
    """Neither once nor again: what the page offers is no choice of the visitor."""
    async with dialogue() as visitor:
        await visitor.upload(feed("08-annonces.xml"))
        first, text = await visitor.download(), visitor.form.text
        await visitor.recompute()
        await visitor.recompute()
        assert text == visitor.form.text
        assert first == await visitor.download()


async def test_values_without_a_meaning_are_said_to_wait() -> None:
    async with dialogue() as visitor:
        await visitor.upload(table(row(1), row(2, "animaux"), row(3, "Divers")))
        assert "2 valeurs attendent que vous disiez" in visitor.form.text
        assert "Aucun champ n’attend" not in visitor.form.text
        await visitor.upload(table(row(1), row(2)))
        assert "Aucun champ n’attend" in visitor.form.text


async def test_pasted_text_is_read_like_a_file() -> None:
    async with dialogue() as visitor:
        pasted = (await visitor.paste(feed("02-indeed.xml").decode())).form.text
        assert pasted == (await visitor.upload(feed("02-indeed.xml"))).form.text


async def test_a_choice_of_two_equal_paths_publishes_the_offers() -> None:
    """The tie is asked first; chosen, the offers are published and the profile has the path."""
    content = table(
        (*row(1, "Tourisme"), "Santé"),
        (*row(2, "Santé"), "Tourisme"),
        heads=(*FIELDS[:8], "secteur", "lien", "secteur_2"),
    )
    async with dialogue() as visitor:
        await visitor.upload(content)
        assert "À choisir (1)" in visitor.form.text
        assert (
            "En l’état, 0 offre sur 2 serait publiée. 2 n’attendent que votre choix pour : Secteur."
            in visitor.form.text
        )
        assert {"secteur", "secteur_2"} <= set(visitor.form.options["path.sector"])
        await visitor.recompute({"path.sector": "secteur"})
        assert "À choisir" not in visitor.form.text
        assert "En l’état, 2 offres sur 2 seraient publiées." in visitor.form.text
        profile = loaded(await visitor.download())
        assert {"path": "secteur"} == profile.document["mapping"]["fields"]["sector"]
        assert 2 == published(content, profile)


async def test_values_that_are_unknown_get_a_meaning() -> None:
    content = table(row(1, "Zoo"), row(2, "Santé"), row(3, "Divers"))
    async with dialogue() as visitor:
        await visitor.upload(content)
        assert "Que veulent dire ces valeurs" in visitor.form.text
        await visitor.recompute({"meaning.sector.0": "s48", "meaning.sector.1": "s12"})
        assert "En l’état, 3 offres sur 3 seraient publiées." in visitor.form.text
        profile = loaded(await visitor.download())
        assert {"Zoo": "s48", "Divers": "s12"} == profile.document["mapping"]["fields"]["sector"]["map"]
        assert 3 == published(content, profile)


async def test_one_value_can_hold_for_all_offers() -> None:
    given = [name for name in FIELDS if name not in ("niveau", "debut", "fin")]
    rows = [dict(zip(FIELDS, row(number), strict=True)) for number in (1, 2)]
    content = table(*(tuple(one[name] for name in given) for one in rows), heads=tuple(given))
    async with dialogue() as visitor:
        await visitor.upload(content)
        await visitor.recompute({"fixed.levels": ["seconde"], "fixed.weeks": "school"})
        assert "En l’état, 2 offres sur 2 seraient publiées." in visitor.form.text
        fields = loaded(await visitor.download()).document["mapping"]["fields"]
        assert ({"constant": ["seconde"]}, {"school_weeks": True}) == (fields["levels"], fields["weeks"])


async def test_a_fixed_value_that_does_not_fit_is_refused_and_the_rest_stays() -> None:
    async with dialogue() as visitor:
        await visitor.upload(table(row(1), row(2)))
        await visitor.recompute({"fixed.employer.website": "http://192.0.2.1/", "path.source_id": "ref"})
        assert "Cette valeur ne convient pas" in visitor.form.text
        fields = loaded(await visitor.download()).document["mapping"]["fields"]
        assert "employer.website" not in fields
        assert "ref" == fields["source_id"]["path"]


async def test_offers_that_are_not_online_can_be_left_out() -> None:
    """A column of states asks; all ticked is no condition."""
    content = table(
        *((*row(n), state) for n, state in enumerate(("publiée", "brouillon", "publiée"))), heads=(*FIELDS, "statut")
    )
    async with dialogue() as visitor:
        await visitor.upload(content)
        assert "Quelles valeurs de statut sont en ligne" in visitor.form.text
        assert "only" not in loaded(await visitor.download()).document["mapping"]
        await visitor.recompute({"online.0.1": []})
        assert "2 offres sur 3 seraient publiées. 1 n’est pas en ligne." in visitor.form.text
        assert "online.0.1" not in visitor.form.values
        profile = loaded(await visitor.download())
        assert [{"path": "statut", "in": ["publiée"]}] == profile.document["mapping"]["only"]
        assert 2 == published(content, profile)


async def test_dates_can_be_read_in_another_order() -> None:
    """03/01/2027 is the first of March for this feed."""
    content = table(row(1, debut="03/01/2027", fin="03/05/2027"), row(2, debut="04/05/2027", fin="04/09/2027"))
    async with dialogue() as visitor:
        await visitor.upload(content)
        await visitor.recompute({"path.weeks": "debut", "last.weeks": "fin"})
        await visitor.recompute({"date.weeks": "MM/DD/YYYY"})
        assert "1er au 5 mars 2027 (S9)" in visitor.form.text.replace("\u00a0", " ")
        parts = loaded(await visitor.download()).document["mapping"]["fields"]["weeks"]["join"]["parts"]
        assert [{"path": "debut", "date": "MM/DD/YYYY"}, {"path": "fin", "date": "MM/DD/YYYY"}] == parts


@pytest.mark.parametrize("content", [b"", b" \n"])
async def test_an_empty_form_asks_for_a_sample(content: bytes) -> None:
    async with dialogue() as visitor:
        await visitor.upload(content)
        assert (422, True) == (visitor.status, "Collez un texte ou choisissez un fichier." in visitor.html)


async def test_a_choice_can_be_taken_back() -> None:
    async with dialogue() as visitor:
        await visitor.upload(table(row(1), row(2)))
        first = await visitor.download()
        await visitor.recompute({"path.title": "entreprise", "path.seats": ""})
        assert "choisi par vous" in visitor.form.text
        assert first != await visitor.download()
        await visitor.recompute({"path.title": ":auto"})
        assert first == await visitor.download()


async def test_a_required_field_can_be_emptied_and_is_asked_for() -> None:
    async with dialogue() as visitor:
        await visitor.upload(table(row(1), row(2)))
        await visitor.recompute({"path.apply_url": "", "path.id": ""})
        assert "À choisir (2)" in visitor.form.text
        assert "0 offre sur 2" in visitor.form.text
        assert isinstance(loaded(await visitor.download()), Profile)


async def test_paths_that_the_sample_does_not_have_are_no_choice() -> None:
    async with dialogue() as visitor:
        await visitor.upload(table(row(1), row(2)))
        first = await visitor.download()
        for path in ("nowhere", "a//b", "../../etc", "x" * 5000, "titre + nowhere", "titre + fin", "#1"):
            assert first == await visitor.download({"path.title": path, "date.weeks": "%s", "meaning.sector.7": "s1"})


@pytest.mark.parametrize("position", [0, 40, -2])
async def test_an_altered_state_is_refused_with_a_page(position: int) -> None:
    async with dialogue() as visitor:
        await visitor.upload(table(row(1), row(2)))
        [state] = visitor.form.values["state"]
        changed = "A" if state[position] != "A" else "B"
        altered = (
            state[:position] + changed + state[position:][1:]
            if position >= 0
            else state[:position] + changed + state[-1:]
        )
        await visitor.recompute({"state": altered})
        assert 400 == visitor.status
        assert "modifiée en route" in visitor.form.text
        assert "Votre échantillon" in visitor.form.text


@pytest.mark.parametrize("state", ["", "x", "é" * 50, "A" * (MAX_BYTES + 1), "====", "AAAA AAAA"])
@pytest.mark.parametrize("do", ["study", "download"])
async def test_what_is_no_state_is_refused_with_a_page(state: str, do: str) -> None:
    async with dialogue() as visitor:
        await visitor.upload(table(row(1), row(2)))
        await visitor.recompute({"state": state}, do=do)
        assert (400, True) == (visitor.status, "modifiée en route" in visitor.form.text)


@pytest.mark.parametrize("control", ["path.title", "date.weeks", "fixed.description", "fixed.levels"])
async def test_a_choice_longer_than_any_on_the_page_ends_no_dialogue(control: str) -> None:
    async with dialogue() as visitor:
        await visitor.upload(table(row(1), row(2)))
        expected = 422 if control == "path.title" else 200  # no path of the sample
        await visitor.recompute({control: ["x" * 10_000] * 100})
        assert expected == visitor.status
        await visitor.recompute({control: "x" * 1_048_000})
        assert expected == visitor.status
        await visitor.recompute({control: "", "other.title": ""})
        assert 200 == visitor.status


def test_a_state_that_inflates_too_far_is_refused() -> None:
    seal = Seal(b"a secret of this federation, 32 bytes or more", purpose=PURPOSE)
    sealed = close(ConnectState({}, ON, {"title": {"path": "x" * 1_100_000}}), seal, now=START)
    with pytest.raises(StateError, match="altered"):
        open_state(sealed.encode(), seal, now=START)


async def test_a_state_ends_after_some_hours_and_belongs_to_its_federation() -> None:
    async with (
        dialogue() as visitor,
        dialogue(secret=b"another federation's secret, 32 bytes") as other,
        dialogue() as replica,
    ):
        await visitor.upload(table(row(1), row(2)))
        form = visitor.html
        other.html = replica.html = form
        assert 400 == (await other.recompute()).status
        assert 200 == (await replica.recompute()).status
        visitor.clock.move(LIFE_MS / 1000)
        assert 200 == (await visitor.recompute()).status
        visitor.html = form
        visitor.clock.move(1)
        assert 400 == (await visitor.recompute()).status
        assert "plus de 12 heures" in visitor.form.text


async def test_the_language_can_change_in_the_middle() -> None:
    async with dialogue() as visitor:
        await visitor.upload(feed("08-annonces.xml"))
        await visitor.recompute({"path.title": "texte"})
        assert 'formaction="/en/connect"' in visitor.html
        visitor.path = "/en/connect"
        await visitor.recompute()
        assert ("en", True) == (visitor.headers["Content-Language"], "chosen by you" in visitor.form.text)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "Collez un texte ou choisissez un fichier."),
        (b"bonjour", "Aucune offre n’a été trouvée"),
        (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "DOCTYPE"),
        (b"\0\1\2", "n’est pas un texte"),
    ],
)
async def test_what_is_no_sample_is_said_with_a_remedy(content: bytes, text: str) -> None:
    async with dialogue() as visitor:
        await visitor.upload(content)
        assert 422 == visitor.status
        assert text in visitor.form.text
        assert "L’échantillon n’a pas pu être lu" in visitor.form.text


async def test_a_sample_that_is_too_large_is_refused_with_a_page() -> None:
    async with dialogue() as visitor:
        await visitor.upload(b"a;b\n" * 300_000)
        assert (413, True) == (visitor.status, "1 Mio" in visitor.form.text)


async def test_a_sample_that_does_not_compress_can_be_continued() -> None:
    """Its items are within 256 KiB, and so the form within what the page reads."""
    noise = random.Random(1)
    letters = [chr(code) for code in range(0x4E00, 0x9FA5)]
    heads = tuple(f"note {number}" for number in range(14))
    rows = [(*row(number), *("".join(noise.choices(letters, k=100)) for _ in heads)) for number in range(55)]
    async with dialogue() as visitor:
        await visitor.upload(table(*rows, heads=(*FIELDS, *heads)))
        [state] = visitor.form.values["state"]
        assert 180_000 < len(state) < MAX_BYTES
        assert 200 == (await visitor.recompute({"path.sector": "note 1"})).status
        assert 200 == (await visitor.recompute({"path.title": "note 2"})).status


async def test_another_list_of_the_sample_can_be_read() -> None:
    one = [{"nom": f"Contact {n}", "code": f"C{n}"} for n in range(3)]
    offers = [dict(zip(("id", *FIELDS), (f"o{n}", *row(n)), strict=True)) for n in range(3)]
    content = json.dumps({"offres": offers, "agences": one}).encode()
    async with dialogue() as visitor:
        await visitor.upload(content)
        assert "agences" in visitor.form.options["items"]
        await visitor.upload(content, items="agences")
        assert "3 offres sous agences" in visitor.form.text


async def test_persons_and_their_addresses_are_not_displayed() -> None:
    """Nor in the examples of a path that is chosen for a field, nor among values to explain."""
    named = ("Mme Zélie Quennec", "zelie.quennec@site.example", "06 12 34 56 78")
    heads = (*FIELDS, "contact_nom", "contact_mail", "contact_tel")
    described = [
        row(n, description=f"Appelez le {named[2]} ou écrivez à {named[1]} pour préparer la venue, {n}.")
        for n in (1, 2)
    ]
    content = table(*((*one, *named) for one in described), heads=heads)
    async with dialogue() as visitor:
        await visitor.upload(content)
        for changes in ({}, {"path.sector": "contact_nom"}, {"path.employer.description": "contact_mail"}):
            await visitor.recompute(changes)
            fields = visitor.form.text.partition("Trois offres")[0].partition("offres, telles que publiées")[0]
            assert not [value for value in named if value in fields]
        assert not [value for value in named[1:] if value in visitor.form.text]


async def test_names_of_a_sample_are_escaped() -> None:
    evil = '"><script>alert(1)'
    content = json.dumps(
        [dict(zip(("id", evil, *FIELDS), (f"o{n}", evil, *row(n, evil)), strict=True)) for n in (1, 2)]
    )
    async with dialogue() as visitor:
        await visitor.upload(content.encode())
        assert "<script>alert" not in visitor.html
        assert escape(evil) in visitor.html


async def test_a_page_has_each_path_once_and_each_sector_once_however_many_fields_choose() -> None:
    """A feed of a hundred paths with forty unknown sectors, on a page of 50 kB compressed with its state."""
    heads = (*FIELDS, *(f"colonne {n}" for n in range(90)))
    rows = [(*row(n, f"Famille {n}"), *("x",) * 90) for n in range(40)]
    async with dialogue() as visitor:
        await visitor.upload(table(*rows, heads=heads))
        options = [one for name, found in visitor.form.options.items() for one in found if name.startswith("path.")]
        assert 1 == visitor.html.count('<option value="colonne 7">')
        assert len(options) < 200
        assert 1 == visitor.html.count(f'<option value="{LABEL}">')
        assert len(gzip.compress(visitor.html.encode(), 6)) < 50_000
        await visitor.recompute({"other.title": "colonne 7", "named.0": LABEL.upper()})
        assert (200, True) == (visitor.status, "choisi par vous" in visitor.form.text)
        assert "s26" in visitor.form.values["meaning.sector.0"]
        await visitor.recompute({"other.title": "colonne 700"})
        assert (422, True) == (visitor.status, "n’a pas ce chemin" in visitor.form.text)
        await visitor.recompute({"other.title": ""})
        assert 200 == visitor.status


async def test_the_form_stays_within_the_controls_that_the_reader_takes() -> None:
    """A feed with hundreds of unknown values in several fields, and hundreds of paths."""
    heads = (*FIELDS, "accessible", "public", *(f"colonne {n}" for n in range(70)))
    rows = [
        (*row(n, f"Famille {n}", niveau=f"Groupe {n}"), f"peut-être {n}", f"selon {n}", *("x",) * 70) for n in range(50)
    ]
    async with dialogue() as visitor:
        await visitor.upload(table(*rows, heads=heads))
        await visitor.recompute({"path.sector": "secteur", "path.levels": "niveau", "path.accessibility": "accessible"})
        assert 200 == visitor.status
        assert sum(map(len, visitor.form.values.values())) < 190
        assert 200 == (await visitor.recompute()).status


async def test_nothing_of_a_sample_stays(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Neither in a file nor in a line of the log."""
    canary = "CANARY7f3a91"
    before = set(tmp_path.rglob("*"))
    async with dialogue() as visitor:
        await visitor.upload(table(row(1, canary), row(2, titre=canary)))
        await visitor.recompute({"path.title": canary})
        await visitor.download()
    text = capfd.readouterr()
    assert canary not in text.out + text.err
    assert before == set(tmp_path.rglob("*"))


async def visited(visitor: Dialogue) -> str:
    async with visitor.client.get(visitor.path) as answer:
        return await answer.text()


@pytest.mark.parametrize(
    ("path", "title"), [("/brancher", "Brancher une plateforme"), ("/en/connect", "Connect a platform")]
)
async def test_the_empty_page_asks_for_a_sample(path: str, title: str) -> None:
    async with dialogue(path) as visitor:
        html = await visited(visitor)
        assert f"<h1>{title}</h1>" in html
        assert all(f'name="{name}"' in html for name in ("sample", "text", "do"))


async def test_a_state_is_neither_opened_nor_closed_on_the_event_loop() -> None:
    """Each takes up to 25 ms, in which no other request would be answered."""
    threads: set[int] = set()

    class NotingSeal(Seal):
        """Notes the threads that use it."""

        def close(self, payload: bytes) -> str:
            threads.add(threading.get_ident())
            return super().close(payload)

        def open(self, text: str) -> bytes | None:
            threads.add(threading.get_ident())
            return super().open(text)

    async with dialogue(kind=NotingSeal) as visitor:
        await visitor.upload(table(row(1), row(2)))
        assert 200 == (await visitor.recompute()).status
        assert await visitor.download()
    assert threads
    assert threading.get_ident() not in threads


async def test_only_doubtful_fields_ask_and_each_button_is_there_once() -> None:
    """Fields that are sure are folded, and none else; the row of buttons is not repeated."""
    async with dialogue() as visitor:
        await visitor.upload(table(row(1), row(2, "animaux")))
        text = visitor.html
        folded = text.partition('<details class="more" id="sure">')[2].partition("</table>")[0]
        on_page = text.partition("<h2>Correspondance</h2>")[2].partition('<details class="more" id="sure">')[0]
        assert {"id", "title", "location.city", "weeks"} <= set(re.findall(r'id="row\.([\w.]+)"', folded))
        assert ["sector"] == re.findall(r'id="row\.([\w.]+)"', on_page)
        buttons = re.findall(r'<button(?: class="main")? name="do" value="(\w+)"', text)
        assert ["study", "download"] == buttons
        await visitor.recompute({"path.id": "titre"})
        chosen = visitor.html.partition("Choisis par vous (1)")[2].partition("</tbody>")[0]
        assert ["id"] == re.findall(r'id="row\.([\w.]+)"', chosen), "what a visitor has chosen stays in view"
