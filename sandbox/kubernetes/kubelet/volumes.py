"""Gives a pod's containers their volumes and their environment, from claims, config maps and secrets."""

import base64
from pathlib import Path

from sandbox.kubernetes.api.resources import CLAIMS, CONFIG_MAPS, SECRETS, Json, key_of
from sandbox.kubernetes.api.store import Store


class Missing(LookupError):  # noqa: N818 - named for what it tells
    """Something that the pod refers to is not there; the message is the kubelet's."""


def mount(store: Store, pod: Json, container: Json, root: Path, storage: Path) -> None:
    """Put the container's volumes where it mounts them, below `root`.

    Claims live in `storage` and outlive their pods.

    Raises:
        Missing: a config map or secret is not there.
    """
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    for wanted in container.get("volumeMounts") or ():
        place = root / wanted["mountPath"].strip("/")
        volume = volumes.get(wanted["name"], {})
        if place.is_symlink() or place.exists():
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(_folder(store, pod, volume, root.parent, storage), target_is_directory=True)


def _folder(store: Store, pod: Json, volume: Json, pod_folder: Path, storage: Path) -> Path:
    namespace, _ = key_of(pod)
    if claim := volume.get("persistentVolumeClaim"):
        found = store.get(CLAIMS, namespace, claim["claimName"])
        folder = storage / str(found["spec"]["volumeName"])
        folder.mkdir(parents=True, exist_ok=True)
        return folder
    folder = pod_folder / "volumes" / str(volume.get("name", "none"))
    folder.mkdir(parents=True, exist_ok=True)
    content: dict[str, str] = {}
    if "configMap" in volume:
        content = _content(store, namespace, "configMapKeyRef", volume["configMap"]["name"])
    elif "secret" in volume:
        content = _content(store, namespace, "secretKeyRef", volume["secret"]["secretName"])
    for name, text in content.items():
        (folder / name).write_text(text)
    return folder


def environment(store: Store, pod: Json, container: Json, pod_ip: str) -> dict[str, str]:
    """The variables that the container's `env` and `envFrom` make.

    Raises:
        Missing: a config map, a secret or a key in it is not there.
    """
    namespace, name = key_of(pod)
    facts: dict[str, str] = {
        "metadata.name": name,
        "metadata.namespace": namespace,
        "metadata.uid": pod["metadata"]["uid"],
        "spec.nodeName": pod["spec"]["nodeName"],
        "status.podIP": pod_ip,
        "status.hostIP": "127.0.0.1",
    }
    made: dict[str, str] = {"HOSTNAME": name, "HOME": "/"}
    for source in container.get("envFrom") or ():
        for kind, reference in (("configMapKeyRef", "configMapRef"), ("secretKeyRef", "secretRef")):
            if reference in source:
                made |= _content(store, namespace, kind, source[reference]["name"])
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        if "fieldRef" in source:
            made[variable["name"]] = facts.get(source["fieldRef"]["fieldPath"], "")
        elif source:
            made[variable["name"]] = _referred(store, namespace, source)
        else:
            made[variable["name"]] = variable.get("value") or ""
    return made


def _referred(store: Store, namespace: str, source: Json) -> str:
    kind = "secretKeyRef" if "secretKeyRef" in source else "configMapKeyRef"
    name, key = source[kind]["name"], source[kind]["key"]
    content = _content(store, namespace, kind, name)
    if key not in content:
        what = "Secret" if kind == "secretKeyRef" else "ConfigMap"
        raise Missing(f"couldn't find key {key} in {what} {namespace}/{name}")
    return content[key]


def _content(store: Store, namespace: str, kind: str, name: str) -> dict[str, str]:
    resource = SECRETS if kind == "secretKeyRef" else CONFIG_MAPS
    found = store.find(resource, namespace, name)
    if found is None:
        raise Missing(f'{resource.plural.removesuffix("s")} "{name}" not found')
    data: dict[str, str] = found.get("data") or {}
    if resource is CONFIG_MAPS:
        return data
    return {key: base64.b64decode(value).decode() for key, value in data.items()}
