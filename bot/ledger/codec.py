"""Plans as text and back: a plan that was approved has to survive the process that made it. No I/O here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError, create_model

from actions.kit.plan import Plan, Step
from bot.ledger.errors import LedgerError

_FIELDS: dict[str, Any] = {name: (hint, ...) for name, hint in get_type_hints(Plan).items() if name != "steps"}
_Outline = create_model("_Outline", **_FIELDS)


class PlanCodec:
    """Writes and reads plans; each step carries its class's name.

    Args:
        step_types: every class of step that a plan may hold: frozen dataclasses of plain values.
    """

    def __init__(self, step_types: Iterable[type[Step]]) -> None:
        self._adapters: dict[str, TypeAdapter[Step]] = {kind.__name__: TypeAdapter(kind) for kind in step_types}

    def dumps(self, plan: Plan) -> str:
        """The plan as JSON.

        Raises:
            LedgerError: a step is of a class that this codec was not given.
        """
        outline = _Outline.model_construct(**{name: getattr(plan, name) for name in _FIELDS})
        steps = [
            [type(step).__name__, self._adapter(type(step).__name__).dump_python(step, mode="json")]
            for step in plan.steps
        ]
        return json.dumps({**outline.model_dump(mode="json"), "steps": steps}, separators=(",", ":"))

    def loads(self, text: str) -> Plan:
        """The plan that ``dumps`` wrote.

        Raises:
            LedgerError: another version wrote it, with steps or values that this one does not know.
        """
        try:
            content = json.loads(text)
            steps = tuple(self._adapter(name).validate_python(values) for name, values in content.pop("steps"))
            outline = _Outline.model_validate(content)
            return Plan(**{name: getattr(outline, name) for name in _FIELDS}, steps=steps)
        except (ValueError, TypeError, KeyError, AttributeError, ValidationError) as error:
            raise LedgerError(f"A plan in the ledger cannot be read; another version wrote it: {error}") from error

    def _adapter(self, name: str) -> TypeAdapter[Step]:
        if name not in self._adapters:
            raise LedgerError(f"This version knows no step {name!r}; it knows {', '.join(sorted(self._adapters))}.")
        return self._adapters[name]
