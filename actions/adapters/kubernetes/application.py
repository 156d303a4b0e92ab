"""The Deployment that uses a target: what it is set to, how far it is rolled out, who owns it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actions.adapters.kubernetes.client import Client
from actions.adapters.kubernetes.failures import ApiError, ApiRefusedError
from actions.adapters.kubernetes.questions import CONFIG_MAPS, DEPLOYMENTS, PODS, Right
from actions.kit.errors import ActionError
from actions.kit.kubernetes import parse
from actions.kit.kubernetes.place import Application
from actions.kit.kubernetes.view import ApplicationView, EnvValue, PodView
from actions.kit.unasked import Reason, Unasked

NOT_FOUND = 404
CHANGES = Right("patch", DEPLOYMENTS)


async def look_at_application(client: Client, application: Application) -> ApplicationView:
    """The Deployment with the value of its variable and its pods.

    Raises:
        ActionError: there is no such Deployment, it could not be asked, or it has no such container or variable.
    """
    deployment = await deployment_of(client, application)
    found = parse.read(deployment, lambda one: parse.container_of(one, application.env, application.container))
    view = ApplicationView(
        application.deployment,
        application.env,
        owner=parse.read(deployment, parse.owner),
        rollout=parse.read(deployment, parse.rollout),
        pods=await _pods(client, deployment),
        unswitchable=await _unswitchable(client, application.deployment),
    )
    if isinstance(found, str):
        return replace(view, unasked=Unasked("Kubernetes deployment", Reason.REFUSED_COMMAND, found))
    container, value = found
    return replace(view, container=container, value=await _resolved(client, value))


async def deployment_of(client: Client, application: Application) -> Any:
    """The object.

    Raises:
        ActionError: it could not be asked; where there is no such Deployment it says which there are.
    """
    try:
        return await client.get(DEPLOYMENTS, application.deployment)
    except ApiError as error:
        if error.status != NOT_FOUND:
            raise
        raise await _no_deployment(client, application) from error


async def _no_deployment(client: Client, application: Application) -> ApiError:
    try:
        there = parse.items(await client.list(DEPLOYMENTS), parse.name_of)
    except ActionError:
        there = ()
    known = f"there are {', '.join(sorted(there))}" if there else "there is none at all"
    where = f"in namespace {client.place.namespace}"
    text = f"There is no Deployment {application.deployment} {where}; {known}."
    return ApiRefusedError(text, Reason.REFUSED_COMMAND, NOT_FOUND)


async def _unswitchable(client: Client, deployment: str) -> str:
    if await client.may(CHANGES, deployment) is not False:
        return ""
    return f"We may not {CHANGES.verb} {CHANGES.plural}. Add to the Role: {CHANGES.rule}"


async def _pods(client: Client, deployment: Any) -> tuple[PodView, ...]:
    labels = parse.read(deployment, parse.selector_of)
    return parse.items(await client.list(PODS, labels=labels), parse.pod)


async def _resolved(client: Client, value: EnvValue) -> EnvValue:
    """What a ConfigMap says, where the variable comes from one; a Secret is never asked."""
    reference = parse.config_map_key(value)
    if reference is None:
        return value
    name, key = reference
    try:
        content = await client.get(CONFIG_MAPS, name)
        return replace(value, value=parse.read(content, lambda one: parse.config_map_value(one, key)))
    except ActionError:
        return value
