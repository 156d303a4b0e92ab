"""The Web API through the real SDK: answers and refusals as Slack gives them."""

import json

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import LocalSlack

TEXT = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}
MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Title"}, "blocks": [TEXT]}


async def error_of(call) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def test_tokens(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert (await client.auth_test())["user_id"] == slack.bot_user_id
    assert await error_of(client.auth_test(token="xoxb-wrong")) == "invalid_auth"
    assert await error_of(AsyncWebClient(base_url=slack.api_url).auth_test()) == "not_authed"
    assert await error_of(client.auth_test(token=slack.app_token)) == "not_allowed_token_type"
    assert await error_of(client.api_call("apps.connections.open")) == "not_allowed_token_type"
    assert await error_of(client.api_call("chat.scream")) == "unknown_method"


async def test_what_the_manifest_does_not_grant_is_refused(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.conversations_info(channel="C0INCIDENT")
    assert caught.value.response["error"] == "missing_scope"
    assert caught.value.response["needed"] == "channels:read"
    assert "chat:write" in caught.value.response["provided"]


@pytest.mark.parametrize("encoding", ["json", "form", "multipart", "query"])
async def test_every_encoding_is_understood(slack: LocalSlack, encoding: str) -> None:
    args = {"channel": "C0INCIDENT", "text": "hello", "blocks": [TEXT]}
    flat = {key: value if isinstance(value, str) else json.dumps(value) for key, value in args.items()}
    url, headers = f"{slack.api_url}chat.postMessage", {"Authorization": f"Bearer {slack.bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        if encoding == "json":
            request = session.post(url, json=args)
        elif encoding == "form":
            request = session.post(url, data=flat)
        elif encoding == "multipart":
            form = aiohttp.FormData(flat, default_to_multipart=True)
            request = session.post(url, data=form)
        else:
            request = session.get(url, params=flat)
        async with request as response:
            assert (await response.json())["ok"]
    (message,) = slack.messages("C0INCIDENT")
    assert message.plain() == "hello"


async def test_where_the_bot_may_post(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert await error_of(client.chat_postMessage(channel="C0NOWHERE", text="x")) == "channel_not_found"
    assert await error_of(client.chat_postMessage(channel="C0GENERAL", text="x")) == "not_in_channel"
    posted = await client.chat_postMessage(channel="C0INCIDENT", text="x")
    slack.faults.remove_bot("C0INCIDENT")
    assert await error_of(client.chat_update(channel="C0INCIDENT", ts=posted["ts"], text="y")) == "not_in_channel"
    slack.faults.archive("C0INCIDENT")
    assert await error_of(client.chat_postMessage(channel="C0INCIDENT", text="x")) == "is_archived"


async def test_what_the_bot_may_post(client: AsyncWebClient) -> None:
    post = client.chat_postMessage
    # The SDK itself warns of a missing text, so this one goes past its method.
    empty = client.api_call("chat.postMessage", json={"channel": "C0INCIDENT", "text": ""})
    assert await error_of(empty) == "no_text"
    assert await error_of(post(channel="C0INCIDENT", text="x" * 4001)) == "msg_too_long"
    with pytest.raises(SlackApiError) as caught:
        await post(channel="C0INCIDENT", text="x", blocks=[{"type": "section", "txt": 1}])
    assert caught.value.response["error"] == "invalid_blocks"
    assert caught.value.response["response_metadata"]["messages"] == [
        "[ERROR] additional property not allowed: txt [json-pointer:/blocks/0]"
    ]
    picture = {"type": "image", "slack_file": {"id": "F0NOTHING"}, "alt_text": "x"}
    assert await error_of(post(channel="C0INCIDENT", text="x", blocks=[picture])) == "invalid_blocks"


async def test_an_update_without_blocks_removes_them(slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0INCIDENT", text="x", blocks=[TEXT])
    before = slack.message("C0INCIDENT", posted["ts"])
    await client.chat_update(channel="C0INCIDENT", ts=posted["ts"], text="only text")

    assert slack.message("C0INCIDENT", posted["ts"]).blocks == ()
    assert slack.message("C0INCIDENT", posted["ts"]).edited
    assert before.plain() == "hello", "a copy that was taken before does not change"


async def test_only_own_messages_that_exist(slack: LocalSlack, client: AsyncWebClient) -> None:
    await slack.person("U0DEV").types("C0INCIDENT", "mine")
    theirs = slack.messages("C0INCIDENT")[0].ts
    posted = await client.chat_postMessage(channel="C0INCIDENT", text="x")
    own = posted["ts"]
    private = await client.chat_postEphemeral(channel="C0INCIDENT", user="U0DEV", text="psst")
    update, at = client.chat_update, {"channel": "C0INCIDENT", "text": "y"}

    assert await error_of(update(ts=theirs, **at)) == "cant_update_message"
    assert await error_of(client.chat_delete(channel="C0INCIDENT", ts=theirs)) == "cant_delete_message"
    assert await error_of(update(ts="1.000001", **at)) == "message_not_found"
    assert await error_of(update(ts=private["message_ts"], **at)) == "message_not_found"
    slack.faults.delete_message("C0INCIDENT", own)
    assert await error_of(update(ts=own, **at)) == "message_not_found"
    assert slack.message("C0INCIDENT", own).deleted


async def test_threads_links_and_direct_messages(slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0INCIDENT", text="x")
    await client.chat_postMessage(channel="C0INCIDENT", text="reply", thread_ts=posted["ts"])
    assert [each.text for each in slack.messages("C0INCIDENT")] == ["x"]
    assert [each.text for each in slack.messages("C0INCIDENT", thread_ts=posted["ts"])] == ["reply"]
    link = await client.chat_getPermalink(channel="C0INCIDENT", message_ts=posted["ts"])
    assert link["permalink"].startswith(slack.page_url)

    direct = await client.chat_postMessage(channel="U0ONCALL", text="to you")
    opened = await client.conversations_open(users="U0ONCALL")
    assert direct["channel"] == opened["channel"]["id"] == slack.person("U0ONCALL").direct_messages


async def test_people_and_groups(slack: LocalSlack, client: AsyncWebClient) -> None:
    assert (await client.usergroups_users_list(usergroup="S0REDISOPS"))["users"] == ["U0ONCALL", "U0LEAD", "U0SECOND"]
    assert await error_of(client.usergroups_users_list(usergroup="S0")) == "no_such_subteam"
    assert (await client.users_info(user="U0GUEST"))["user"]["is_restricted"] is True
    slack.faults.deactivate("U0LEAD")
    assert (await client.users_info(user="U0LEAD"))["user"]["deleted"] is True
    assert await error_of(client.users_info(user="U0NOBODY")) == "user_not_found"


async def test_a_trigger_opens_one_view_within_three_seconds(slack: LocalSlack, client: AsyncWebClient) -> None:
    trigger = slack.world.new_trigger("U0DEV")
    await client.views_open(trigger_id=trigger, view=MODAL)
    assert await error_of(client.views_open(trigger_id=trigger, view=MODAL)) == "exchanged_trigger_id"
    old = slack.world.new_trigger("U0DEV")
    slack.world.triggers[old].expires -= 3
    assert await error_of(client.views_open(trigger_id=old, view=MODAL)) == "expired_trigger_id"
    assert await error_of(client.views_update(view_id="V0", view=MODAL)) == "not_found"
    opened = slack.world.top_view("U0DEV")
    assert opened is not None
    assert await error_of(client.views_update(view_id=opened.id, hash="old", view=MODAL)) == "hash_conflict"
    await client.views_update(view_id=opened.id, view={**MODAL, "callback_id": "second"})
    assert (await slack.person("U0DEV").waits_for_view("second")).id == opened.id


async def test_files_end_up_in_the_thread(slack: LocalSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="C0INCIDENT", text="run")
    await client.files_upload_v2(
        channel="C0INCIDENT",
        thread_ts=posted["ts"],
        content=b"\x89PNG",
        filename="topology.png",
        title="Topology",
        alt_txt="Three nodes",
    )
    (shared,) = slack.messages("C0INCIDENT", thread_ts=posted["ts"])
    assert shared.files == ("topology.png",)
    (file,) = slack.world.files.values()
    assert (file.title, file.alt) == ("Topology", "Three nodes")
    async with aiohttp.ClientSession() as session, session.get(f"{slack.page_url}files/{file.id}/x") as response:
        assert await response.read() == b"\x89PNG"
        assert response.content_type == "image/png"


async def test_faults_of_calls(slack: LocalSlack, client: AsyncWebClient) -> None:
    slack.faults.fail("chat.postMessage", error="is_archived", times=1)
    assert await error_of(client.chat_postMessage(channel="C0INCIDENT", text="x")) == "is_archived"
    slack.faults.rate_limit("chat.postMessage", times=1, retry_after=1)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C0INCIDENT", text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["Retry-After"] == "1"

    slack.faults.rate_limit("chat.postMessage", times=1, retry_after=1)
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    await client.chat_postMessage(channel="C0INCIDENT", text="after all")
    assert [call.error for call in slack.calls if call.method == "chat.postMessage"] == [
        "is_archived",
        "ratelimited",
        "ratelimited",
        None,
    ]


@pytest.mark.parametrize("text", ["<!channel> down", "x <!here|here>", "<!everyone>"])
async def test_broadcasts_are_recorded_and_escaped_ones_are_not(
    slack: LocalSlack, client: AsyncWebClient, text: str
) -> None:
    await client.chat_postMessage(channel="C0INCIDENT", text=text.replace("<", "&lt;"))
    assert slack.broadcast_mentions == []
    block = {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}
    await client.chat_postMessage(channel="C0INCIDENT", text="quiet", blocks=[block])
    assert len(slack.broadcast_mentions) == 1


async def test_a_wait_in_vain_shows_the_transcript(slack: LocalSlack, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel="C0INCIDENT", text="what was said", blocks=[TEXT])
    with pytest.raises(AssertionError, match="Tandem: hello"):
        await slack.waits_for(lambda: False, within=0.05)
