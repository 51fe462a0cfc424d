"""A sound document of every schema but the offer's."""

from typing import Any

import schemas
from adapters.profile.profile import profiles
from schemas.masking import in_public
from tests.schemas.documents import WHOLE

CERTIFICATE: dict[str, Any] = {
    "iss": "https://passerelle.example",
    "sub": "bretagne",
    "jti": "0123456789abcdef" * 2,
    "iat": 1_796_000_000,
    "exp": 1_827_536_000,
    "role": "publisher",
    "profile": "full",
    "versions": {"kit": "0.1.0", "protocol": "1", "schema": "1.0", "rules": "2026.11"},
    "evidence": f"sha256:{'0f' * 32}",
}
REPORT: dict[str, Any] = {
    "role": "publisher",
    "target": "https://stages.example",
    "profile": "full",
    "versions": CERTIFICATE["versions"],
    "seed": "ab12",
    "began": "2026-11-24T08:00:00.000Z",
    "milliseconds": 1_200,
    "conforms": False,
    "totals": {"pass": 1, "fail": 1},
    "announced": 0,
    "results": [
        {
            "case": "publisher/one",
            "requirements": ["OFR-001"],
            "title": {"fr": "x", "en": "x"},
            "outcome": "fail",
            "milliseconds": 7,
            "mend": {"fr": "x", "en": "x"},
            "findings": [{"place": "/id", "expected": "1", "actual": "2"}],
            "exchanges": [
                {
                    "method": "GET",
                    "url": "https://stages.example/",
                    "headers": {"Accept": "application/json"},
                    "body": "",
                    "status": 200,
                    "answer_headers": {},
                    "answer": "{}",
                    "milliseconds": 3,
                }
            ],
        }
    ],
}
SOUND_OTHERS: dict[str, dict[str, Any]] = {
    "withdrawal": {"id": "bretagne:1", "revision": 2, "withdrawn": "filled"},
    "submission": WHOLE,
    "receipt": {
        "receipt": "rAAAAABBBBBCCCCCDDDDDEEEEE",
        "id": "bretagne:1",
        "publisher": "bretagne",
        "verdict": "accepted",
        "revision": 2,
        "sequence": 1,
        "created": True,
        "digest": "0" * 64,
        "position": "submissions/0/17",
        "at": "2026-11-24T08:00:00.000Z",
        "schema_version": "1.0",
        "rules_version": "2026.11",
        "problems": [schemas.problem("personal-data", pointer="/title").to_json()],
        "current": {"revision": 1, "sequence": 1},
    },
    "public-offer": {**in_public(WHOLE), "platform": "bretagne", "department": "35"},
    "partner": {
        "platform": "bretagne",
        "name": "IDÉO",
        "scopes": ["offers:publish", "offers:read"],
        "territory": ["22", "2A", "971"],
        "national_delivery": "self",
        "inbox": True,
        "feed": False,
        "hosts": ["stages.ideo.bretagne.bzh"],
        "secrets": [{"hash": "x", "created_at": 1, "ends_at": None}],
        "jwks": None,
        "issuer": "https://id.example",
        "certificates": [{"statement": CERTIFICATE, "signed": "aaa.bbb.ccc"}],
        "nonces": [{"text": "nonce-of-a-specimen", "issued_at": 1, "expires_at": 2, "used_at": 1}],
        "joined_at": 1,
        "revoked": False,
    },
    "change": {
        "op": "upsert",
        "id": "bretagne:1",
        "sequence": 3,
        "offer": WHOLE,
        "territory": {"department": "29", "region": "53", "academie": "rennes"},
        "provenance": ["bretagne"],
    },
    "changes-page": {
        "changes": [{"op": "removal", "id": "bretagne:1", "sequence": 3, "reason": "out-of-scope"}],
        "cursor": "x",
        "fresh": "2026-11-24T08:00:00Z",
        "more": False,
    },
    "batch-result": {
        "items": 1,
        "results": [{"index": 0, "id": "bretagne:1", "status": "queued", "receipt": "rAAAAABBBBBCCCCCDDDDDEEEEE"}],
        "statuses": "q",
        "rules": {},
        "warnings": {},
        "batch": "bAAAAAAAAAAAAAAAA",
        "receipts": "/v1/receipts?batch=bAAAAAAAAAAAAAAAA",
    },
    "problem": {
        "type": "/problems/personal-data",
        "title": "x",
        "status": 422,
        "problems": [schemas.localized(schemas.problem("personal-data", pointer="/title").to_json(), "fr")],
    },
    "case": {
        "topic": {"fr": "x", "en": "x"},
        "roles": ["gateway", "publisher"],
        "on": "2026-11-24",
        "cases": [
            {
                "name": "x",
                "requirements": ["OFR-001", "SEC-001"],
                "title": {"fr": "x", "en": "x"},
                "put": {"/couleur": "bleu"},
                "drop": ["/title"],
                "expected": {"accepted": False, "problems": [{"code": "field-missing", "pointer": "/id"}]},
            },
            {
                "name": "y",
                "requirements": ["PUB-001"],
                "title": {"fr": "y", "en": "y"},
                "steps": [
                    {
                        "call": "PUT /v1/offers/${id.a}",
                        "offer": {"is": "a", "put": {"/seats": 2}},
                        "expect": {"status": [200, 201], "body": {"verdict": {"$in": ["accepted", "duplicate"]}}},
                    },
                    {"follow": "subscriber", "expect": {"holds": ["${id.a}"], "once": []}},
                ],
            },
        ],
    },
    "certificate": CERTIFICATE,
    "conformance-report": REPORT,
    "conformance-evidence": {
        "evidence": "urn:fr:stages:conformance-evidence:2",
        "platform": "bretagne",
        "role": "publisher",
        "profile": "full",
        "nonce": "nonce-of-a-specimen",
        "off": ["withdrawals"],
        "used": [],
        "conforms": False,
        "cases": ["publisher/creates"],
        "report": REPORT,
        "digest": f"sha256:{'2b' * 32}",
    },
    "delivery": {
        "id": "bretagne:1",
        "sequence": 3,
        "parts": [
            {
                "group": "lycee",
                "generation": 1,
                "account": "a",
                "state": "pending",
                "since": "2026-11-24T08:00:00.000Z",
            }
        ],
    },
    "mapping": {
        "source": {"items": "a/b"},
        "id": {"path": "@id"},
        "fields": {
            "levels": {"constant": ["seconde"]},
            "weeks": {"join": {"parts": [{"path": "du"}, {"path": "au"}], "with": " - "}},
        },
    },
    "profile": dict(profiles()["bretagne"].document),
}
