"""Every kind of step there is: the ledger reads a stored plan back with these. No I/O here."""

from actions.kit import (
    by_hand,
    following,
    opening,
    promotion,
    recheck,
    rejoin,
    sentinel_naming,
    sentinel_opening,
    sentinel_steps,
    sentinel_switch,
    steps,
)
from actions.kit.cluster import forced
from actions.kit.cluster import steps as cluster_steps
from actions.kit.elasticache import proof as elasticache_proof
from actions.kit.elasticache import steps as elasticache_steps
from actions.kit.elasticache import switching
from actions.kit.flushing import copied as flush_copied
from actions.kit.flushing import proof as flush_proof
from actions.kit.flushing import steps as flushing
from actions.kit.kubernetes import steps as application
from actions.kit.plan import Step
from actions.kit.repair import demotion, fence, rescue
from actions.kit.tuning import steps as tuning

STEP_TYPES: tuple[type[Step], ...] = (
    steps.Fence,
    steps.CatchUp,
    steps.Demote,
    steps.PutBack,
    steps.Prove,
    sentinel_steps.Steer,
    sentinel_steps.AwaitInfo,
    recheck.Recheck,
    sentinel_switch.LastLook,
    sentinel_switch.SentinelFailover,
    sentinel_steps.AwaitSentinels,
    sentinel_opening.OpenNamed,
    promotion.FenceCandidate,
    promotion.Promote,
    opening.OpenForWrites,
    rejoin.Rejoin,
    following.Repoint,
    following.KeepRoles,
    by_hand.StillLost,
    sentinel_naming.TellSentinels,
    cluster_steps.CheckShard,
    cluster_steps.ClusterFailover,
    cluster_steps.AwaitAgreement,
    cluster_steps.LetGo,
    cluster_steps.ProveShards,
    application.SwitchApplication,
    application.AwaitRollout,
    elasticache_steps.HoldWrites,
    switching.TurnFailoverOff,
    elasticache_steps.CallTestFailover,
    elasticache_steps.MakePrimary,
    switching.TurnFailoverOn,
    elasticache_proof.ProveMove,
    forced.MasterLost,
    fence.CaptureEvidence,
    fence.SeeRoom,
    fence.HoldData,
    fence.FenceLoser,
    rescue.RescueLoser,
    rescue.CompareSides,
    demotion.DemoteLoser,
    demotion.ReleaseLoser,
    demotion.ReportCopy,
    tuning.SetOn,
    tuning.SeeSettings,
    tuning.KeepSettings,
    flush_copied.RescueMaster,
    flushing.FlushMaster,
    flush_proof.TakeWrites,
    flush_proof.SeeFlushed,
)
