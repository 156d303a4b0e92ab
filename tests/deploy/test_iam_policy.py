"""The IAM policy allows what the adapter asks of AWS, and nothing else."""

import ast
import json
from pathlib import Path

import botocore.session

import actions.adapters.aws.bucket
import actions.adapters.aws.group

ROOT = Path(__file__).parents[2]
CALLS = {"_call", "_pages"}
RIGHTS = {"head_bucket": "ListBucket", "head_object": "GetObject", "get_object": "GetObject"}
RIGHTS |= {"abort_multipart_upload": "AbortMultipartUpload"}
"""What S3 asks for where it is not PutObject."""


def statements() -> list[dict[str, object]]:
    return json.loads((ROOT / "deploy/aws/iam-policy.json").read_text())["Statement"]


def asked() -> set[str]:
    """The operations that the source names, as boto3's client does."""
    tree = ast.parse(Path(actions.adapters.aws.group.__file__).read_text())
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute))
    named = (call.args[0] for call in calls if call.func.attr in CALLS and call.args)
    return {name.value for name in named if isinstance(name, ast.Constant)}


def test_every_action_that_is_called_is_allowed_and_no_other():
    model = botocore.session.get_session().get_service_model("elasticache")
    own = {"".join(map(str.capitalize, name.split("_"))) for name in asked()}
    assert own <= set(model.operation_names)
    assert {action for one in statements() for action in one["Action"]} == {f"elasticache:{name}" for name in own}


def test_only_looking_is_allowed_everywhere():
    everywhere = [action for one in statements() if one["Resource"] == "*" for action in one["Action"]]
    assert everywhere
    assert all(action.startswith("elasticache:Describe") for action in everywhere)
    assert all(one["Effect"] == "Allow" and "*" not in "".join(one["Action"]) for one in statements())


def test_rescue_copies_may_be_put_and_read_and_by_no_means_removed():
    tree = ast.parse(Path(actions.adapters.aws.bucket.__file__).read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "call"]
    operations = {call.args[1].value for call in calls}
    assert len(operations) == 8
    policy = json.loads((ROOT / "deploy/aws/iam-policy-rescue.json").read_text())["Statement"]
    allowed = {
        right for one in policy for right in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    }
    assert allowed == {f"s3:{RIGHTS.get(name, 'PutObject')}" for name in operations}
