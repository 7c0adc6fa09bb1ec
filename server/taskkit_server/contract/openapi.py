"""The document of the API (OpenAPI 3.1), made of the routes and of what is noted on them.

It is built when it is asked for the first time; no request pays for it.
"""

from __future__ import annotations

import inspect
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, Response, current_app, request
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from werkzeug.routing import Rule

import taskkit
from taskkit.protocol import PROTOCOL_VERSION, wire
from taskkit.protocol.errors import (
    Forbidden,
    InvalidRequest,
    RequestError,
    TaskkitError,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)

from ..access.auth import NEEDED
from .negotiation import NotAcceptable
from .operations import (
    ETAG,
    IF_NONE_MATCH,
    UNCHANGED,
    Answer,
    Header,
    Operation,
    operation_of,
    promises,
)
from .shapes import TIMES, Problem
from .versions import VERSION, is_versioned

Json = dict[str, Any]

REFERENCE = "#/components/schemas/{model}"
TIME = {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]}

_AGAIN = Header(name="Retry-After", means="In how many seconds to come again.", is_count=True)

WITH_HEADER = {
    401: Header(name="WWW-Authenticate", means="How to say who asks: by a bearer token."),
    429: _AGAIN,
    503: _AGAIN,
    507: _AGAIN,
}
"""What the answers to some problems say beside the problem."""

PAGES = frozenset({"page", "static", "metrics"})
"""Blueprints that are for browsers and for Prometheus, and no part of the API."""

document_api = Blueprint("document", __name__)


@document_api.get("/openapi.json")
@promises(
    Answer(means="This document", body=dict[str, Any], headers=(ETAG,)),
    UNCHANGED,
    headers=(IF_NONE_MATCH,),
    is_for_all=True,
)
def get_document() -> Response:
    """Return the document that describes all of these routes."""
    # It is read at two addresses, and says where the routes are as seen from either.
    whole = {**document(current_app), "servers": [{"url": "." if is_versioned() else VERSION}]}
    response = Response(json.dumps(whole), content_type=wire.JSON)
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def document(app: Flask) -> Json:
    """Return the document of an application, but for where it is."""
    known = app.extensions.get("taskkit_document")
    if known is None:
        known = app.extensions["taskkit_document"] = _document(app)
    return dict(known)


def routes(app: Flask) -> Iterator[tuple[Rule, str, Operation | None]]:
    """Yield the routes of the API, each with its method and what it promises."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if rule.endpoint.partition(".")[0] in PAGES:
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method, operation_of(app.view_functions[rule.endpoint])


def path_of(rule: Rule) -> str:
    """Return a rule as OpenAPI writes it: ``/jobs/{id}``."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)


def _document(app: Flask) -> Json:
    schemas = _Schemas()
    paths: defaultdict[str, Json] = defaultdict(dict)
    for rule, method, promised in routes(app):
        if promised is not None:
            handler = app.view_functions[rule.endpoint]
            paths[path_of(rule)][method.lower()] = _operation(rule, handler, promised, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "taskkit",
            "version": taskkit.__version__,
            "summary": "CPU-heavy jobs from a notebook, or from anywhere, to workers and back",
            "license": {"name": "MIT", "identifier": "MIT"},
            "x-protocol": PROTOCOL_VERSION,
        },
        "paths": dict(paths),
        "components": {
            "schemas": schemas.all(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "A user's token."}
            },
        },
        "security": [{"token": []}],
    }


def _operation(rule: Rule, handler: object, promised: Operation, schemas: _Schemas) -> Json:
    summary, _, more = (inspect.getdoc(handler) or "").partition("\n")
    scope = NEEDED.get(rule.endpoint)
    needs = f"It needs the scope `{scope}`." if scope and not promised.is_for_all else ""
    described: Json = {
        "operationId": rule.endpoint.replace(".", "_"),
        "tags": [rule.rule.split("/")[1]],
        "summary": summary.rstrip("."),
        "description": "\n\n".join(filter(None, [more.strip(), needs])),
        "parameters": [*_parameters(rule, promised, schemas)],
        "responses": _responses(promised, schemas),
    }
    if promised.body is bytes:
        described["requestBody"] = {"content": {"application/octet-stream": {}}}
    elif promised.body is not None:
        content = {wire.JSON: {"schema": schemas.of(promised.body)}}
        described["requestBody"] = {"required": True, "content": content}
    if promised.is_for_all:
        described["security"] = []
    return described


def _parameters(rule: Rule, promised: Operation, schemas: _Schemas) -> Iterator[Json]:
    for name in sorted(rule.arguments):
        schema = {"type": "string", "pattern": promised.ids} if promised.ids else {"type": "string"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if promised.query is not None:
        for name, schema in promised.query.model_json_schema()["properties"].items():
            what = schema.pop("description", "")
            schema.pop("title", None)
            given = schemas.adopt(_without_null(schema), promised.query)
            yield {"name": name, "in": "query", "description": what, "schema": given}
    for header in promised.headers:
        yield {"in": "header", "name": header.name, **_header(header)}


def _header(header: Header) -> Json:
    schema: Json = {"type": "string"}
    if header.values:
        schema["enum"] = list(header.values)
    if header.pattern:
        schema["pattern"] = header.pattern
    if header.is_count:
        schema = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
    return {"description": header.means, "schema": schema}


def _without_null(schema: Json) -> Json:
    """Return the schema of a parameter, which is left out where it would be null or empty."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    if "default" in rest and rest["default"] in (None, "", []):
        del rest["default"]
    if len(kinds) == 1:
        return {**rest, **kinds[0]}
    return {**rest, "anyOf": kinds} if kinds else rest


def _responses(promised: Operation, schemas: _Schemas) -> Json:
    told: Json = {}
    for answer in promised.answers:
        told[str(answer.status)] = _answer(answer, schemas)
    of_all: list[type[TaskkitError]] = [RequestError, NotAcceptable, Unavailable]
    if promised.query is not None:
        of_all.append(InvalidRequest)
    if not promised.is_for_all:
        of_all += [Unauthorized, Forbidden, TooManyRequests]
    by_status: defaultdict[int, set[str]] = defaultdict(set)
    means: dict[int, list[str]] = defaultdict(list)
    for problem in dict.fromkeys([*promised.problems, *of_all]):
        by_status[problem.status].add(problem.code)
        means[problem.status].append((problem.__doc__ or "").split("\n", 1)[0])
    for status, codes in sorted(by_status.items()):
        kind = {"allOf": [schemas.of(Problem), {"properties": {"code": {"enum": sorted(codes)}}}]}
        told[str(status)] = {
            "description": " Or: ".join(means[status]),
            "content": {wire.PROBLEM: {"schema": kind}},
        }
        if status in WITH_HEADER:
            header = WITH_HEADER[status]
            told[str(status)]["headers"] = {header.name: _header(header)}
    return told


def _answer(answer: Answer, schemas: _Schemas) -> Json:
    told: Json = {"description": answer.means}
    if answer.media_types:
        body = {} if answer.body is None else {"schema": schemas.of(answer.body)}
        told["content"] = dict.fromkeys(answer.media_types, body)
    if answer.headers:
        told["headers"] = {header.name: _header(header) for header in answer.headers}
    if answer.leads_to_job:
        told["links"] = {
            f"jobs_{what}": {
                "operationId": f"jobs_{what}",
                "parameters": {"id": "$response.body#/id"},
            }
            for what in ("get_job", "get_result", "cancel", "retry")
        }
    return told


class _Schemas:
    """Schemas of types, each under its name and once."""

    def __init__(self) -> None:
        self._known: Json = {}

    def of(self, kind: Any) -> Json:
        """Return the schema of a type, with references to those of its parts."""
        schema = TypeAdapter(kind).json_schema(
            ref_template=REFERENCE, schema_generator=_Generator, mode="validation"
        )
        self._keep(schema.pop("$defs", {}))
        title = schema.get("title")
        if title is None or "properties" not in schema:
            return schema
        self._keep({title: schema})
        return {"$ref": REFERENCE.format(model=title)}

    def adopt(self, schema: Json, model: type[Any]) -> Json:
        """Return the schema of a model's field, with what it refers to kept here."""
        whole = TypeAdapter(model).json_schema(ref_template=REFERENCE)
        self._keep(whole.get("$defs", {}))
        text = json.dumps(schema).replace("#/$defs/", REFERENCE.format(model=""))
        adopted: Json = json.loads(text)
        return adopted

    def all(self) -> Json:
        """Return them by name."""
        return dict(sorted(self._known.items()))

    def _keep(self, definitions: Json) -> None:
        for name, schema in definitions.items():
            for field in TIMES.get(name, ()):
                schema["properties"][field] = TIME
            schema.pop("default", None)
            self._known[name] = schema


class _Generator(GenerateJsonSchema):
    """Leaves out what a reader can see: titles of fields, and defaults of what is answered."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        """Return whether a field gets its name as a title, too."""
        return False
