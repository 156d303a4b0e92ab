"""Modals and home tabs: what Slack keeps of a view, its state, and what a person's input turns into. No I/O here."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.messages import Json, elements_of, plain_lines

# What each kind of input element reports in `state.values`, and the key in which it starts out.
_STATE_KEYS = {
    "plain_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "checkboxes": ("selected_options", "initial_options"),
    "multi_static_select": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "channels_select": ("selected_channel", "initial_channel"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
}


@dataclass(frozen=True)
class View:
    """A copy of a modal or home tab as one person saw it; `errors` is by block id."""

    id: str
    hash: str
    user: str
    type: str
    callback_id: str
    title: str
    private_metadata: str
    blocks: tuple[Json, ...]
    errors: Mapping[str, str]

    def plain(self) -> str:
        """Return the readable text of the whole view."""
        return "\n".join(line for line in (self.title, *plain_lines(self.blocks)) if line)


@dataclass
class OpenView:
    """A view in the store: the JSON that the app sent, and what Slack adds."""

    id: str
    hash: str
    user: str
    body: Json
    root_id: str
    previous_id: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    trouble: str = ""
    state: dict[str, dict[str, Json]] = field(default_factory=dict)

    @property
    def blocks(self) -> list[Json]:
        """The blocks of the view, as the app sent them."""
        return list(self.body["blocks"])

    def frozen(self) -> View:
        """Return a copy that stays as it is now."""
        title = self.body.get("title", {}).get("text", "")
        return View(
            id=self.id,
            hash=self.hash,
            user=self.user,
            type=self.body["type"],
            callback_id=self.body.get("callback_id", ""),
            title=title,
            private_metadata=self.body.get("private_metadata", ""),
            blocks=tuple(copy.deepcopy(self.blocks)),
            errors=dict(self.errors),
        )


def filled_state(blocks: list[Json], given: Mapping[str, Any]) -> dict[str, dict[str, Json]]:
    """Return `state.values` for what a person entered, keyed by "block_id.action_id".

    Raises AssertionError as a person would be stopped: an unknown input, an unknown option, a required input left
    out, a text that is too long.
    """
    left, values = dict(given), dict[str, dict[str, Json]]()
    for block, element in elements_of(blocks):
        if element["type"] not in _STATE_KEYS:
            continue
        name = f"{block['block_id']}.{element['action_id']}"
        entry = _entered(element, left.pop(name)) if name in left else _initial(element)
        if block["type"] == "input" and not block.get("optional"):
            _require(name, element, entry)
        values.setdefault(block["block_id"], {})[element["action_id"]] = entry
    if left:
        known = [f"{block['block_id']}.{element['action_id']}" for block, element in elements_of(blocks)]
        raise AssertionError(f"The view has no input {', '.join(left)}; it has {', '.join(known) or 'none'}.")
    return values


def relaxed(blocks: list[Json]) -> list[Json]:
    """Return the blocks with every input optional: the state of a form that nobody has submitted."""
    return [{**block, "optional": True} if block["type"] == "input" else block for block in blocks]


def chosen_value(element: Json, choice: Any) -> Json:
    """Return what an entry of `actions` adds for a choice; empty for a button."""
    if element["type"] == "overflow":
        return {"selected_option": option_of(element, str(choice))}
    if element["type"] not in _STATE_KEYS:
        return {}
    return {key: value for key, value in _entered(element, choice).items() if key != "type"}


def _initial(element: Json) -> Json:
    key, initial = _STATE_KEYS[element["type"]]
    empty: Any = [] if key == "selected_options" else None
    return {"type": element["type"], key: element.get(initial, empty)}


def _entered(element: Json, value: Any) -> Json:
    key, _ = _STATE_KEYS[element["type"]]
    if key == "selected_option" and value is not None:
        value = option_of(element, str(value))
    if key == "selected_options":
        value = [option_of(element, str(each)) for each in value]
    return {"type": element["type"], key: value}


def _require(name: str, element: Json, entry: Json) -> None:
    value = entry[_STATE_KEYS[element["type"]][0]]
    if not value:
        raise AssertionError(f"Slack does not submit a view without its required input {name}.")
    if element["type"] == "plain_text_input":
        low, high = element.get("min_length", 0), element.get("max_length", 3000)
        if not low <= len(value) <= high:
            raise AssertionError(f"Slack takes {low} to {high} characters in {name}, not {len(value)}.")


def option_of(element: Json, value: str) -> Json:
    """Return the option with this value (or this text); raises AssertionError where there is none."""
    groups = [element.get("options", []), *(group["options"] for group in element.get("option_groups", ()))]
    options: list[Json] = [option for group in groups for option in group]
    for option in options:
        if value in {option.get("value"), option["text"]["text"]}:
            return option
    raise AssertionError(f"No option {value!r}; there are {[option.get('value') for option in options]}.")
