"""Reads and writes AWS's Query protocol as botocore's own service model describes it. No I/O here.

A request is a form, lists are numbered (`Names.Name.1`); an answer is XML. An answer that the model does not know is a
mistake of ours and raises ValueError or KeyError.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

from botocore.loaders import Loader
from botocore.model import ServiceModel

MODEL = ServiceModel(Loader().load_service_model("elasticache", "service-2"), "elasticache")
NAMESPACE = MODEL.metadata["xmlNamespace"]
_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "double": float,
    "timestamp": datetime,
}


class UnreadableError(ValueError):
    """A request that does not fit the model; the message names the parameter."""


def read(action: str, form: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a request in Python's types; UnreadableError where one is unknown or has another type."""
    left = {name: value for name, value in form.items() if name not in {"Action", "Version"}}
    shape = MODEL.operation_model(action).input_shape
    parameters = {} if shape is None else _read_structure(shape, "", left)
    if left:
        raise UnreadableError(f"{min(left)} is not a parameter of {action}.")
    return parameters


def missing(action: str, parameters: Mapping[str, Any]) -> list[str]:
    """The names of required parameters that are not there."""
    shape = MODEL.operation_model(action).input_shape
    return [] if shape is None else [name for name in shape.required_members if name not in parameters]


def write(action: str, result: Mapping[str, Any], request_id: str) -> bytes:
    """The XML of an answer."""
    shape = MODEL.operation_model(action).output_shape
    root = ET.Element(f"{action}Response", xmlns=NAMESPACE)
    _write_members(ET.SubElement(root, shape.serialization["resultWrapper"]), result, shape)
    ET.SubElement(ET.SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
    return _document(root)


def write_error(code: str, message: str, request_id: str, *, sender: bool) -> bytes:
    """The XML of an error."""
    root = ET.Element("ErrorResponse", xmlns=NAMESPACE)
    error = ET.SubElement(root, "Error")
    for name, text in (("Type", "Sender" if sender else "Receiver"), ("Code", code), ("Message", message)):
        ET.SubElement(error, name).text = text
    ET.SubElement(root, "RequestId").text = request_id
    return _document(root)


def _document(root: ET.Element) -> bytes:
    document: bytes = ET.tostring(root, "utf-8", xml_declaration=True)
    return document


def _read_structure(shape: Any, prefix: str, left: dict[str, str]) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        key = prefix + member.serialization.get("name", name)
        match member.type_name:
            case "structure":
                value: Any = _read_structure(member, f"{key}.", left) or None
            case "list":
                value = _read_list(member, key, left)
            case _:
                value = _scalar(member, key, left.pop(key)) if key in left else None
        if value is not None:
            found[name] = value
    return found


def _read_list(shape: Any, key: str, left: dict[str, str]) -> list[Any] | None:
    if left.get(key) == "":
        # This is how an empty list is said.
        del left[key]
        return []
    items = f"{key}.{shape.member.serialization.get('name', 'member')}."
    numbers = {int(name[len(items) :].partition(".")[0]) for name in left if re.match(rf"{re.escape(items)}\d", name)}
    if shape.member.type_name == "structure":
        return [_read_structure(shape.member, f"{items}{number}.", left) for number in sorted(numbers)] or None
    return [
        _scalar(shape.member, f"{items}{number}", left.pop(f"{items}{number}")) for number in sorted(numbers)
    ] or None


def _scalar(shape: Any, key: str, text: str) -> Any:
    try:
        match shape.type_name:
            case "boolean":
                return {"true": True, "false": False}[text]
            case "integer":
                return int(text)
            case "double":
                return float(text)
            case "timestamp":
                return datetime.fromisoformat(text).astimezone(UTC)
    except (KeyError, ValueError):
        raise UnreadableError(f"{text!r} is not a valid {shape.type_name} for {key}.") from None
    if getattr(shape, "enum", None) and text not in shape.enum:
        raise UnreadableError(f"{text!r} is not one of {', '.join(shape.enum)} for {key}.")
    return text


def _write_members(parent: ET.Element, values: Mapping[str, Any], shape: Any) -> None:
    for name, value in values.items():
        if value is not None:
            _write(parent, shape.members[name].serialization.get("name", name), value, shape.members[name])


def _write(parent: ET.Element, name: str, value: Any, shape: Any) -> None:
    element = ET.SubElement(parent, name)
    if shape.type_name == "structure":
        _write_members(element, value, shape)
    elif shape.type_name == "list":
        for item in value:
            _write(element, shape.member.serialization.get("name", "member"), item, shape.member)
    else:
        element.text = _text(name, value, shape)


def _text(name: str, value: Any, shape: Any) -> str:
    if not isinstance(value, _TYPES[shape.type_name]) or (shape.type_name == "integer" and isinstance(value, bool)):
        raise ValueError(f"{name} is a {shape.type_name} in the service model, but has the value {value!r}.")
    if getattr(shape, "enum", None) and value not in shape.enum:
        raise ValueError(f"{value!r} is not one of the values that the service model has for {name}.")
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return str(value).lower() if isinstance(value, bool) else str(value)
