"""Texts of pages: what French asks of the words around a value."""

import pytest
from markupsafe import Markup

from gateway.pages.base.texts import Texts

TEXT = "Le flux de {name} ; {n} plateformes"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Bretagne", "de Bretagne"),
        ("Anne", "d’Anne"),
        ("Île-de-France", "d’Île-de-France"),
        ("8", "de 8"),
        (Markup("<code>online</code>"), "d’<code>online</code>"),
    ],
)
def test_de_is_elided_before_a_vowel_in_french_alone(name: str, expected: str) -> None:
    french, other = (Texts({"key": TEXT}, language, "test") for language in ("fr", "en"))
    assert f"Le flux {expected} ; 2 plateformes" == french("key", name=name, n=2)
    assert f"Le flux de {name} ; 2 plateformes" == other("key", name=name, n=2)
