"""A local S3 with one bucket that speaks the wire protocol to boto3: what storing large objects safely takes, no more.

It proves nothing about the real S3. It checks signatures and checksums, takes parts of the sizes that S3 takes, lets an
object be there only when its upload is complete, and writes over nothing where that is asked.
"""

from sandbox.s3.server import LocalS3

__all__ = ["LocalS3"]
