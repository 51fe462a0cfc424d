"""The operator's pages of platforms over HTTP: each act, its entry in the journal, and who may not act."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape

import orjson
import pytest
import structlog
from joserfc.jwk import ECKey

from gateway.pages.base.texts import texts_of
from gateway.pages.partners.form import by_field, version_of
from gateway.partners.credential import matching_secret, mint_secret, revoke
from gateway.partners.onboarding import PartnerInput, altered, new_partner, presets
from gateway.protocol.certificate import Certificate, EvidenceVersions, Issued, Role
from gateway.protocol.partner import Partner
from schemas.rulebook import LANGUAGES
from tests.harness import URL
from tests.pages.desk import HTML, Desk, operator_of, token_in
from tests.pages.signing import OPERATOR, PERSON, SIGNED
from tests.pages.site import PageHarness

pytestmark = pytest.mark.slow

LIST, NEW, ONE = "/exploitation/plateformes", "/exploitation/plateformes/nouvelle", "/exploitation/plateforme"
ALTER, REVOKE = f"{ONE}/modifier", f"{ONE}/retirer"
_HIDDEN = re.compile(r'name="known" value="([^"]*)"')
_SECRET = re.compile(r"passerelle_[\w-]+")
KEYS = {"keys": [ECKey.generate_key("P-256", {"kid": "one"}).as_dict(private=False)]}
_DAY_MS = 24 * 3_600_000


@pytest.fixture
async def desk(site: PageHarness) -> Desk:
    return await operator_of(site)


def partner_of(site: PageHarness, slug: str) -> Partner:
    partner = site.harness.federation.partners.get(slug)
    assert partner is not None
    return partner


async def with_secret(site: PageHarness, slug: str = SIGNED.platform) -> str:
    federation = site.harness.federation
    minted = mint_secret(now=federation.clock(), entropy=lambda size: b"s" * size)
    await federation.partners.change(slug, lambda one: replace(one or SIGNED, secrets=(minted.kept,)))
    return minted.text


NEWCOMER: Mapping[str, str | list[str]] = {
    "slug": "essai",
    "name": "Plateforme d’essai",
    "scopes": ["offers:publish", "offers:read"],
    "departments": "35, 22",
    "hosts": "stages.essai.example",
    "national_delivery": "self",
    "credential": "secret",
    "why": "Convention signée",
}


async def test_onboarding_a_platform_displays_its_secret_once(site: PageHarness, desk: Desk) -> None:
    text = await desk.submit(NEW, NEWCOMER)
    [secret] = set(_SECRET.findall(text))
    made = partner_of(site, "essai")
    assert matching_secret(secret, made.secrets, now=site.harness.federation.clock()) is not None
    assert (frozenset({"22", "35"}), ("stages.essai.example",), "self") == (
        made.territory,
        made.hosts,
        made.national_delivery,
    )
    assert [("partner.add", "essai", PERSON, OPERATOR.platform, "Convention signée")] == await desk.acts()
    for path in (LIST, f"{ONE}?slug=essai", f"{ALTER}?slug=essai", f"{REVOKE}?slug=essai"):
        assert "passerelle_" not in await desk.get(path)
    again = await desk.submit(NEW, NEWCOMER, 422)
    assert ("essai participe déjà" in again, "passerelle_" in again) == (True, False)
    assert 1 == len(await desk.acts())


async def test_a_platform_with_keys_or_an_issuer_gets_no_secret(site: PageHarness, desk: Desk) -> None:
    keys = KEYS
    await desk.submit(NEW, {**NEWCOMER, "credential": "jwks", "jwks": orjson.dumps(keys).decode()}, 303)
    assert f"{ONE}?slug=essai&done=added" == desk.location
    assert (keys, ()) == (partner_of(site, "essai").jwks, partner_of(site, "essai").secrets)
    other = {**NEWCOMER, "slug": "autre", "hosts": "", "credential": "issuer", "issuer": "https://login.autre.example"}
    await desk.submit(NEW, other, 303)
    assert ("https://login.autre.example", ()) == (partner_of(site, "autre").issuer, partner_of(site, "autre").secrets)


async def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(site: PageHarness, desk: Desk) -> None:
    typed: dict[str, str | list[str]] = {
        **NEWCOMER,
        "slug": "Essai!",
        "scopes": [],
        "hosts": "https://x",
        "credential": "jwks",
        "jwks": "{",
        "why": "x" * 1_001,
    }
    text = await desk.submit(NEW, typed, 422)
    for name in ("scopes", "jwks", "why"):
        assert f'id="{name}-error"' in text, name
    assert ('value="Essai!"' in text, 'value="35 22"' in text, ">{</textarea>" in text) == (True, True, True)
    text = await desk.submit(NEW, {**NEWCOMER, "slug": "Essai!", "hosts": "https://x", "departments": "999"}, 422)
    for name in ("slug", "hosts", "departments"):
        assert f'id="{name}-error"' in text, name
    assert site.harness.federation.partners.get("essai") is None
    assert [] == await desk.acts()


async def test_a_private_key_is_refused_and_never_displayed_again(desk: Desk) -> None:
    private = {"keys": [{**KEYS["keys"][0], "d": "canari-prive"}]}
    for text in (orjson.dumps(private).decode(), "-----BEGIN PRIVATE KEY----- canari-prive"):
        page = await desk.submit(NEW, {**NEWCOMER, "credential": "jwks", "jwks": text}, 422)
        assert ("partie privée" in page, "canari-prive" in page) == (True, False)


async def test_a_key_set_that_no_record_could_hold_is_refused(site: PageHarness, desk: Desk) -> None:
    deep = orjson.dumps(KEYS).removesuffix(b"}") + b',"more":' + b"[" * 300 + b"]" * 300 + b"}"
    page = await desk.submit(NEW, {**NEWCOMER, "credential": "jwks", "jwks": deep.decode()}, 422)
    assert 'id="jwks-error"' in page
    assert site.harness.federation.partners.get("essai") is None


def certified(role: Role, *, now: int, days: int) -> Issued:
    """A certificate of ``SIGNED`` that ends after some days."""
    certificate = Certificate(
        id="x",
        issuer=URL,
        platform=SIGNED.platform,
        role=role,
        profile="full",
        versions=EvidenceVersions(kit="1", protocol="1", schema="1", rules="1"),
        evidence="sha256:0",
        issued_at=now,
        expires_at=now + days * _DAY_MS,
    )
    return Issued(certificate, "signed")


async def test_a_page_tells_all_of_a_platform(site: PageHarness, desk: Desk) -> None:
    now = site.harness.federation.clock()
    await with_secret(site)
    await site.harness.federation.partners.change(
        SIGNED.platform,
        lambda one: replace(
            one or SIGNED,
            certificates=(certified("subscriber", now=now, days=10),),
            hosts=("a.example",),
            territory=frozenset({"31"}),
            joined_at=now,
        ),
    )
    text = await desk.get(f"{ONE}?slug={SIGNED.platform}")
    for phrase in (
        "a.example",
        ">31<",
        "par la passerelle",
        "par HTTP",
        "abonné",
        "finit bientôt",
        "1 session ouverte",
    ):
        assert phrase in text, phrase
    assert "sha256:" not in text
    assert 404 == (await site.client.get(f"{ONE}?slug=nobody", headers=desk.headers)).status


async def test_a_nonce_is_issued_and_a_certificate_revoked(site: PageHarness, desk: Desk) -> None:
    now = site.harness.federation.clock()
    issued = (certified("publisher", now=now, days=100),)
    await site.harness.federation.partners.change(
        SIGNED.platform, lambda one: replace(one or SIGNED, certificates=issued)
    )
    path = f"{ONE}?slug={SIGNED.platform}"
    page = await desk.submit(path, {"slug": SIGNED.platform, "act": "nonce", "why_nonce": "Demande"})
    [nonce] = partner_of(site, SIGNED.platform).nonces
    assert f"<code>{nonce.text}</code>" in page
    data = {"slug": SIGNED.platform, "act": "uncertify", "role": "publisher", "why_uncertify": "Preuve fausse"}
    for name, value in (("role", "x"), ("why_uncertify", "")):
        assert f'id="{name}-error"' in await desk.submit(path, {**data, name: value}, 422)
    await desk.submit(path, data, 303)
    assert () == partner_of(site, SIGNED.platform).certificates
    assert "n’a pas de certificat dans ce rôle" in await desk.submit(path, data, 409)
    acts = [(act, why) for act, _, _, _, why in await desk.acts()]
    assert [("certificate.nonce", "Demande"), ("certificate.revoke", "Preuve fausse")] == acts


async def test_altering_saves_what_was_changed_and_says_so_in_the_journal(site: PageHarness, desk: Desk) -> None:
    path = f"{ALTER}?slug={SIGNED.platform}"
    page = await desk.get(path)
    data: dict[str, str | list[str]] = {
        "slug": SIGNED.platform,
        "known": _HIDDEN.findall(page)[0],
        "name": "Occitanie",
        "scopes": ["offers:read"],
        "departments": "31 09",
        "hosts": "",
        "national_delivery": "gateway",
        "why": "Arrêt de la publication",
    }
    await desk.submit(ALTER, data, 303)
    after = partner_of(site, SIGNED.platform)
    assert (["offers:read"], ["09", "31"]) == (sorted(after.scopes), sorted(after.territory))
    assert [("partner.set", SIGNED.platform, PERSON, OPERATOR.platform, "Arrêt de la publication")] == (
        await desk.acts()
    )
    stale = await desk.submit(ALTER, {**data, "scopes": ["offers:publish"]}, 409)
    assert "modifiée entre-temps" in stale
    fresh = _HIDDEN.findall(stale)[0]
    await desk.submit(ALTER, {**data, "known": fresh}, 303)
    assert desk.location.endswith("done=unchanged")
    assert after == partner_of(site, SIGNED.platform)
    wrong = await desk.submit(ALTER, {**data, "known": fresh, "hosts": "b c.example"}, 422)
    assert 'id="hosts-error"' in wrong
    assert 1 == len(await desk.acts())


async def test_of_two_operators_who_save_at_the_same_time_one_is_asked_to_compare(
    site: PageHarness, desk: Desk
) -> None:
    """Each alters another field of the same platform; neither change is lost unseen."""
    desks = (desk, await operator_of(site))
    before = partner_of(site, SIGNED.platform)
    forms: list[dict[str, str]] = []
    for one in desks:
        page = await one.get(f"{ALTER}?slug={SIGNED.platform}")
        forms.append({"slug": SIGNED.platform, "token": token_in(page), "known": _HIDDEN.findall(page)[0]})
    rights = [("scopes", scope) for scope in sorted(before.scopes)]
    fields = [
        [("name", "Nouveau nom"), ("hosts", ""), *rights],
        [("name", before.name), ("hosts", "nouveau.example"), *rights],
    ]
    answers = await asyncio.gather(
        *(
            site.client.post(
                ALTER,
                data=[*form.items(), ("national_delivery", before.national_delivery), *more],
                headers=one.headers,
                allow_redirects=False,
            )
            for one, form, more in zip(desks, forms, fields, strict=True)
        )
    )
    assert [303, 409] == sorted(answer.status for answer in answers)
    [refused] = [answer for answer in answers if answer.status == 409]
    page = unescape(await refused.text())
    after = partner_of(site, SIGNED.platform)
    assert ("modifiée entre-temps" in page, version_of(after)) == (True, _HIDDEN.findall(page)[0])
    assert ("Nouveau nom" == after.name) != (("nouveau.example",) == after.hosts)


async def test_a_rotation_sent_twice_replaces_one_secret(site: PageHarness, desk: Desk) -> None:
    """The former one is valid for the given hours, or ends at once."""
    first, now = await with_secret(site), site.harness.federation.clock()
    path = f"{ONE}?slug={SIGNED.platform}"
    known = _HIDDEN.findall(await desk.get(path))[0]
    data = {"slug": SIGNED.platform, "act": "rotate", "known": known, "overlap": "2", "why_rotate": "Fuite"}
    [second] = set(_SECRET.findall(await desk.submit(path, data)))
    secrets = partner_of(site, SIGNED.platform).secrets
    assert [None, now + 2 * 3_600_000] == [one.ends_at for one in secrets]
    assert "déjà été changé" in await desk.submit(path, data, 409)
    for wrong in ("-1", "x", "", "²", "99999"):
        assert 'id="overlap-error"' in await desk.submit(path, {**data, "overlap": wrong}, 422)
    assert second not in await desk.get(path)
    known = _HIDDEN.findall(await desk.get(path))[0]
    await desk.submit(path, {**data, "known": known, "overlap": "0"})
    secrets = partner_of(site, SIGNED.platform).secrets
    assert [None, None] == [matching_secret(one, secrets, now=now) for one in (first, second)]
    assert [("partner.rotate", "Fuite")] * 2 == [(act, why) for act, _, _, _, why in await desk.acts()]


async def test_the_own_session_survives_a_rotation_of_the_own_secret(site: PageHarness, desk: Desk) -> None:
    await with_secret(site, OPERATOR.platform)
    other = await operator_of(site)
    path = f"{ONE}?slug={OPERATOR.platform}"
    known = _HIDDEN.findall(await desk.get(path))[0]
    await desk.submit(path, {"slug": OPERATOR.platform, "act": "rotate", "known": known, "overlap": "0"})
    await desk.get(path)
    await other.get(path, 401)


async def test_a_link_begins_a_session_and_its_person_is_in_no_entry(site: PageHarness, desk: Desk) -> None:
    path = f"{ONE}?slug={SIGNED.platform}"
    data = {"slug": SIGNED.platform, "act": "link", "person": "NOM D’ESSAI", "lang": "en", "why_link": "Demande"}
    text = await desk.submit(path, data)
    [link] = re.findall(rf"{URL}/en/enter\?link=([\w.%-]+)", text)
    signed = await site.door.sign_ins.begin(link)
    assert (SIGNED.platform, "NOM D’ESSAI") == (signed.partner.platform, signed.ticket.person)
    assert [("partner.link", SIGNED.platform, PERSON, OPERATOR.platform, "Demande")] == await desk.acts()
    assert link not in await desk.get(path)
    assert 'id="person-error"' in await desk.submit(path, {**data, "person": " "}, 422)


async def test_ending_sessions_ends_those_of_the_platform_alone(site: PageHarness, desk: Desk) -> None:
    path = f"{ONE}?slug={SIGNED.platform}"
    await desk.submit(path, {"slug": SIGNED.platform, "act": "sign-out", "why_sign_out": ""}, 303)
    assert 401 == (await site.client.get("/plateforme", headers=HTML)).status
    assert "Sessions ouvertes</dt><dd>0<" in await desk.get(path)
    assert [("partner.sign-out", SIGNED.platform, PERSON, OPERATOR.platform, None)] == await desk.acts()
    await desk.submit(path, {"slug": SIGNED.platform, "act": "nothing"}, 400)


async def test_a_revocation_is_confirmed_with_a_reason(site: PageHarness, desk: Desk) -> None:
    await with_secret(site)
    page = await desk.get(f"{REVOKE}?slug={SIGNED.platform}")
    assert ("1 secret en vigueur" in page, "1 session ouverte" in page) == (True, True)
    assert 'id="why-error"' in await desk.submit(REVOKE, {"slug": SIGNED.platform, "why": " "}, 422)
    assert not partner_of(site, SIGNED.platform).revoked
    await desk.submit(REVOKE, {"slug": SIGNED.platform, "why": "Fin de la convention"}, 303)
    assert partner_of(site, SIGNED.platform).revoked
    assert 401 == (await site.client.get("/plateforme", headers=HTML)).status
    assert "a été retiré" in await desk.submit(REVOKE, {"slug": SIGNED.platform, "why": "Encore"}, 409)
    assert ["partner.revoke"] == [act for act, *_ in await desk.acts()]
    assert "accès retiré" in await desk.get(LIST)
    assert f"{NEW}?slug={SIGNED.platform}" in await desk.get(f"{ALTER}?slug={SIGNED.platform}")


async def test_a_revoked_operator_is_out_at_its_next_request(site: PageHarness, desk: Desk) -> None:
    await site.harness.federation.partners.change(OPERATOR.platform, lambda one: revoke(one or OPERATOR))
    await desk.get(LIST, 401)


async def test_neither_a_secret_nor_a_link_nor_a_person_is_logged(desk: Desk) -> None:
    with structlog.testing.capture_logs() as lines:
        [secret] = set(_SECRET.findall(await desk.submit(NEW, NEWCOMER)))
        path = f"{ONE}?slug=essai"
        link = await desk.submit(path, {"slug": "essai", "act": "link", "person": "NOM D’ESSAI"})
    phrase = str(lines)
    assert "pages.partner_added" in phrase
    found = re.findall(r"link=([\w.%-]+)", link)[0]
    assert [False] * 4 == [one in phrase for one in (secret, found, "NOM D’ESSAI", PERSON)]


def test_each_finding_of_an_act_has_a_field_and_words() -> None:
    """What onboarding and alteration can find, as a page says it."""
    others = (SIGNED, Partner(platform="autre", name="A", scopes=frozenset(), hosts=("a.example",)))
    wrong = PartnerInput(
        name="x" * 200,
        scopes=("x",),
        departments=("x",),
        hosts=("x", "a.example"),
        national_delivery="x",
        jwks={},
        issuer="x",
    )
    findings: list[str] = []
    for slug, wish in ((SIGNED.platform, wrong), ("X", wrong), ("essai", PartnerInput())):
        made = new_partner(slug, wish, others=others)
        assert isinstance(made, tuple)
        findings += made
    changed = altered(SIGNED, PartnerInput(hosts=("a.example",)), others=others)
    assert isinstance(changed, tuple)
    errors = by_field([*findings, *changed])
    assert {"slug", "name", "scopes", "departments", "hosts", "national_delivery", "jwks", "issuer"} == set(errors)
    for language in LANGUAGES:
        for found in errors.values():
            assert all(f"wrong_{code}" in texts_of("partners", language) for code, _ in found)


@pytest.mark.parametrize(
    ("path", "delivery"),
    [(NEW, "par la plateforme elle-même"), ("/en/operate/platforms/new", "by the platform itself")],
)
async def test_the_platforms_known_beforehand_are_listed_with_what_is_known(
    site: PageHarness, desk: Desk, path: str, delivery: str
) -> None:
    """Each with a link that fills in its slug; one that takes part already is left out."""
    known = presets()
    text = await desk.get(path)
    listed = [slug for slug in known if f'href="{path}?slug={slug}"' in text]
    assert [slug for slug in known if slug != SIGNED.platform] == listed
    bretagne = known["bretagne"]
    for phrase in (bretagne.name, "22, 29, 35, 56", *bretagne.hosts, delivery):
        assert phrase in text, phrase
    chosen = await desk.get(f"{path}?slug=bretagne")
    assert 'value="bretagne" id="slug"' in chosen
    await desk.submit(NEW, {"slug": "bretagne", "scopes": ["offers:read"], "credential": "secret"})
    made = partner_of(site, "bretagne")
    assert (bretagne.name, bretagne.territory, bretagne.hosts, "self") == (
        made.name,
        made.territory,
        made.hosts,
        made.national_delivery,
    )
    assert f'href="{path}?slug=bretagne"' not in await desk.get(path)
