"""Templates of ``conformance.toml``, one per role."""

from collections.abc import Iterator
from typing import TypeAlias

from conformance.model.case import RoleName
from conformance.words import Texts, say
from schemas.rulebook import Language

_Line: TypeAlias = tuple[str, Texts | None]
"""A line of TOML and its trailing comment."""
_COLUMN = 36


def template_of(role: RoleName, language: Language) -> str:
    """The template of a role, with comments in the language."""
    return "".join(_written(toml, comment, language) for toml, comment in _lines_of(role))


def _written(toml: str, comment: Texts | None, language: Language) -> str:
    if comment is None:
        return f"{toml}\n"
    return f"{toml:<{_COLUMN}} # {comment[language]}\n" if toml else f"# {comment[language]}\n"


def _lines_of(role: RoleName) -> Iterator[_Line]:
    yield f'role = "{role}"', None
    match role:
        case "gateway":
            yield from _gateway()
        case "publisher":
            yield from _publisher()
        case "subscriber":
            yield from _subscriber()
        case "national":
            yield from _national()


def _gateway() -> Iterator[_Line]:
    yield 'target = "https://gateway.example.org"', None
    yield 'profile = "full"', say("template-profile")
    yield from _account("publisher", "essai-a", say("template-publisher"))
    yield from _account("neighbour", "essai-b", say("template-neighbour"))
    yield from _account("subscriber", "essai-c", say("template-subscriber"))
    yield 'host = "stages.essai-c.example.fr"', say("template-host")
    yield from _account("operator", "operateur", say("template-operator"))
    yield from _account("national", "national", say("template-national"))
    yield "\n[hooks]", None
    yield '# restart = "systemctl restart passerelle"', say("template-restart")
    yield "", None
    yield "[features]", say("template-features")
    yield "restart = false", None
    yield from _announced("feed/left-the-filter")


def _publisher() -> Iterator[_Line]:
    yield "\n[partner]", None
    yield 'listen = "127.0.0.1:8090"', say("template-gateway-here")
    yield '# control = "http://127.0.0.1:9000"', say("template-control-maybe")
    yield from _account("publisher", "bretagne", say("template-yourself"))
    yield "", None
    yield "[features]", say("template-do-without")
    yield "# withdrawals = true", None
    yield "# order = true", say("template-order")
    yield from _announced("publisher/too-many")


def _subscriber() -> Iterator[_Line]:
    yield "\n[partner]", None
    yield 'listen = "127.0.0.1:8090"', say("template-feed-here")
    yield 'control = "http://127.0.0.1:9000"', say("template-control")
    yield from _account("subscriber", "grand-est", say("template-yourself"))
    yield from _announced("subscriber/resync")


def _national() -> Iterator[_Line]:
    yield 'target = "https://staging.example.org/api/v2"', None
    yield "\n[accounts.national]", None
    yield 'platform = "national"', None
    yield 'client_id = "essai@example.org"', say("template-email")
    yield 'secret_env = "KIT_NATIONAL_SECRET"', say("template-password")


def _account(name: str, platform: str, what: Texts) -> Iterator[_Line]:
    yield "", None
    yield f"[accounts.{name}]", what
    yield f'platform = "{platform}"', None
    yield f'client_id = "{platform}"', None
    yield f'secret_env = "KIT_{name.upper()}_SECRET"', say("template-secret")


def _announced(case: str) -> Iterator[_Line]:
    yield "", None
    yield "", say("template-announced")
    yield "# [[expected_failure]]", None
    yield f'# case = "{case}"', None
    yield '# reason = "ticket 123"', None
    yield "# until = 2027-01-31", None
