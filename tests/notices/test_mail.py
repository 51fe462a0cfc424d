"""Mails: the fact first, right numbers and plurals in both languages, and the headers by which a person leaves."""

from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from gateway.notices.mail import MailLinks, compose, texts_of
from gateway.notices.notice import Event, Notice, due, sending
from gateway.notices.plan import KINDS, SERVICE
from gateway.protocol.contact import Contact
from schemas.rulebook import LANGUAGES, Language

NOW = 1_800_000_000_000
SIGN_IN = "https://p.example/connexion?link=s3cret"
LINKS = MailLinks(
    page="https://p.example/plateforme",
    choose="https://p.example/avis?c=1",
    leave="https://p.example/desabonnement?c=1",
    confirm="https://p.example/confirmation?c=1",
    enter=SIGN_IN,
)
CONTACT = Contact(
    id="c1", platform="bretagne", address="essai@xn--conomie-9xa.example", name="Personne", language="fr", asked_at=NOW
)


def of(kind: str, number: int = 1, window: str = "1") -> Notice:
    return due(Event(contact="c1", kind=kind, about="bretagne", window=window, number=number), now=NOW)


def mail(*notices: Notice, language: Language = "fr", platform: str = "IDÉO") -> EmailMessage:
    copies = sending(notices, now=NOW)
    contact = replace(CONTACT, language=language)
    message = message_from_bytes(
        compose(contact, copies, LINKS, platform=platform, sender="avis@passerelle.example", now=NOW), policy=SMTP
    )
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize(
    ("language", "number", "subject"),
    [
        ("fr", 0, "0 offre d’IDÉO refusée, plus que d’habitude"),
        ("fr", 1, "1 offre d’IDÉO refusée, plus que d’habitude"),
        ("fr", 1900, "1\u202f900 offres d’IDÉO refusées, plus que d’habitude"),
        ("en", 0, "0 offers of IDÉO refused, more than usual"),
        ("en", 1, "1 offer of IDÉO refused, more than usual"),
        ("en", 1900, "1,900 offers of IDÉO refused, more than usual"),
    ],
)
def test_the_subject_is_the_fact_with_its_number(language: Language, number: int, subject: str) -> None:
    assert subject == mail(of("refusals", number), language=language)["Subject"]


def test_equal_facts_are_one_sentence_and_others_are_counted_in_the_subject() -> None:
    message = mail(of("moderated", 899), of("moderated", 1, "2"), of("feed-failed"), of("ends", 2))
    assert "Le flux d’IDÉO n’a pas pu être lu et 2 autres faits" == message["Subject"]
    assert "– 900 offres d’IDÉO retirées par l’exploitant." in message.get_content()
    assert mail(of("ends"), of("lifted"))["Subject"].endswith(" et 1 autre fait")


@pytest.mark.parametrize(
    ("platform", "subject"),
    [
        ("Île-de-France", "Le flux d’Île-de-France n’a pas pu être lu"),
        ("Bretagne", "Le flux de Bretagne n’a pas pu être lu"),
        ("{35} {} {link}", "Le flux de {35} {} {link} n’a pas pu être lu"),
    ],
)
def test_french_elides_before_a_name_and_a_name_is_taken_as_it_is(platform: str, subject: str) -> None:
    assert subject == mail(of("feed-failed"), platform=platform)["Subject"]


def test_a_fact_that_lasts_is_counted_once_for_each_object() -> None:
    late = [replace(of("systems-late", window=day), at=NOW) for day in ("2027-01-14", "2027-01-15")]
    assert "1 système en retard ou à l’arrêt" == mail(*late)["Subject"]
    other = due(replace(late[0].event, about="occitanie"), now=NOW)
    assert "2 systèmes en retard ou à l’arrêt" == mail(*late, other)["Subject"]
    at_site = [of("national-refused", 5, "2027-01-14"), of("national-refused", 8, "2027-01-15")]
    assert mail(*at_site)["Subject"].startswith("8 offres d’IDÉO")


def test_a_stranger_who_is_asked_to_agree_reads_nothing_that_another_person_has_typed() -> None:
    assert "Personne" in mail(of("sign-in")).get_content()
    assert "Personne" not in bytes(mail(of("confirm"))).decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_has_its_texts_and_only_the_mail_that_was_asked_for_signs_in(language: Language) -> None:
    assert KINDS.keys() == texts_of(language)["kinds"].keys()
    for kind in [*KINDS, *SERVICE]:
        for number in (1, 2):
            message = mail(of(kind, number), language=language)
            text = f"{message['Subject']}\n{message.get_content()}"
            assert (kind in ("sign-in", "join-approved")) == (SIGN_IN in text), kind
            assert "{" not in text
            assert LINKS.leave in text


def test_a_mail_can_be_left_by_one_click_and_every_copy_has_the_same_id() -> None:
    first, again = mail(of("ends")), mail(of("ends"))
    assert f"<{LINKS.leave}>" == first["List-Unsubscribe"]
    assert "List-Unsubscribe=One-Click" == first["List-Unsubscribe-Post"]
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Message-ID"] != mail(of("ends", window="2"))["Message-ID"]
    assert ("auto-generated", "text/plain") == (first["Auto-Submitted"], first.get_content_type())
    assert all(line.isascii() and len(line) < 998 for line in bytes(first).decode().splitlines())
