"""Templates of ``conformance.toml``, one per role, with comments in the partner's language."""

from conformance.model.case import RoleName
from conformance.target.topic import EXTRA
from conformance.words import Texts, say
from schemas.rulebook import Language


def template_of(role: RoleName, lang: Language) -> str:
    """The template of a role."""
    return {"gateway": _gateway, "publisher": _publisher, "subscriber": _subscriber, "national": _national}[role](lang)


def _gateway(lang: Language) -> str:
    return f"""role = "gateway"
target = "https://gateway.example.org"
profile = "full"  # {say("template-profile")[lang]}
{_account("publisher", "essai-a", say("template-publisher"), lang)}\
{_account("neighbour", "essai-b", say("template-neighbour"), lang)}\
{_account("subscriber", "essai-c", say("template-subscriber"), lang)}\
host = "stages.essai-c.example.fr"  # {say("template-host")[lang]}
# region = "44"  # {say("template-region")[lang]}
# departments = ["14", "35"]  # {say("template-departments")[lang]}
{_account("operator", "operateur", say("template-operator"), lang)}\
{_account("national", "national", say("template-national"), lang)}
[hooks]
# restart = "systemctl restart passerelle"  # {say("template-restart")[lang]}

# [kafka]  # {say("template-kafka", package=EXTRA)[lang]}
# servers = "kafka.example.org:9093"
# accounts = ["neighbour", "subscriber", "national"]  # {say("template-kafka-accounts")[lang]}
# username = "essai"
# secret_env = "KIT_KAFKA_SECRET"  # {say("template-kafka-secret")[lang]}

[features]  # {say("template-features")[lang]}
restart = false
{_announced("feed/left-the-filter", lang)}"""


def _publisher(lang: Language) -> str:
    return f"""role = "publisher"
# gateway = "https://passerelle.example.fr"  # {say("template-reference")[lang]}

[partner]
listen = "127.0.0.1:8090"  # {say("template-gateway-here")[lang]}
control = "http://127.0.0.1:9000"  # {say("template-control-maybe")[lang]}
{_account("publisher", "bretagne", say("template-yourself"), lang)}
[features]  # {say("template-do-without")[lang]}
# withdrawals = true
# order = true  # {say("template-order")[lang]}
{_announced("publisher/too-many", lang)}"""


def _subscriber(lang: Language) -> str:
    return f"""role = "subscriber"
# gateway = "https://passerelle.example.fr"  # {say("template-reference")[lang]}

[partner]
listen = "127.0.0.1:8090"  # {say("template-feed-here")[lang]}
control = "http://127.0.0.1:9000"  # {say("template-control")[lang]}
{_account("subscriber", "grand-est", say("template-yourself"), lang)}
[features]
push = false  # {say("template-push")[lang]}
{_announced("subscriber/resync", lang)}"""


def _national(lang: Language) -> str:
    return f"""role = "national"
target = "https://staging.example.org/api/v2"

[accounts.national]
platform = "national"
client_id = "essai@example.org"  # {say("template-email")[lang]}
secret_env = "KIT_NATIONAL_SECRET"  # {say("template-password")[lang]}
"""


def _account(name: str, platform: str, what: Texts, lang: Language) -> str:
    return f"""
[accounts.{name}]  # {what[lang]}
platform = "{platform}"
client_id = "{platform}"
secret_env = "KIT_{name.upper()}_SECRET"  # {say("template-secret")[lang]}
"""


def _announced(case: str, lang: Language) -> str:
    return f"""
# {say("template-announced")[lang]}
# [[expected_failure]]
# case = "{case}"
# reason = "ticket 123"
# until = 2027-01-31
"""
