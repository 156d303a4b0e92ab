"""Reads YAML so that every complaint names the file and the line; keys that are twice there or unknown are refused.

Values keep the text that was written: no number becomes a date, no ``no`` a boolean, unless it is asked for as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from actions.kit.errors import SettingsError, UsageError
from actions.kit.topology import Address
from bot.render.words import listed, nearest, plain, quoted

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(r"0|[1-9][0-9_]*")


@dataclass(frozen=True, slots=True)
class Field:
    """One value. ``label`` is the way to it, such as ``targets.orders.limits``."""

    node: yaml.Node
    path: Path
    label: str

    def wrong(self, why: str) -> SettingsError:
        """The error for this value: file, line, label, why."""
        return SettingsError(f"{self.path}:{self.node.start_mark.line + 1}: {self.label} {why}")

    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.wrong(f"has to be a text; it is {self._what()}.")
        if not self.node.value.strip():
            raise self.wrong("is empty.")
        if self.node.tag != "tag:yaml.org,2002:str":
            raise self.wrong(f"has to be a text; put {quoted(self.node.value)} in quotes.")
        return str(self.node.value)

    def matching(self, pattern: re.Pattern[str], what: str) -> str:
        """A text that ``pattern`` matches as a whole; ``what`` says in words how it has to look."""
        text = self.text()
        if not pattern.fullmatch(text):
            raise self.wrong(f"is {quoted(text)}; it has to be {what}.")
        return text

    def one_of(self, known: Sequence[str]) -> str:
        """One of these words."""
        text = self.text()
        if text not in known:
            raise self.wrong(f"is {quoted(text)}; it has to be {listed(known, 'or')}.{_did_you_mean(text, known)}")
        return text

    def whole(self, low: int, high: int) -> int:
        """A whole number within these bounds, both included."""
        is_number = isinstance(self.node, yaml.ScalarNode) and self.node.tag == "tag:yaml.org,2002:int"
        if not is_number or not _NUMBER.fullmatch(self.node.value):
            raise self.wrong(f"has to be a whole number from {low} to {high}; it is {self._what()}.")
        if not low <= (number := int(self.node.value)) <= high:
            raise self.wrong(f"is {number}; it has to be between {low} and {high}.")
        return number

    def flag(self) -> bool:
        """``true`` or ``false``."""
        if not self.is_flag:
            raise self.wrong(f"has to be true or false; it is {self._what()}.")
        return str(self.node.value).lower() in {"true", "yes", "on"}

    @property
    def is_flag(self) -> bool:
        """Whether ``true`` or ``false`` is written there."""
        return self.node.tag == "tag:yaml.org,2002:bool"

    def address(self, default_port: int) -> Address:
        """A ``host:port``; the port may be left out."""
        try:
            return Address.parse(self.text(), default_port)
        except UsageError as error:
            raise self.wrong(f"cannot be used: {plain(str(error), 200)}") from error

    def items(self) -> tuple[Field, ...]:
        """The members of a list that is not empty."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong(f"has to be a list; it is {self._what()}.")
        if not self.node.value:
            raise self.wrong("is an empty list.")
        return tuple(Field(node, self.path, f"{self.label}[{number}]") for number, node in enumerate(self.node.value))

    def named(self) -> tuple[tuple[Field, Field], ...]:
        """The keys and values of a mapping, in the order of the file; each key a text that is there once."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.wrong(f"has to be a mapping of keys to values; it is {self._what()}.")
        seen: dict[str, int] = {}
        for key, _ in self.node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Field(key, self.path, f"a key of {self.label}").wrong("has to be a text.")
            line = key.start_mark.line + 1
            if key.value in seen:
                label = f"{self.label}.{plain(key.value, 60)}".removeprefix(".")
                raise Field(key, self.path, label).wrong(f"is there already in line {seen[key.value]}; keep one.")
            seen[key.value] = line
        return tuple(self._named())

    def section(self, *known: str, instead: dict[str, str] | None = None) -> Section:
        """A mapping with fixed keys.

        Args:
            known: the keys there can be.
            instead: keys that people try, each with a sentence that says what to write instead.
        """
        fields = {}
        for key, value in self.named():
            name = str(key.node.value)
            if name not in known:
                hint = (instead or {}).get(name) or f"There are {listed(known)}.{_did_you_mean(name, known)}"
                raise key.wrong(f"is not a known key. {hint}")
            fields[name] = value
        return Section(self, fields)

    def _named(self) -> Iterator[tuple[Field, Field]]:
        for key, value in self.node.value:
            label = f"{self.label}.{plain(key.value, 60)}".removeprefix(".")
            yield Field(key, self.path, label), Field(value, self.path, label)

    def _what(self) -> str:
        if isinstance(self.node, yaml.ScalarNode):
            return quoted(self.node.value) if self.node.value else "empty"
        return "a list" if isinstance(self.node, yaml.SequenceNode) else "a mapping"


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping whose keys are known."""

    field: Field
    fields: dict[str, Field]

    def get(self, name: str) -> Field | None:
        """The value of a key, ``None`` where it is not there."""
        return self.fields.get(name)

    def need(self, name: str, why: str) -> Field:
        """The value of a key that has to be there; ``why`` says what it is for."""
        if name not in self.fields:
            raise self.field.wrong(f"has no {name}: {why}.")
        return self.fields[name]

    def text(self, name: str, default: str = "") -> str:
        """The text of a key, or the default where it is not there."""
        return self.fields[name].text() if name in self.fields else default


def read_yaml(path: Path) -> Field:
    """The one document in a YAML file.

    Raises:
        SettingsError: it cannot be read, is empty or is not YAML; names the file and the line.
    """
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {(error.strerror or 'unknown reason').lower()}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise SettingsError(f"{path}:{line}: this is not YAML: {plain(error.problem or '', 200)}.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {plain(str(error), 200)}.") from error
    if root is None:
        raise SettingsError(f"{path} is empty.")
    return Field(root, path, "")


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    near = nearest(word, known)
    return f" Did you mean {near}?" if near else ""
