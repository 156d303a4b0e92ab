"""Rescue copies: taken from a node as its replica would, checked, and put where the settings say."""

from __future__ import annotations

from actions.adapters.rescue.evidence import gather
from actions.adapters.rescue.folder import FolderStore
from actions.adapters.rescue.rescuer import Rescuer
from actions.adapters.rescue.store import Store

__all__ = ["FolderStore", "Rescuer", "Store", "gather"]
