"""Amazon ElastiCache by boto3: the only package that speaks to AWS. The SDK is loaded with the first question."""

from __future__ import annotations

from actions.adapters.aws.group import AwsElastiCache

__all__ = ["AwsElastiCache"]
