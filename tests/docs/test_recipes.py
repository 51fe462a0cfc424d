"""The recipes run unchanged against a live gateway, and survive what they say they survive."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.docs.recipe import FOLDER, FOLLOW, PUBLISH, RECEIVE, Account, Front, opened_accounts

pytestmark = pytest.mark.recipes
LANGUAGES = sorted(PUBLISH)
WEEKS = ("2027-W24", "2027-W25")


@pytest.fixture
async def accounts(tmp_path: Path) -> AsyncIterator[tuple[Account, Account]]:
    """A publisher and a subscriber of one gateway."""
    async with opened_accounts(tmp_path) as found:
        yield found


def offer(number: int, *, revision: int = 1, **changed: Any) -> dict[str, Any]:
    """An offer with an apostrophe, a fraction of zero and an extension, which a copy must keep."""
    return {
        "id": f"bretagne:recette-{number}",
        "revision": revision,
        "title": "Découverte d'un atelier de menuiserie",
        "description": "Observer la fabrication d'un meuble.\nDu dessin à la pose.",
        "employer": {"name": "Atelier du Port"},
        "location": {"postal_code": "35000", "city": "Rennes", "latitude": 48.0, "longitude": -1.68},
        "levels": ["seconde"],
        "weeks": list(WEEKS),
        "sector": "s5",
        "apply_url": f"https://stages.ideo.bretagne.bzh/offres/{number}",
        "extensions": {"bretagne": {"atelier": {}, "tags": []}},
    } | changed


def export(folder: Path, *offers: dict[str, Any]) -> str:
    """The offers as a file for the recipes, with an empty line, which they skip."""
    path = folder / "offres.ndjson"
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in offers) + "\n")
    return path.name


def publishing(file: str, *, confirm: int | None = None) -> list[str]:
    """The arguments of a snapshot, of which each recipe takes the same."""
    return [file] if confirm is None else [file, "--confirmer", str(confirm)]


def copied(folder: Path) -> dict[str, Any]:
    """The live offers of the copy, by id."""
    with closing(sqlite3.connect(folder / "copie.db")) as base:
        rows = base.execute("SELECT id, document FROM offres WHERE document IS NOT NULL").fetchall()
    return {name: json.loads(document) for name, document in rows}


def change_copy(folder: Path, sql: str, *values: str) -> None:
    with closing(sqlite3.connect(folder / "copie.db")) as base, base:
        base.execute(sql, values)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_set_is_published_corrected_shrunk_and_followed(
    language: str, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    """Exit status 0 for a good set, 1 for one with a refused offer, 2 until a large withdrawal is confirmed."""
    publisher, subscriber = accounts
    publish, follow = PUBLISH[language], FOLLOW[language]
    everything = [offer(number) for number in range(12)]

    done = await publisher.run(publish, *publishing(export(tmp_path, *everything)))
    assert (0, "Envoyées : 12 ; à corriger : 0 ; retirées : 0 ; en attente : 0.\n") == (done.code, done.output), done
    read = await subscriber.run(follow, "copie.db", "territory=all")
    assert (0, "Copie à jour ; offres en ligne : 12.\n") == (read.code, read.output), read
    assert everything[0]["extensions"] == copied(tmp_path)["bretagne:recette-0"]["extensions"]
    assert everything[0]["location"] == copied(tmp_path)["bretagne:recette-0"]["location"]

    wrong = [*everything[1:], offer(0, revision=2, sector="s99")]
    done = await publisher.run(publish, *publishing(export(tmp_path, *wrong)))
    assert (1, "Envoyées : 12 ; à corriger : 1 ; retirées : 0 ; en attente : 0.\n") == (done.code, done.output), done
    assert "bretagne:recette-0 /sector : «\u00a0s99\u00a0»" in done.errors

    reused = [offer(0, title="Visite"), *everything[1:]]
    done = await publisher.run(publish, *publishing(export(tmp_path, *reused)))
    assert done.code == 1, done
    assert "bretagne:recette-0" in done.errors
    assert "revision" in done.errors

    shrunk = export(tmp_path, offer(0, revision=3, title="Visite"))
    done = await publisher.run(publish, *publishing(shrunk))
    assert (2, "") == (done.code, done.output), done
    assert "--confirmer 11" in done.errors
    done = await publisher.run(publish, *publishing(shrunk, confirm=11))
    assert (0, "Envoyées : 1 ; à corriger : 0 ; retirées : 11 ; en attente : 0.\n") == (done.code, done.output), done

    read = await subscriber.run(follow, "copie.db", "territory=all")
    assert (0, "Copie à jour ; offres en ligne : 1.\n") == (read.code, read.output), read
    assert "Visite" == copied(tmp_path)["bretagne:recette-0"]["title"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_lost_answer_is_asked_for_again(
    language: str, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    """After a 503 the same snapshot is sent with the same mark and key; a page of changes is read again."""
    publisher, subscriber = accounts
    front = Front(publisher.url, {"/oauth/token", "/v1/snapshots/marks", "/v1/snapshots", "/v1/changes"})
    async with front.serving():
        arguments = publishing(export(tmp_path, offer(1), offer(2)))
        done = await replace(publisher, url=front.url).run(PUBLISH[language], *arguments)
        read = await replace(subscriber, url=front.url).run(FOLLOW[language], "copie.db", "territory=all")
    assert (0, "Envoyées : 2 ; à corriger : 0 ; retirées : 0 ; en attente : 0.\n") == (done.code, done.output), done
    first, second = [(query, key) for path, query, key in front.seen if path == "/v1/snapshots"]
    assert first == second
    assert first[1]
    assert (0, "Copie à jour ; offres en ligne : 2.\n") == (read.code, read.output), read


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_refusal_that_passes_is_waited_for_with_the_same_mark_and_key(
    language: str, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    """Too many requests, an expired token, an unavailable gateway, and a first request that still runs."""
    publisher, subscriber = accounts
    front = Front(publisher.url, refusing={"/v1/snapshots": [429, 401, 503, 409]})
    async with front.serving():
        arguments = publishing(export(tmp_path, offer(1), offer(2)))
        done = await replace(publisher, url=front.url).run(PUBLISH[language], *arguments)
    reading = Front(subscriber.url, refusing={"/v1/changes": [429, 401, 503]})
    async with reading.serving():
        read = await replace(subscriber, url=reading.url).run(FOLLOW[language], "copie.db", "territory=all")
    assert (0, "Copie à jour ; offres en ligne : 2.\n") == (read.code, read.output), read
    assert (0, "Envoyées : 2 ; à corriger : 0 ; retirées : 0 ; en attente : 0.\n") == (done.code, done.output), done
    sent = [(query, key) for path, query, key in front.seen if path == "/v1/snapshots"]
    assert [sent[0]] * 5 == sent
    assert sent[0][1]
    paths = [path for path, _, _ in front.seen]
    assert (2, 1) == (paths.count("/oauth/token"), paths.count("/v1/snapshots/marks"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_gateway_that_stays_unavailable_ends_the_run(
    language: str, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    """Eight times the same mark and key, then exit status 2; a token that is refused again is not asked for again."""
    publisher, _ = accounts
    arguments = publishing(export(tmp_path, offer(1)))
    front = Front(publisher.url, refusing={"/v1/snapshots": [503] * 20})
    async with front.serving():
        done = await replace(publisher, url=front.url).run(PUBLISH[language], *arguments)
    assert (2, "") == (done.code, done.output), done
    assert 8 == [path for path, _, _ in front.seen].count("/v1/snapshots")
    front = Front(publisher.url, refusing={"/v1/snapshots": [401] * 20})
    async with front.serving():
        done = await replace(publisher, url=front.url).run(PUBLISH[language], *arguments)
    assert (2, "") == (done.code, done.output), done
    assert 2 == [path for path, _, _ in front.seen].count("/v1/snapshots")


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_set_that_is_refused_whole_changes_nothing_and_says_why(
    language: str, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    publisher, _ = accounts
    twice = publishing(export(tmp_path, offer(1), offer(1)))
    done = await publisher.run(PUBLISH[language], *twice)
    assert (2, "") == (done.code, done.output), done
    assert "HTTP 422" in done.errors
    assert "bretagne:recette-1" in done.errors


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_copy_is_read_again_without_being_emptied(
    language: str, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    """410 and other filters start a new generation; what it does not see is swept at the end of the feed."""
    publisher, subscriber = accounts
    command = FOLLOW[language]
    await publisher.run(PUBLISH[language], *publishing(export(tmp_path, offer(1), offer(2))))
    await subscriber.run(command, "copie.db", "territory=all")
    with closing(sqlite3.connect(tmp_path / "copie.db")) as base:
        (cursor,) = base.execute("SELECT curseur FROM flux").fetchone()
    change_copy(tmp_path, "INSERT INTO offres VALUES ('bretagne:ancienne', 1, '{}', 1)")

    # A cursor of another reader answers 410.
    read = await publisher.run(command, "copie-bretagne.db", "territory=all")
    assert read.code == 0, read
    with closing(sqlite3.connect(tmp_path / "copie-bretagne.db")) as base:
        (foreign,) = base.execute("SELECT curseur FROM flux").fetchone()
    assert cursor != foreign
    change_copy(tmp_path, "UPDATE flux SET curseur = ?", foreign)
    read = await subscriber.run(command, "copie.db", "territory=all")
    assert (0, "Copie à jour ; offres en ligne : 2.\n") == (read.code, read.output), read
    assert {"bretagne:recette-1", "bretagne:recette-2"} == set(copied(tmp_path))

    read = await subscriber.run(command, "copie.db", "territory=all&level=troisieme")
    assert (0, "Copie à jour ; offres en ligne : 0.\n") == (read.code, read.output), read


@pytest.mark.parametrize("language", ["node", "php"])
async def test_a_copy_is_compared_and_what_differs_is_mended(
    language: str, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    """DIG-002, DIG-003: missing, extra, stale, corrupt; and nearly everything, which is read from the start."""
    publisher, subscriber = accounts
    numbers = {"é": [0.00001, -0.0000015, 1e-7, 48.0, -0.0], "10": 333333333.3333333, "9": {}, "\ufb33": '\u20ac "/'}
    everything = [offer(number, extensions={"bretagne": numbers}) for number in range(12)]
    await publisher.run(PUBLISH[language], *publishing(export(tmp_path, *everything)))
    comparing = FOLLOW[language], "copie.db", "territory=all", "--comparer"
    for wrongs, expected in (
        ((), "Copie comparée ; offres réparées : 0.\n"),
        (
            (
                "DELETE FROM offres WHERE id LIKE '%-1'",
                "INSERT INTO offres SELECT 'bretagne:ancienne', 1, '{}', generation FROM flux",
                "UPDATE offres SET sequence = sequence - 1 WHERE id LIKE '%-2'",
                "UPDATE offres SET document = replace(document, '48', '47') WHERE id LIKE '%-3'",
                "UPDATE offres SET sequence = 1 << 60, document = NULL WHERE id LIKE '%-4'",
                "UPDATE offres SET document = 'illisible' WHERE id LIKE '%-5'",
            ),
            "Copie comparée ; offres réparées : 6.\n",
        ),
        (
            [f"INSERT INTO offres VALUES ('bretagne:autre-{number}', 1, '{{}}', 1)" for number in range(400)],
            "Copie relue du début.\n",
        ),
    ):
        for wrong in wrongs:
            change_copy(tmp_path, wrong)
        read = await subscriber.run(*comparing)
        assert (0, f"{expected}Copie à jour ; offres en ligne : 12.\n") == (read.code, read.output), read
        assert everything[3]["location"] == copied(tmp_path)["bretagne:recette-3"]["location"]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_refused_call_ends_with_its_reason(
    language: str, accounts: tuple[Account, Account], tmp_path: Path
) -> None:
    """Exit status 2, the message in French, and never the secret."""
    publisher, subscriber = accounts
    arguments = publishing(export(tmp_path, offer(1)))
    for run in (
        await replace(publisher, secret="mauvais-secret").run(PUBLISH[language], *arguments),
        await replace(subscriber, secret="mauvais-secret").run(FOLLOW[language], "copie.db"),
    ):
        assert (2, "") == (run.code, run.output), run
        assert "Échec de l’authentification" in run.errors
        assert "mauvais-secret" not in run.errors
    missing = await publisher.run(PUBLISH[language], *publishing("absent.ndjson"))
    assert (2, "") == (missing.code, missing.output), missing
    unknown = await subscriber.run(FOLLOW[language], "copie.db", "niveau=seconde")
    assert (2, "") == (unknown.code, unknown.output), unknown
    assert "niveau" in unknown.errors


def test_a_snapshot_recipe_fits_on_a_page() -> None:
    lengths = {script: (FOLDER / script).read_text(encoding="utf-8").count("\n") for _, script in PUBLISH.values()}
    assert {} == {script: length for script, length in lengths.items() if length > 60}


def test_every_recipe_is_run() -> None:
    scripts = {path.name for path in FOLDER.iterdir() if path.suffix != ".md"}
    assert scripts == {script for commands in (PUBLISH, FOLLOW, RECEIVE) for _, script in commands.values()}
