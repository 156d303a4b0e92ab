"""Looks people and user groups up in Slack, now or a few seconds ago; what cannot be looked up is an error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from aiohttp import ClientError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.directory import Human, LookupFailed, SlackSilent
from bot.slack.client import Introduction, code_of, is_silence
from bot.slack.ports import Memory

T = TypeVar("T")

USER_TTL_S = 5.0
GROUP_TTL_S = 20.0
"""usergroups.users.list may be called 20 times a minute."""
WITHIN_S = 2.5


class SlackDirectory:
    """``bot.directory.Directory`` on users.info and usergroups.users.list; tells the memory what was answered."""

    def __init__(self, client: AsyncWebClient, introduction: Introduction, memory: Memory) -> None:
        self._client = client
        self._introduction = introduction
        self._memory = memory
        self._users = _Cache[Human](USER_TTL_S)
        self._groups = _Cache[tuple[str, ...]](GROUP_TTL_S)

    async def user(self, user_id: str) -> Human:
        """One user.

        Raises:
            LookupFailed: Slack does not know them.
            SlackSilent: it gave no answer in time.
        """
        return await self._users.get(user_id, lambda: self._ask_user(user_id))

    async def group_members(self, group_id: str) -> tuple[str, ...]:
        """The user ids in a user group.

        Raises:
            LookupFailed: Slack does not know it.
            SlackSilent: it gave no answer in time.
        """
        return await self._groups.get(group_id, lambda: self._ask_group(group_id))

    async def _ask_user(self, user_id: str) -> Human:
        what = f"Slack does not say who {user_id} is"
        team_id = (await _within(what, self._introduction.identity())).team_id
        answer = await _within(what, self._client.users_info(user=user_id))
        user: dict[str, Any] = answer["user"]
        profile = user.get("profile") or {}
        human = Human(
            id=user_id,
            name=str(profile.get("display_name") or user.get("real_name") or user.get("name") or user_id),
            is_bot=bool(user.get("is_bot") or user.get("is_app_user") or user_id == "USLACKBOT"),
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_external=bool(user.get("is_stranger") or user.get("team_id") not in {team_id, None}),
            is_deleted=bool(user.get("deleted")),
        )
        self._memory.person(human)
        return human

    async def _ask_group(self, group_id: str) -> tuple[str, ...]:
        asked = self._client.usergroups_users_list(usergroup=group_id)
        answer = await _within(f"Slack does not say who is in the user group {group_id}", asked)
        members = tuple(map(str, answer["users"]))
        self._memory.group(group_id, members)
        return members


async def _within(what: str, asked: Awaitable[Any]) -> Any:
    try:
        async with asyncio.timeout(WITHIN_S):
            return await asked
    except TimeoutError as error:
        raise SlackSilent(f"{what}: no answer within {WITHIN_S:g} s.") from error
    except (SlackApiError, ClientError, OSError) as error:
        failed = SlackSilent if is_silence(error) else LookupFailed
        raise failed(f"{what}: {code_of(error)}.") from error


class _Cache(Generic[T]):
    """Answers that are a few seconds old; the same question is asked once at a time, and who waits shares its error."""

    def __init__(self, ttl_s: float) -> None:
        self._ttl_s = ttl_s
        self._known: dict[str, tuple[float, T]] = {}
        self._asking: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str, ask: Callable[[], Coroutine[None, None, T]]) -> T:
        at, value = self._known.get(key, (float("-inf"), None))
        if value is not None and time.monotonic() - at < self._ttl_s:
            return value
        if key not in self._asking:
            self._asking[key] = asyncio.create_task(ask())
            self._asking[key].add_done_callback(lambda asked: self._answered(key, asked))
        return await asyncio.shield(self._asking[key])  # Whoever gives up waiting leaves it to the others.

    def _answered(self, key: str, asked: asyncio.Task[T]) -> None:
        del self._asking[key]
        if not asked.cancelled() and asked.exception() is None:
            self._known[key] = (time.monotonic(), asked.result())
