"""Reads a target's ``kubernetes`` block: which release, how its pods are reached, and which application uses it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from actions.kit.kubernetes.place import Application, KubernetesPlace, Way
from bot.marked import Field
from bot.render.words import quoted

_KEYS = ("namespace", "release", "context", "kubeconfig", "reach", "application")
_APPLICATION_KEYS = ("deployment", "container", "env", "health_url")
_DNS = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_NAME = "a name as Kubernetes takes it: a-z, 0-9, - and ., first and last a letter or a digit"
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_URL = re.compile(r"https?://[^\s/@?#]+(/[^\s#@]*)?")


def read_place(field: Field | None) -> KubernetesPlace | None:
    """A ``kubernetes`` block; ``None`` where there is none.

    Raises:
        SettingsError: a key that is missing, unknown or wrong.
    """
    if field is None:
        return None
    section = field.section(*_KEYS, instead={"env": "It belongs into application, beside deployment."})
    namespace = section.need("namespace", "it says where the pods are").matching(_DNS, _NAME)
    release, reach = section.get("release"), section.get("reach")
    if reach is not None and release is None:
        raise reach.wrong("says how the pods of a release are reached, and no release is named.")
    if release is None and section.get("application") is None:
        raise field.wrong("names neither the Helm release that Redis runs as nor an application; add one of them.")
    return KubernetesPlace(
        namespace=namespace,
        release=release.matching(_LABEL, _NAME) if release else "",
        context=section.text("context"),
        kubeconfig=_kubeconfig(section.get("kubeconfig")),
        reach=Way(reach.one_of([way.value for way in Way])) if reach else Way.DIRECT,
        application=_application(section.get("application")),
    )


def _application(field: Field | None) -> Application | None:
    if field is None:
        return None
    section = field.section(*_APPLICATION_KEYS)
    container = section.get("container")
    return Application(
        deployment=section.need("deployment", "it is what is rolled out anew").matching(_DNS, _NAME),
        env=section.need("env", "it is the variable that says where Redis is").matching(
            _VARIABLE, "a variable such as REDIS_HOST"
        ),
        container=container.matching(_DNS, _NAME) if container else "",
        health_url=_health_url(section.get("health_url")),
    )


def _health_url(field: Field | None) -> str:
    """What is wrong is not repeated: it may hold a password."""
    if field is None:
        return ""
    url = field.text()
    try:
        good = _URL.fullmatch(url) and urlsplit(url).port != 0  # It raises ValueError for what is no port.
    except ValueError:
        good = False
    if not good:
        raise field.wrong("cannot be used; it has to be an http:// or https:// address without a password.")
    return url


def _kubeconfig(field: Field | None) -> str:
    """A relative path is meant from where ``targets.yaml`` is."""
    if field is None:
        return ""
    path = field.path.parent / Path(field.text()).expanduser()
    if not path.is_file():
        raise field.wrong(f"names {quoted(str(path), 200)}, which is not a file that can be read.")
    return str(path)


def finds_nodes(place: KubernetesPlace | None) -> bool:
    """Whether the addresses may be left out, since the pods say them."""
    return place is not None and bool(place.release)
