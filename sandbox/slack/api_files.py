"""The upload flow of files_upload_v2: announce, upload, complete; and the files themselves for the page."""

import mimetypes
import secrets
from typing import Any

from aiohttp import web

from sandbox.slack.api_chat import channel_to_write
from sandbox.slack.messages import Json, Posted
from sandbox.slack.posting import SlackError
from sandbox.slack.state import BOT_USER, StoredFile, World
from sandbox.slack.webapi import Arguments, Method

# Only these are shown inside the page; anything else is offered as a download.
SHOWN_INLINE = ("image/png", "image/jpeg", "image/gif")


def _announce(world: World, args: Arguments) -> Json:
    name, length = str(args.get("filename") or ""), str(args.get("length") or "")
    if not name or not length.isdecimal() or int(length) == 0:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: filename or length")
    file_id = f"F{secrets.token_hex(5).upper()}"
    world.files[file_id] = StoredFile(file_id, name, int(length), alt=str(args.get("alt_txt") or ""))
    return {"file_id": file_id, "upload_url": f"{world.base_url}upload/v1/{file_id}"}


async def upload(world: World, request: web.Request) -> web.Response:
    """Handle `POST /upload/v1/<file>`: raw bytes or multipart."""
    file = world.files.get(request.match_info["file"])
    if file is None or file.content is not None:
        return web.Response(status=404, text="no such upload")
    data = await _uploaded(request)
    if len(data) != file.length:
        return web.Response(status=400, text=f"expected {file.length} bytes, got {len(data)}")
    file.content = data
    return web.Response(text=f"OK - {len(data)}")


async def _uploaded(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for value in (await request.post()).values():
        if isinstance(value, web.FileField):
            return value.file.read()
        return value if isinstance(value, bytes) else str(value).encode()
    return b""


async def download(world: World, request: web.Request) -> web.Response:
    """Handle `GET /files/<file>/<name>` for the page."""
    file = world.files.get(request.match_info["file"])
    if file is None or file.content is None:
        raise web.HTTPNotFound
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    headers = {"X-Content-Type-Options": "nosniff"}
    if kind not in SHOWN_INLINE:
        headers["Content-Disposition"] = "attachment"
    return web.Response(body=file.content, content_type=kind, headers=headers)


def _complete(world: World, args: Arguments) -> Json:
    entries: Any = args.get("files")
    if not isinstance(entries, list) or not entries:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: files")
    files = [_finished(world, entry) for entry in entries]
    targets = [each for each in [args.get("channel_id"), *str(args.get("channels") or "").split(",")] if each]
    for target in targets:
        channel = channel_to_write(world, {"channel": target})
        thread_ts = args.get("thread_ts")
        message = Posted(channel.id, world.next_ts(), BOT_USER, str(args.get("initial_comment") or ""))
        message.thread_ts = str(thread_ts) if thread_ts else None
        message.files, message.file_names = [file.id for file in files], [file.name for file in files]
        message.app_owned = True
        world.post(message)
    return {"files": [_json(world, file) for file in files]}


def _finished(world: World, entry: Json) -> StoredFile:
    file = world.files.get(str(entry.get("id")))
    if file is None or file.content is None:
        raise SlackError("file_not_found")
    file.title, file.shared = str(entry.get("title") or file.name), True
    return file


def _json(world: World, file: StoredFile) -> Json:
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "size": file.length,
        "mimetype": mimetypes.guess_type(file.name)[0] or "application/octet-stream",
        "url_private": f"{world.base_url}files/{file.id}/{file.name}",
        "permalink": f"{world.base_url}files/{file.id}/{file.name}",
    }


METHODS = {
    "files.getUploadURLExternal": Method(_announce, ("files:write",)),
    "files.completeUploadExternal": Method(_complete, ("files:write",)),
}
