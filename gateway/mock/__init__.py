"""The mock: the true API and relay on a log in memory, in one process, for partners' tests.

core.py    federation, relay, views and API             log.py       the log in memory, watched
host.py    a core behind a front, as mock and kit have one
front.py   what partners connect to, before the core    accounts.py  a token for any client id and secret
faults.py  faults by header or scenario                 seeds.py     offers of another platform, to read
mock.py    all of it, as ``passerelle mock`` runs it    requests.py  the last requests, without secrets

Nothing of a gateway reaches this room: a mock signs nothing that a gateway accepts, and says so in each answer.
"""
