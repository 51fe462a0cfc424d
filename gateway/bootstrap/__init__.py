"""The composition root: builds the gateway's concrete objects from settings.

gateway.py     one running gateway                          log.py      the event log, its topics, the key file
background.py  relay, inboxes, pulls, views, national site  parts.py    a federation, and its running parts
workers.py     the worker processes of a gateway            serving.py  the API and its sockets
forked.py      workers as forks of ``passerelle serve``     files.py    the SQLite files of a data folder
doctor.py      what a gateway can find wrong with itself    pages.py    the pages and what they need
views.py       the views of a gateway
national_plan.py  a child that computes what would be sent
page_work.py   a child that judges what visitors of the public pages send
connect_work.py  its work for the page that connects a platform
"""
