"""Templates of ``conformance.toml``, one per role, to be filled in by the partner."""

from collections.abc import Mapping

from conformance.model.case import Role

_ACCOUNT = """
[accounts.{name}]             # {what}
platform = "{platform}"
client_id = "{platform}"
secret_env = "KIT_{upper}_SECRET"   # the variable of the environment that holds the secret
"""


def _account(name: str, platform: str, what: str) -> str:
    return _ACCOUNT.format(name=name, platform=platform, what=what, upper=name.upper())


def _announced(case: str) -> str:
    return f"""
# A failure that you know of and are about to mend. It fails again after that day, and when the case passes.
# [[expected_failure]]
# case = "{case}"
# reason = "ticket 123"
# until = 2027-01-31
"""


TEMPLATES: Mapping[Role, str] = {
    "gateway": 'role = "gateway"\ntarget = "https://gateway.example.org"\n'
    'profile = "full"                 # "core" where you do without something\n'
    + _account("publisher", "essai-a", "may publish and read; its offers are the kit's to withdraw")
    + _account("neighbour", "essai-b", "a second one, likewise; snapshots withdraw all its offers")
    + _account("subscriber", "essai-c", "may read only")
    + 'host = "stages.essai-c.example.fr"   # a host that the gateway knows as this platform\'s (loop guard)\n'
    + _account("operator", "operateur", "may moderate")
    + _account("national", "national", "reads as the national site")
    + '\n[hooks]\n# restart = "systemctl restart passerelle"   # ends and starts the gateway, for the crash cases\n'
    + "\n[features]                      # write false for what you do without: that is tested too\n"
    + "restart = false\n"
    + _announced("feed/left-the-filter"),
    "publisher": """role = "publisher"

[partner]
listen = "127.0.0.1:8090"       # where the kit plays the gateway; point your platform there
# control = "http://127.0.0.1:9000"   # your test interface, if you have one (docs/conformance/publisher.md)
"""
    + _account("publisher", "bretagne", "who your platform is to the kit; the secret is yours to choose")
    + """
[features]                      # write false for what you do without
# withdrawals = true
# order = true                  # false: you have no test interface, the kit observes
"""
    + _announced("publisher/too-many"),
    "subscriber": """role = "subscriber"

[partner]
listen = "127.0.0.1:8090"       # where the kit serves the feed; point your platform there
control = "http://127.0.0.1:9000"   # your test interface (docs/conformance/subscriber.md)
"""
    + _account("subscriber", "grand-est", "who your platform is to the kit; the secret is yours to choose")
    + _announced("subscriber/resync"),
    "national": 'role = "national"\ntarget = "https://staging.example.org/api/v2"\n'
    """
[accounts.national]
platform = "national"
client_id = "essai@example.org"     # the e-mail address of the test account
secret_env = "KIT_NATIONAL_SECRET"  # the variable of the environment that holds its password
""",
}
