"""The HTTP contract (OpenAPI) and the contract of the topics (AsyncAPI), each as one self-contained document.

``openapi.yaml`` and ``asyncapi.yaml`` reference the packaged JSON Schemas by URN, which no tool for these formats
resolves. Here each schema that they reach, and each definition, becomes a component of its own name in the form that
client generators read: no nested definitions, ``oneOf`` in place of ``if``, plain string constraints in place of
``allOf``. That is the precise form, which tests hold requests and answers to; partners get the form for client
generators (``schemas.client_form``).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from http import HTTPStatus
from typing import Any

import yaml

from schemas.bundle import FRENCH
from schemas.client_form import client_form
from schemas.closed_list import closed_list
from schemas.derived import HARMLESS
from schemas.packaged import read_bytes, read_json
from schemas.registry import schema, schema_names

_NAMES: Mapping[tuple[str, str], str] = {
    ("batch-result", "counts"): "CountsByCode",
    ("batch-result", "item"): "BatchItem",
    ("batch-result", "omitted"): "OmittedItems",
    ("change", "employer"): "SubscriberEmployer",
    ("change", "day_hours"): "SubscriberDayHours",
    ("change", "location"): "SubscriberLocation",
    ("change", "offer"): "SubscriberOffer",
    ("change", "reason"): "RemovalReason",
    ("change", "schedule"): "SubscriberSchedule",
    ("delivery", "refusal"): "StoredNationalRefusal",
    ("delivery", "told_refusal"): "NationalRefusal",
    ("problem", ""): "ProblemDocument",
    ("problem", "shown"): "ShownValue",
    ("problem", "texts"): "BilingualText",
    ("receipt", "part"): "DeliveryPart",
}
"""Component of a packaged schema and one of its definitions, where the definition's own name is ambiguous."""
_BRANCHES: Mapping[str, tuple[str, str]] = {
    "change": ("Upsert", "Removal"),
    "receipt": ("PendingReceipt", "DecidedReceipt"),
}
"""Components of the two branches of a schema whose condition is one constant member."""
_PROBLEMS = "urn:fr:stages:schema:problem:1"
_UNANSWERED = ("#/$defs/refusal", f"{_PROBLEMS}#/$defs/stored_problem")
"""Descriptions of what the log alone holds: texts in both languages."""
_LIST = "closed-list:"
"""Before the name of a closed list in a reference to its values."""
_MILLISECONDS = {"description": "Milliseconds since 1970.", "type": "integer", "minimum": 0}
"""No answer has a time in this form."""
_DROPPED = frozenset({"$id", "$schema", "$defs", "title", "x-version"})
_PROBLEM = "application/problem+json"
_BY_STATUS = ("Problem", "BatchProblem")
"""Shared responses of several statuses."""
_ASTRAL = re.compile("[\U00010000-\U0010ffff]-[\U00010000-\U0010ffff]")
"""Ranges that JavaScript refuses in a pattern without its flag ``u``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """A deprecated operation, or one of its parameters (EVO-007): ``since`` a day, gone from ``sunset`` on; ``page`` is
    about it. Days begin in Paris.
    """

    method: str
    path: str
    parameter: str | None = None
    since: date
    sunset: date
    page: str


def deprecations() -> Sequence[Deprecation]:
    """Those of the HTTP API, from ``deprecations.json``: members as above, days in ISO form."""
    return [
        Deprecation(**{**one, **{name: date.fromisoformat(one[name]) for name in ("since", "sunset")}})
        for one in read_json("deprecations.json")
    ]


def mark_deprecations(document: Mapping[str, Any], declared: Iterable[Deprecation]) -> None:
    """Mark deprecated operations and parameters in an OpenAPI document. Raises KeyError where it has no such one."""
    for one in declared:
        operation = document["paths"][one.path][one.method]
        if one.parameter is None:
            operation["deprecated"] = True
            continue
        parameters = operation["parameters"]
        names = [_named(parameter, document).get("name") for parameter in parameters]
        if one.parameter not in names:
            raise KeyError(one.parameter)
        at = names.index(one.parameter)
        parameters[at] = {**_named(parameters[at], document), "deprecated": True}


def _named(parameter: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    shared: Mapping[str, Any] = document["components"]["parameters"][name] if name else parameter
    return shared


@cache
def openapi_document() -> dict[str, Any]:
    """``schemas/openapi.yaml`` for partners. Cached: do not modify.

    Scopes are in ``x-scopes``: linters allow them in ``security`` with OAuth 2 alone, for which generators write
    clients that ask for tokens in ways of their own.
    """
    document = client_form(precise_openapi(), keys={"schema"}, answers={"responses", "headers"})
    for operation in _operations(document):
        scopes = [scope for rule in operation["security"] for scope in rule.get("bearer", ())]
        if scopes:
            operation |= {"security": [{"bearer": []}], "x-scopes": scopes}
    return document


@cache
def precise_openapi() -> dict[str, Any]:
    """``schemas/openapi.yaml`` with its schemas, as precise as OpenAPI is. Cached: do not modify."""
    document = _bundle("openapi.yaml")
    mark_deprecations(document, deprecations())
    _name_codes(_operations(document), document["components"]["responses"])
    return document


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from (operation for method, operation in item.items() if method != "parameters")


@cache
def asyncapi_document() -> dict[str, Any]:
    """``schemas/asyncapi.yaml`` for partners. Cached: do not modify."""
    sent = {"FeedUpsert", "FeedRemoval"}
    return client_form(_bundle("asyncapi.yaml"), keys={"payload", "headers", "key"}, answers=sent)


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where PyYAML has it: eight times as fast."""


def _bundle(name: str) -> dict[str, Any]:
    bundle = _Bundle()
    document: dict[str, Any] = bundle.part(_LOADER(read_bytes(name)).get_single_data(), home=None)
    own: dict[str, Any] = document["components"].get("schemas", {})
    if clash := own.keys() & bundle.components.keys():
        raise ValueError(f"{name}: two schemas of one name: {sorted(clash)}")
    document["components"]["schemas"] = dict(sorted({**own, **bundle.components}.items()))
    return document


def _name_codes(operations: Iterable[dict[str, Any]], shared: dict[str, Any]) -> None:
    """List the problem codes of each status in its responses: a shared response is copied once for each status."""
    bases = dict(shared)
    for operation in operations:
        for status, response in operation["responses"].items():
            base = response.get("$ref", "").rpartition("/")[2]
            body = bases[base] if base else response
            if int(status) not in _codes() or _PROBLEM not in body.get("content", {}):
                continue
            listed = {**body, "description": f"{body['description'].strip()}\n\n{_codes()[int(status)]}"}
            if base:
                name = f"{base}{status}" if base in _BY_STATUS else base
                shared[name] = listed
                listed = {"$ref": f"#/components/responses/{name}"}
            operation["responses"][status] = listed
    for base in _BY_STATUS:
        del shared[base]


@cache
def _codes() -> Mapping[int, str]:
    """Status → its problem codes as a list in Markdown, French and English."""
    lists: dict[int, list[str]] = {}
    for code, entry in read_json("catalogue", "http.json").items():
        if "status" in entry:
            text = f"- `{code}`: {entry['message']['fr']} / {entry['message']['en']}"
            lists.setdefault(entry["status"], []).append(text)
    return {
        status: f"Codes ({HTTPStatus(status).phrase}):\n\n" + "\n".join(sorted(lines))
        for status, lines in lists.items()
    }


class _Bundle:
    """The components that a document reaches, each built when a reference to it is first met."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}
        self._files = {schema(name)["$id"]: name for name in schema_names()}

    def part(self, value: Any, *, home: str | None) -> Any:
        """A copy of a part of the document (``home`` None) or of a packaged schema, its references resolved."""
        if isinstance(value, list):
            return [self.part(item, home=home) for item in value if _is_answered(item)]
        if not isinstance(value, Mapping):
            return value
        copy: dict[str, Any] = {}
        for key, member in value.items():
            if key == "properties" and home is not None:
                copy[key] = {name: {} if one is True else self.part(one, home=home) for name, one in member.items()}
            elif key == "pattern" and isinstance(member, str):
                copy[key] = _ASTRAL.sub("", member)
            elif key == "const" and isinstance(member, bool):
                copy["type"] = "boolean"  # openapi-python-client writes no valid code for a boolean constant
            elif key not in {"$ref", FRENCH, HARMLESS}:
                copy[key] = self.part(member, home=home)
        if FRENCH in value:
            key = "summary" if "summary" in value else "description"
            copy[key] = f"{value[FRENCH]} / {value[key]}"
        whole = self._with_target(copy, value.get("$ref"), home)
        return _plain_string(whole) if "allOf" in whole and whole.get("type") == "string" else whole

    def _with_target(self, own: dict[str, Any], reference: object, home: str | None) -> Any:
        """A part with what it references, which may be the values of a list."""
        if not isinstance(reference, str):
            return own
        target = self._referenced(reference, home)
        return target if isinstance(target, list) else {**target, **own}

    def _referenced(self, reference: str, home: str | None) -> Any:
        """A reference to the component, or the target itself where it is no type but a fragment of one."""
        if reference.startswith(_LIST):
            return list(closed_list(reference.removeprefix(_LIST)))
        base, _, pointer = reference.partition("#")
        file = self._files[base] if base else home
        if file is None:
            return {"$ref": reference}
        target: Any = schema(file)
        steps = pointer.split("/")[1:]
        for step in steps:
            target = target[step]
        definition = steps[1] if len(steps) == 2 and steps[0] == "$defs" else ""
        if pointer and not (definition and "type" in target):
            return self.part(target, home=file)
        return self._component(file, definition, target)

    def _component(self, file: str, definition: str, body: Mapping[str, Any]) -> dict[str, Any]:
        name = _NAMES.get((file, definition)) or _pascal(definition or file)
        if name not in self.components:
            self.components[name] = {}  # a recursive schema ends here
            own = {key: member for key, member in body.items() if key not in _DROPPED}
            if "if" in own:
                self.components[name] = self._alternatives(file, own)
            else:
                self.components[name] = self.part(own, home=file)
        return {"$ref": f"#/components/schemas/{name}"}

    def _alternatives(self, file: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """``oneOf`` in place of a condition, with a discriminator where the condition is one constant member."""
        constants = body["if"].get("properties")
        if constants is None:
            choices = [self.part(body[branch], home=file) for branch in ("then", "else")]
            return {"description": body["description"], "oneOf": choices}
        ((tag, condition),) = constants.items()
        rest = [value for value in body["properties"][tag]["enum"] if value != condition["const"]]
        mapping: dict[str, str] = {}
        branches = ((_BRANCHES[file][0], "then", [condition["const"]]), (_BRANCHES[file][1], "else", rest))
        for name, branch, values in branches:
            raw = body.get(branch, {})
            if "$ref" in raw:
                raw = schema(file)["$defs"][raw["$ref"].rpartition("/")[2]]
            members = {key: member for key, member in raw.get("properties", {}).items() if member is not True}
            self.components[name] = self.part(
                {
                    "type": "object",
                    "required": list(dict.fromkeys([*body["required"], *raw.get("required", ())])),
                    "properties": {**body["properties"], tag: _one_of(values), **members},
                },
                home=file,
            )
            mapping |= dict.fromkeys(values, f"#/components/schemas/{name}")
        return {
            "description": body["description"],
            "oneOf": [{"$ref": reference} for reference in dict.fromkeys(mapping.values())],
            "discriminator": {"propertyName": tag, "mapping": mapping},
        }


def _one_of(values: list[str]) -> dict[str, Any]:
    return {"type": "string", "enum": values}


def _is_answered(choice: Any) -> bool:
    """Whether the gateway answers with this choice."""
    return not isinstance(choice, Mapping) or (choice.get("$ref") not in _UNANSWERED and choice != _MILLISECONDS)


def _plain_string(body: Mapping[str, Any]) -> dict[str, Any]:
    """A string whose ``allOf`` is merged into it: one pattern, and one ``not`` for all that must not occur."""
    plain = {key: member for key, member in body.items() if key not in {"allOf", "not"}}
    refused = list(_refusals(body))
    for one in body["allOf"]:
        refused += _refusals(one)
        plain |= {key: member for key, member in one.items() if key == "pattern"}
    return {**plain, "not": refused[0] if len(refused) == 1 else {"anyOf": refused}}


def _refusals(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "not" in body:
        yield {key: member for key, member in body["not"].items() if key != "description"}


def _pascal(name: str) -> str:
    return "".join(word[0].upper() + word[1:] for word in name.replace("_", "-").split("-"))
