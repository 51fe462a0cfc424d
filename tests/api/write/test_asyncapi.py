"""The AsyncAPI document: its examples follow the schemas and are accepted and written by the gateway."""

from datetime import date
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

import schemas
from gateway.ingest.inbox_message import judge_message
from gateway.protocol.record import SCHEMA_URI, SOURCE, TYPE_PUBLISHED, TYPE_WITHDRAWN, StoredRecord, event_headers
from gateway.protocol.topic import feed, full_name, inbox
from schemas.contract import asyncapi_document

DOCUMENT = asyncapi_document()
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]
ON = date(2026, 12, 1)


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    whole = {"components": DOCUMENT["components"], **schema}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


@pytest.mark.parametrize("name", MESSAGES)
def test_every_message_has_an_example_and_the_schemas_allow_it(name: str) -> None:
    message = MESSAGES[name]

    assert message["examples"]
    for example in message["examples"]:
        assert [] == faults(message["headers"], example["headers"])
        assert [] == faults(message["payload"], example["payload"])


@pytest.mark.parametrize("name", ["InboxPublished", "InboxWithdrawn"])
def test_the_gateway_accepts_the_examples_of_an_inbox(name: str) -> None:
    """PUB-031"""
    for example in MESSAGES[name]["examples"]:
        headers = tuple((key, value.encode()) for key, value in example["headers"].items())
        record = StoredRecord(0, 0, example["payload"]["id"].encode(), orjson.dumps(example["payload"]), headers)

        verdict = judge_message(record, platform="bretagne", may_publish=True, on=ON)

        assert isinstance(verdict, schemas.Verdict)
        assert verdict.accepted


@pytest.mark.parametrize(("name", "published"), [("FeedUpsert", True), ("FeedRemoval", False)])
def test_the_headers_of_a_feed_are_those_that_the_gateway_writes(name: str, *, published: bool) -> None:
    """RTE-010"""
    for example in MESSAGES[name]["examples"]:
        message_headers = example["headers"]
        reason = message_headers.get("ce_reason")
        written = event_headers(
            message_headers["ce_subject"],
            int(message_headers["ce_sequence"]),
            at=int(message_headers["ce_sequence"]),
            published=published,
            reason=reason,
        )

        assert message_headers == {key: value.decode() for key, value in written}


def test_names_are_those_of_the_protocol() -> None:
    channels = DOCUMENT["channels"]
    constants = DOCUMENT["components"]["schemas"]["ChangeHeaders"]["properties"]

    assert full_name("stages", inbox("{platform}").name) == channels["inbox"]["address"]
    assert full_name("stages", feed("{platform}").name) == channels["feed"]["address"]
    assert [TYPE_PUBLISHED, TYPE_WITHDRAWN] == constants["ce_type"]["x-extensible-enum"]
    assert f"Always `{SOURCE}`." == constants["ce_source"]["description"]
    assert f"Always `{SCHEMA_URI}`." == constants["ce_dataschema"]["description"]


def test_every_reference_leads_somewhere() -> None:
    missing = []

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, dict):
            if isinstance(reference := value.get("$ref"), str):
                node: Any = DOCUMENT
                for part in reference.removeprefix("#/").split("/"):
                    node = node.get(part) if isinstance(node, dict) else None
                if node is None:
                    missing.append(reference)
            for item in value.values():
                walk(item)

    walk(DOCUMENT)
    assert [] == missing
