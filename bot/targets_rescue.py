"""Reads a ``rescue`` block: where copies of a target's data go before something is done that cannot be taken back."""

from __future__ import annotations

from pathlib import Path

from actions.kit.rescue_place import Folder, RescuePlace
from bot.marked import Field

_WAYS = ("folder",)


def read_rescue(field: Field | None) -> RescuePlace | None:
    """The place; ``None`` where none is set. A relative folder is meant from where ``targets.yaml`` is.

    Raises:
        SettingsError: a key that is missing, unknown or wrong.
    """
    if field is None:
        return None
    section = field.section(*_WAYS)
    folder = section.need("folder", "it is where the copies go")
    return Folder(str((folder.path.parent / Path(folder.text()).expanduser()).resolve()))
