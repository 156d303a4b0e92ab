"""Decides which objects a label selector or a field selector means. No I/O here."""

import re
from collections.abc import Callable

from sandbox.kubernetes.api.errors import bad_request
from sandbox.kubernetes.api.resources import Json, Resource, labels_of

Matches = Callable[[Json], bool]

_BETWEEN_TERMS = re.compile(r",(?![^(]*\))")
_IN_SET = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")
_EQUALS = re.compile(r"^([^!=\s]+)\s*(==|!=|=)\s*([^!=\s]*)$")
_EXISTS = re.compile(r"^(!?)\s*([^!=\s,()]+)$")
_ALWAYS_FIELDS = ("metadata.name", "metadata.namespace")


def by_labels(selector: str) -> Matches:
    """As `labelSelector` of a request: equality, sets and existence; a bad one is refused with 400."""
    terms = [_label_term(term.strip()) for term in _BETWEEN_TERMS.split(selector) if term.strip()]
    return lambda thing: all(term(labels_of(thing)) for term in terms)


def by_selector(selector: Json) -> Matches:
    """As `spec.selector` of a workload: matchLabels and matchExpressions."""
    wanted = selector.get("matchLabels") or {}
    expressions = [_expression(expression) for expression in selector.get("matchExpressions") or ()]

    def matches(thing: Json) -> bool:
        labels = labels_of(thing)
        return wanted.items() <= labels.items() and all(expression(labels) for expression in expressions)

    return matches


def by_fields(selector: str, resource: Resource) -> Matches:
    """As `fieldSelector` of a request; a field that this resource cannot be selected by is refused with 400."""
    terms = [_field_term(term.strip(), selector, resource) for term in selector.split(",") if term.strip()]
    return lambda thing: all(term(thing) for term in terms)


def _label_term(term: str) -> Callable[[dict[str, str]], bool]:
    if found := _IN_SET.match(term):
        key, operator, listed = found.groups()
        values = {value.strip() for value in listed.split(",")}
        return lambda labels: (labels.get(key) in values) == (operator == "in")
    if found := _EQUALS.match(term):
        key, operator, value = found.groups()
        return lambda labels: (labels.get(key) == value) == (operator != "!=")
    if found := _EXISTS.match(term):
        absent, key = found.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise bad_request(f"unable to parse requirement: found '{term}', expected: a key, an operator and values")


def _expression(expression: Json) -> Callable[[dict[str, str]], bool]:
    key, values = expression["key"], set(expression.get("values") or ())
    match expression["operator"]:
        case "In":
            return lambda labels: labels.get(key) in values
        case "NotIn":
            return lambda labels: labels.get(key) not in values
        case "Exists":
            return lambda labels: key in labels
    return lambda labels: key not in labels


def _field_term(term: str, selector: str, resource: Resource) -> Matches:
    found = _EQUALS.match(term)
    if found is None:
        raise bad_request(f"invalid selector: '{selector}'; can't understand '{term}'")
    path, operator, value = found.groups()
    if path not in (*_ALWAYS_FIELDS, *resource.fields):
        what = f'"{resource.api_version}, Resource={resource.plural}"'
        raise bad_request(
            f'Unable to find {what} that match label selector "", field selector "{selector}": '
            f"field label not supported: {path}"
        )
    return lambda thing: (_field(thing, path) == value) == (operator != "!=")


def _field(thing: Json, path: str) -> str:
    if path == "source":
        path = "source.component"
    at: object = thing
    for name in path.split("."):
        at = at.get(name) if isinstance(at, dict) else None
    return "" if at is None else str(at)
