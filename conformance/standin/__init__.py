"""The stand-in: a gateway in memory that answers partners as strictly as a gateway does.

    bytes ─▶ server ─▶ contract (route) ─▶ tokens ─▶ gateway ─▶ parameters | upload ─▶ offers ─▶ receipts, feed

It imports ``schemas`` only: parameters, limits and scopes come from the OpenAPI document, verdicts from
``schemas.check``. ``tests/conformance/standin/test_same_answers.py`` compares its answers with those of the gateway.
"""
