"""Rescue copies in a bucket: in parts, whole or not at all, and never in the place of something else."""

import asyncio
import hashlib
import os

import pytest

from actions.adapters.aws import bucket as bucket_module
from actions.adapters.aws.bucket import BucketStore
from actions.adapters.rescue.copying import drafted, write
from actions.kit.errors import RescueFailed, Unreachable
from actions.kit.rescue_place import Bucket
from sandbox.s3 import LocalS3

PART = 5 * 1024 * 1024
CONTENT = os.urandom(2 * PART + 1000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
async def s3(monkeypatch):
    monkeypatch.setattr(bucket_module, "PART_BYTES", PART)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    async with LocalS3() as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        yield s3


def store_at(s3, **changes):
    known = {"name": s3.bucket, "prefix": "tandem", "region": s3.region, "endpoint_url": s3.endpoint_url}
    return BucketStore(Bucket(**(known | changes)), "orders")


async def in_chunks(content):
    for start in range(0, len(content), 700_000):
        yield content[start : start + 700_000]


async def stored(store, content=CONTENT):
    async with drafted(store, "copy.rdb") as draft:
        taken = await write(draft, in_chunks(content))
        await draft.publish()
    return taken


async def test_what_was_sent_is_there_in_parts_and_proves_itself(s3):
    store = store_at(s3)
    assert store.path("copy.rdb") == "s3://rescue-copies/tandem/orders/copy.rdb"
    assert await store.free_bytes() is None
    taken = await stored(store)
    assert (taken.size_bytes, taken.sha256) == (len(CONTENT), SHA256)
    assert s3.calls.count("UploadPart") == 3
    assert s3.objects.stored["tandem/orders/copy.rdb"].content == CONTENT
    assert await store.intact("copy.rdb", taken.size_bytes, SHA256, taken.proof) is True
    assert await store.intact("copy.rdb", taken.size_bytes - 1, SHA256, taken.proof) is False
    s3.objects.damage("tandem/orders/copy.rdb")
    assert await store.intact("copy.rdb", taken.size_bytes, SHA256, taken.proof) is False
    del s3.objects.stored["tandem/orders/copy.rdb"]
    assert await store.intact("copy.rdb", taken.size_bytes, SHA256, taken.proof) is None
    assert s3.objects.uploads == {}


async def test_nothing_is_written_over(s3):
    store = store_at(s3)
    await store.put("seen.json", b"first", over=False)
    await store.put("seen.json", b"second", over=False)
    assert await store.read("seen.json") == b"first"
    await store.put("seen.json", b"third", over=True)
    assert await store.read("seen.json") == b"third"
    assert await store.read("other.json") is None

    async with drafted(store, "copy.rdb") as late:
        await late.write(b"late")
        await stored(store, b"early")
        await late.seal("")
        with pytest.raises(RescueFailed, match="has an object of that name already"):
            await late.publish()
    with pytest.raises(RescueFailed, match=r"copy\.rdb is there already, and no copy is ever written over"):
        await store.draft("copy.rdb")
    assert s3.objects.stored["tandem/orders/copy.rdb"].content == b"early"
    assert s3.objects.uploads == {}


async def test_whoever_gives_up_leaves_nothing(s3):
    store, begun = store_at(s3), asyncio.Event()

    async def chunks():
        yield CONTENT
        begun.set()
        await asyncio.Event().wait()

    async def take():
        async with drafted(store, "copy.rdb") as draft:
            await write(draft, chunks())

    taking = asyncio.create_task(take())
    await begun.wait()
    assert len(s3.objects.uploads) == 1
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    assert (s3.objects.uploads, s3.objects.stored) == ({}, {})


async def test_what_fails_once_is_sent_again_and_an_answer_that_is_lost_is_asked_for(s3):
    s3.failing["UploadPart"] = 1
    s3.lost.add("CompleteMultipartUpload")
    taken = await stored(store_at(s3))
    assert s3.calls.count("UploadPart") == 4
    assert s3.objects.stored["tandem/orders/copy.rdb"].content == CONTENT
    assert taken.sha256 == SHA256


async def test_what_is_wrong_is_said_before_anything_is_begun(s3, monkeypatch):
    for operation in ("CreateMultipartUpload", "AbortMultipartUpload"):
        s3.denied = {operation}
        with pytest.raises(
            RescueFailed, match=rf"S3 does not let us {operation} in s3://rescue-copies/tandem: deploy/aws/"
        ):
            await store_at(s3).free_bytes()
    s3.denied = set()
    with pytest.raises(RescueFailed, match=r"There is no bucket elsewhere; rescue: in targets\.yaml names it"):
        await store_at(s3, name="elsewhere").free_bytes()
    s3.failing["HeadBucket"] = 3
    with pytest.raises(Unreachable, match="S3 failed to answer HeadBucket"):
        await store_at(s3).free_bytes()
    with pytest.raises(Unreachable, match="S3 gave no answer to HeadBucket"):
        await store_at(s3, endpoint_url="http://127.0.0.1:1").free_bytes()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    monkeypatch.setenv("AWS_DEFAULT_REGION", s3.region)
    with pytest.raises(RescueFailed, match=r"S3 refuses PutObject in .* \(SignatureDoesNotMatch\)"):
        await store_at(s3, region=None).put("seen.json", b"x", over=False)
