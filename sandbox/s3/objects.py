"""The objects of one bucket, and the uploads that are not complete, with the rules that S3 publishes. No I/O here."""

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.elasticache.errors import AwsError

LEAST_PART = 5 * 1024 * 1024
MOST_PARTS = 10_000


@dataclass
class Stored:
    """An object in the parts in which it came; an object that came at once is one, and no upload."""

    parts: list[bytes]
    in_parts: bool

    @property
    def content(self) -> bytes:
        """All of it."""
        return b"".join(self.parts)

    @property
    def checksum(self) -> str:
        """Its SHA-256 in base64; of what came in parts that of their SHA-256s, and how many they are."""
        if not self.in_parts:
            return in_base64(self.content)
        digests = b"".join(hashlib.sha256(part).digest() for part in self.parts)
        return f"{in_base64(digests)}-{len(self.parts)}"


@dataclass
class Objects:
    """By key; `uploads` by their ids, each with its key and its parts by number."""

    stored: dict[str, Stored] = field(default_factory=dict)
    uploads: dict[str, tuple[str, dict[int, bytes]]] = field(default_factory=dict)

    def put(self, key: str, content: bytes, checksum: str | None, *, only_new: bool) -> str:
        """Store it, and give its checksum; AwsError as S3 refuses it."""
        _same(content, checksum)
        self._free(key, only_new=only_new)
        self.stored[key] = Stored([content], in_parts=False)
        return self.stored[key].checksum

    def get(self, key: str) -> Stored:
        """AwsError where there is none."""
        if key not in self.stored:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        return self.stored[key]

    def begin(self, key: str) -> str:
        """The id of a new upload."""
        upload = secrets.token_hex(16)
        self.uploads[upload] = (key, {})
        return upload

    def add(self, key: str, upload: str, number: int, content: bytes, checksum: str | None) -> str:
        """Keep one part, and give its checksum."""
        parts = self._upload(key, upload)
        if not 1 <= number <= MOST_PARTS:
            raise AwsError("InvalidArgument", f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive")
        _same(content, checksum)
        parts[number] = content
        return in_base64(content)

    def complete(self, key: str, upload: str, named: Sequence[Mapping[str, str]], *, only_new: bool) -> Stored:
        """Make the object of the parts that are named; AwsError as S3 refuses it."""
        parts = self._upload(key, upload)
        self._free(key, only_new=only_new)
        chosen = []
        for part in named:
            content = parts.get(int(part["PartNumber"]))
            if content is None or part.get("ChecksumSHA256") != in_base64(content):
                raise AwsError("InvalidPart", "One or more of the specified parts could not be found.")
            chosen.append(content)
        if not chosen:
            raise AwsError("MalformedXML", "The XML you provided was not well-formed.")
        if any(len(content) < LEAST_PART for content in chosen[:-1]):
            raise AwsError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        del self.uploads[upload]
        self.stored[key] = Stored(chosen, in_parts=True)
        return self.stored[key]

    def abort(self, key: str, upload: str) -> None:
        """Forget the upload."""
        self._upload(key, upload)
        del self.uploads[upload]

    def damage(self, key: str) -> None:
        """Let one bit of an object be another one."""
        first = self.stored[key].parts[0]
        self.stored[key].parts[0] = bytes([first[0] ^ 1]) + first[1:]

    def _upload(self, key: str, upload: str) -> dict[int, bytes]:
        at, parts = self.uploads.get(upload, ("", {}))
        if at != key:
            raise AwsError("NoSuchUpload", "The specified multipart upload does not exist.", 404)
        return parts

    def _free(self, key: str, *, only_new: bool) -> None:
        if only_new and key in self.stored:
            raise AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)


def in_base64(content: bytes) -> str:
    """Its SHA-256 as S3 writes it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _same(content: bytes, checksum: str | None) -> None:
    if checksum is not None and checksum != in_base64(content):
        raise AwsError("BadDigest", "The SHA256 you specified did not match the calculated checksum.")
