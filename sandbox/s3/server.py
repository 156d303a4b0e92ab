"""The local S3's wire protocol: REST with the bucket in the path, XML where there is something to tell."""

import hashlib
import re
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from xml.sax.saxutils import escape

from aiohttp import web

from sandbox.elasticache.auth import Signed, User, check
from sandbox.elasticache.errors import AwsError
from sandbox.elasticache.state import ACCOUNT
from sandbox.s3.objects import Objects

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_PART = re.compile(r"<Part>(.*?)</Part>", re.DOTALL)
_FIELD = re.compile(r"<(PartNumber|ETag|ChecksumSHA256)>([^<]*)</")
_CHECKSUM = "x-amz-checksum-sha256"
_MOST = 256 * 1024 * 1024


@dataclass
class LocalS3:
    """One bucket; an async context manager, served by the event loop that entered it.

    `denied` holds the operations that IAM does not allow, `failing` how many calls of an operation get 500 from now on;
    `calls` is what was asked, `lost` the operations whose next answer never arrives.
    """

    bucket: str = "rescue-copies"
    region: str = "eu-west-1"
    user: User = field(default_factory=lambda: User(f"arn:aws:iam::{ACCOUNT}:user/tandem"))
    objects: Objects = field(default_factory=Objects)
    denied: set[str] = field(default_factory=set)
    failing: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    endpoint_url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MOST)
        app.router.add_route("*", "/{bucket}", self._serve)
        app.router.add_route("*", "/{bucket}/{key:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.endpoint_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    @property
    def environment(self) -> dict[str, str]:
        """The credentials as boto3 reads them."""
        return {
            "AWS_ACCESS_KEY_ID": self.user.access_key,
            "AWS_SECRET_ACCESS_KEY": self.user.secret_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        operation = _operation(request)
        self.calls.append(operation)
        try:
            answer = self._answer(request, operation, body)
        except AwsError as refused:
            text = f"<Error><Code>{refused.code}</Code><Message>{escape(refused.message)}</Message></Error>"
            answer = web.Response(text=text, status=refused.status, content_type="application/xml")
        if operation in self.lost and request.transport is not None:
            self.lost.discard(operation)
            request.transport.abort()
        return answer

    def _answer(self, request: web.Request, operation: str, body: bytes) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        check(Signed(request.method, str(request.url), headers, body), self.user, self.region, "s3")
        if headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
            raise AwsError("XAmzContentSHA256Mismatch", "The provided header does not match what was computed.")
        if operation in self.denied:
            raise AwsError("AccessDenied", f"{self.user.arn} is not authorized to perform: s3:{operation}", 403)
        if self.failing.get(operation, 0) > 0:
            self.failing[operation] -= 1
            raise AwsError("InternalError", "We encountered an internal error. Please try again.", 500)
        if request.match_info["bucket"] != self.bucket:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        return self._done(request, operation, body)

    def _done(self, request: web.Request, operation: str, body: bytes) -> web.Response:
        if operation == "HeadBucket":
            return web.Response()
        if "uploadId" in request.query or "uploads" in request.query:
            return self._in_parts(request, operation, body)
        key = request.match_info["key"]
        if operation == "PutObject":
            only_new = request.headers.get("If-None-Match") == "*"
            return _told(self.objects.put(key, body, request.headers.get(_CHECKSUM), only_new=only_new))
        stored = self.objects.get(key)
        told = {_CHECKSUM: stored.checksum} if request.headers.get("x-amz-checksum-mode") == "ENABLED" else {}
        return web.Response(body=stored.content, headers=told)

    def _in_parts(self, request: web.Request, operation: str, body: bytes) -> web.Response:
        key, upload = request.match_info["key"], request.query.get("uploadId", "")
        match operation:
            case "CreateMultipartUpload":
                return _xml("InitiateMultipartUploadResult", UploadId=self.objects.begin(key))
            case "UploadPart":
                number, checksum = int(request.query["partNumber"]), request.headers.get(_CHECKSUM)
                return _told(self.objects.add(key, upload, number, body, checksum))
            case "CompleteMultipartUpload":
                only_new = request.headers.get("If-None-Match") == "*"
                stored = self.objects.complete(key, upload, _parts(body), only_new=only_new)
                return _xml("CompleteMultipartUploadResult", ETag='"x"', ChecksumSHA256=stored.checksum)
            case _:
                self.objects.abort(key, upload)
                return web.Response(status=204)


def _operation(request: web.Request) -> str:
    """Which of S3's operations this is."""
    of = "Object" if request.match_info.get("key") else "Bucket"
    if "uploads" in request.query:
        return "CreateMultipartUpload"
    if "uploadId" in request.query:
        return {"PUT": "UploadPart", "POST": "CompleteMultipartUpload", "DELETE": "AbortMultipartUpload"}.get(
            request.method, "ListParts"
        )
    return f"{request.method.capitalize()}{of}"


def _parts(body: bytes) -> list[dict[str, str]]:
    return [dict(_FIELD.findall(part)) for part in _PART.findall(body.decode())]


def _told(checksum: str) -> web.Response:
    return web.Response(headers={"ETag": '"x"', _CHECKSUM: checksum})


def _xml(root: str, **fields: str) -> web.Response:
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    text = f'<?xml version="1.0"?><{root} xmlns="{_NAMESPACE}">{inner}</{root}>'
    return web.Response(text=text, content_type="application/xml")
