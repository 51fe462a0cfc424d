"""Bilingual values in sentences: JSON types, messages of the system and of parsers.

Such a value is a ``str`` with its English text, as documents and logs hold it, and has a French text beside it.
"""

import errno
from collections.abc import Mapping
from typing import Any, Literal, Self

_SYSTEM: Mapping[int, str] = {
    errno.ENOENT: "fichier ou dossier introuvable",
    errno.EACCES: "accès refusé",
    errno.EPERM: "opération interdite",
    errno.EISDIR: "c’est un dossier",
    errno.ENOTDIR: "ce n’est pas un dossier",
    errno.EEXIST: "le fichier existe déjà",
    errno.ENOSPC: "disque plein",
    errno.EDQUOT: "quota de disque atteint",
    errno.EROFS: "disque en lecture seule",
    errno.EIO: "erreur de lecture ou d’écriture",
    errno.EMFILE: "trop de fichiers ouverts",
    errno.ENFILE: "trop de fichiers ouverts",
    errno.ENOMEM: "mémoire épuisée",
    errno.ENAMETOOLONG: "nom trop long",
    errno.ELOOP: "trop de liens symboliques",
    errno.EINVAL: "valeur non admise",
    errno.EPIPE: "connexion fermée par l’autre côté",
    errno.ECONNREFUSED: "connexion refusée",
    errno.ECONNRESET: "connexion coupée par l’autre côté",
    errno.ECONNABORTED: "connexion abandonnée",
    errno.ETIMEDOUT: "délai dépassé",
    errno.EHOSTUNREACH: "machine injoignable",
    errno.ENETUNREACH: "réseau injoignable",
    errno.EADDRINUSE: "port déjà pris",
    errno.EADDRNOTAVAIL: "adresse absente de cette machine",
}
_CERTIFICATES: Mapping[int, str] = {
    9: "certificat pas encore valable",
    10: "certificat expiré",
    18: "certificat signé par lui-même",
    19: "autorité inconnue dans la chaîne",
    20: "autorité inconnue",
    21: "chaîne de certificats incomplète",
    62: "certificat au nom d’une autre machine",
}
"""OpenSSL's verify codes (X509_V_ERR_*)."""
_TYPES: Mapping[str, str] = {
    "object": "objet",
    "array": "liste",
    "string": "texte",
    "number": "nombre",
    "integer": "nombre entier",
    "boolean": "booléen (`true` ou `false`)",
    "null": "valeur nulle (`null`)",
}
_LITERALS: Mapping[str, Mapping[bool | None, str]] = {
    "fr": {True: "vrai", False: "faux", None: "rien"},
    "en": {True: "true", False: "false", None: "null"},
}


class Bilingual(str):
    """An English text with its French translation, ``fr``."""

    __slots__ = ("fr",)
    fr: str

    def __new__(cls, en: str, fr: str) -> Self:
        """The text in English and in French."""
        spoken = super().__new__(cls, en)
        spoken.fr = fr
        return spoken

    @property
    def texts(self) -> Mapping[Literal["fr", "en"], str]:
        """Both texts, by language."""
        return {"fr": self.fr, "en": str.__str__(self)}

    def __getnewargs__(self) -> tuple[str, str]:  # type: ignore[override]  # two texts make one of these
        return str.__str__(self), self.fr


def json_type(name: str) -> Bilingual:
    """A type of JSON Schema, such as ``string``."""
    return Bilingual(name, _TYPES[name])


def system_reason(error: BaseException) -> Bilingual:
    """The reason of a system error: the system's text in English, a translation in French; the error's type if it has
    no number. Never a path or an address.
    """
    number = getattr(error, "errno", None)
    if isinstance(error, TimeoutError) and number is None:
        return Bilingual("timed out", "délai dépassé")
    known = getattr(error, "strerror", None)
    if isinstance(number, int) and number in _SYSTEM:
        return Bilingual(str(known), _SYSTEM[number])
    if isinstance(number, int) and number > 0:
        return Bilingual(str(known), f"erreur {errno.errorcode.get(number, number)} du système")
    if isinstance(number, int) and known:  # from the resolver, whose error numbers are negative
        return Bilingual(str(known), "nom de machine introuvable")
    return Bilingual(type(error).__name__, f"erreur {type(error).__name__}")


def certificate_reason(error: Exception) -> Bilingual:
    """The reason why a certificate is not trusted: OpenSSL's text in English, a translation in French."""
    cause = getattr(error, "certificate_error", error)
    text = str(getattr(cause, "verify_message", "") or type(cause).__name__)
    return Bilingual(text, _CERTIFICATES.get(getattr(cause, "verify_code", 0), "certificat ou échange TLS refusé"))


def spoken(value: Any, language: Literal["fr", "en"]) -> Any:
    """A value in the form for a sentence in this language; a list becomes its items with commas."""
    if isinstance(value, list | tuple):
        return ", ".join(str(spoken(item, language)) for item in value)
    if value is None or isinstance(value, bool):
        return _LITERALS[language][value]
    return value.fr if language == "fr" and isinstance(value, Bilingual) else value
