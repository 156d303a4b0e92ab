"""Rescue copies in a bucket of S3: sent in parts, each with its SHA-256, which S3 checks and gives again when asked.

An object is there when all its parts are, and not before. S3 gives no SHA-256 of a whole object that came in parts, but
that of the parts' SHA-256s; so it is that which proves it later on.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from actions.adapters.aws.s3 import NotThereError, TakenError, call
from actions.kit.errors import ActionError, RescueFailed
from actions.kit.rescue_place import Bucket

PART_BYTES, LARGER_PART_BYTES = 16 * 1024 * 1024, 64 * 1024 * 1024
_LARGER_FROM = 2_000
"""The parts from here on are larger: S3 takes 10,000 at most, which makes half a terabyte."""
CHECKSUM = "checksum"
_ALGORITHM = {"ChecksumAlgorithm": "SHA256"}


class BucketStore:
    """See ``actions.adapters.rescue.store.Store``. The copies of a target have its name before theirs."""

    def __init__(self, bucket: Bucket, target: str) -> None:
        self._bucket = bucket
        self._target = target

    @property
    def where(self) -> str:
        """See ``Store.where``."""
        return f"{self._bucket}/{self._target}"

    def path(self, file: str) -> str:
        """See ``Store.path``."""
        return f"{self.where}/{file}"

    async def free_bytes(self) -> int | None:
        """See ``Store.free_bytes``. That it can be written is tried with an object that never comes to be."""
        await call(self._bucket, "head_bucket")
        begun = await call(self._bucket, "create_multipart_upload", Key=self._key("room"), **_ALGORITHM)
        await call(self._bucket, "abort_multipart_upload", Key=self._key("room"), UploadId=begun["UploadId"])
        return None

    async def read(self, file: str) -> bytes | None:
        """See ``Store.read``."""
        try:
            answer = await call(self._bucket, "get_object", Key=self._key(file), ChecksumMode="ENABLED")
        except NotThereError:
            return None
        return bytes(answer["Body"])

    async def put(self, file: str, content: bytes, *, over: bool) -> None:
        """See ``Store.put``."""
        condition = {} if over else {"IfNoneMatch": "*"}
        checksum = _base64(hashlib.sha256(content).digest())
        try:
            await call(
                self._bucket, "put_object", Key=self._key(file), Body=content, ChecksumSHA256=checksum, **condition
            )
        except TakenError:
            return

    async def draft(self, file: str) -> BucketDraft:
        """See ``Store.draft``."""
        if await self._head(file) is not None:
            raise RescueFailed(f"{self.path(file)} is there already, and no copy is ever written over.")
        begun = await call(self._bucket, "create_multipart_upload", Key=self._key(file), **_ALGORITHM)
        return BucketDraft(self, self._bucket, self._key(file), file, begun["UploadId"])

    async def intact(self, file: str, size_bytes: int, sha256: str, proof: Mapping[str, Any]) -> bool | None:  # noqa: ARG002 -- S3 does not know it.
        """See ``Store.intact``."""
        head = await self._head(file)
        return None if head is None else head == (size_bytes, proof.get(CHECKSUM))

    async def _head(self, file: str) -> tuple[int, str | None] | None:
        """Its size and its checksum; ``None`` where it is not there."""
        try:
            answer = await call(self._bucket, "head_object", Key=self._key(file), ChecksumMode="ENABLED")
        except NotThereError:
            return None
        return answer["ContentLength"], answer.get("ChecksumSHA256")

    def _key(self, file: str) -> str:
        return "/".join(filter(None, (self._bucket.prefix, self._target, file)))


class BucketDraft:
    """See ``actions.adapters.rescue.store.Draft``: an upload in parts, one of which is in memory."""

    def __init__(self, store: BucketStore, bucket: Bucket, key: str, file: str, upload: str) -> None:
        self._store = store
        self._bucket = bucket
        self._file = file
        self._names: dict[str, Any] = {"Key": key, "UploadId": upload}
        self._waiting = bytearray()
        self._size = 0
        self._parts: list[dict[str, Any]] = []
        self._checksum = ""
        self._published = False

    async def write(self, chunk: bytes) -> None:
        """See ``Draft.write``."""
        self._waiting += chunk
        self._size += len(chunk)
        while len(self._waiting) >= (size := _part_bytes(len(self._parts))):
            await self._send(bytes(memoryview(self._waiting)[:size]))
            del self._waiting[:size]

    async def seal(self, sha256: str) -> Mapping[str, Any]:  # noqa: ARG002 -- S3 knows those of the parts.
        """See ``Draft.seal``: S3 has checked each part when it took it."""
        if self._waiting or not self._parts:
            await self._send(bytes(self._waiting))
            self._waiting.clear()
        digests = b"".join(base64.b64decode(part["ChecksumSHA256"]) for part in self._parts)
        self._checksum = f"{_base64(hashlib.sha256(digests).digest())}-{len(self._parts)}"
        return {CHECKSUM: self._checksum}

    async def publish(self) -> None:
        """See ``Draft.publish``. Where the answer is lost it is asked whether it is there."""
        whole = {"Parts": self._parts}
        try:
            await call(self._bucket, "complete_multipart_upload", **self._names, MultipartUpload=whole, IfNoneMatch="*")
        except ActionError:
            if not await self._is_there():
                raise
        if not await self._is_there():
            raise RescueFailed(f"What is at {self._store.path(self._file)} is not what was sent there.")
        self._published = True

    async def discard(self) -> None:
        """See ``Draft.discard``."""
        if self._published:
            return
        try:
            await call(self._bucket, "abort_multipart_upload", **self._names)
        except ActionError:
            return  # The bucket's own rule for uploads that nobody ends removes it; see docs/rescue.md.

    async def _is_there(self) -> bool:
        return bool(await self._store.intact(self._file, self._size, "", {CHECKSUM: self._checksum}))

    async def _send(self, part: bytes) -> None:
        number, checksum = len(self._parts) + 1, _base64(hashlib.sha256(part).digest())
        given = {"PartNumber": number, "Body": part, "ChecksumSHA256": checksum}
        answer = await call(self._bucket, "upload_part", **self._names, **given)
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum})


def _part_bytes(sent: int) -> int:
    return PART_BYTES if sent < _LARGER_FROM else LARGER_PART_BYTES


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
