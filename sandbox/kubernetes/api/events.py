"""Records Events as the components of a real cluster do: what happens again is counted, not repeated."""

import contextlib
import secrets

from sandbox.kubernetes.api.errors import Refused
from sandbox.kubernetes.api.resources import EVENTS, Json, timestamp
from sandbox.kubernetes.api.store import Store


def record_event(
    store: Store, thing: Json, reason: str, message: str, *, source: str, warning: bool = False, container: str = ""
) -> None:
    """Write down that this happened to the object; what happens again is counted on the same Event."""
    metadata = thing["metadata"]
    namespace = metadata.get("namespace", "default")
    about = {"kind": thing["kind"], "namespace": namespace, "name": metadata["name"], "uid": metadata["uid"]}
    about |= {"apiVersion": thing["apiVersion"], "resourceVersion": metadata["resourceVersion"]}
    if container:
        about["fieldPath"] = f"spec.containers{{{container}}}"
    now = timestamp()

    def same(event: Json) -> bool:
        told = (event["involvedObject"]["uid"], event["reason"], event["message"])
        return told == (metadata["uid"], reason, message) and event["source"]["component"] == source

    for event in store.select(EVENTS, namespace, same):
        store.write(EVENTS, event, count=event["count"] + 1, lastTimestamp=now)
        return
    event = {
        "metadata": {"name": f"{metadata['name']}.{secrets.token_hex(8)}", "namespace": namespace},
        "involvedObject": about,
        "reason": reason,
        "message": message,
        "type": "Warning" if warning else "Normal",
        "source": {"component": source},
        "reportingComponent": source,
        "reportingInstance": "",
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    # A namespace that is going takes no events any more.
    with contextlib.suppress(Refused):
        store.create(EVENTS, event)
