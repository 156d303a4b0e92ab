"""Where Prometheus is asked about a target, and by which labels it knows it. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, field

from actions.kit.topology import Credentials, Tls


@dataclass(frozen=True, slots=True)
class PrometheusPlace:
    """``url``: where its API begins, without a slash at its end. ``labels``: what all series of the target have.

    ``token`` is a bearer token; it and the password of ``auth`` are never shown.
    """

    url: str
    labels: tuple[tuple[str, str], ...]
    auth: Credentials = Credentials()
    token: str | None = field(default=None, repr=False)
    tls: Tls | None = None

    @property
    def selector(self) -> str:
        """The labels as PromQL has them, in braces."""
        return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in self.labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
