"""The losses on rankings, as the table of losses has them."""

from mlcore.losses.spec import LossSpec, Parameter

RANKING: dict[str, LossSpec] = {
    "fast_ap": LossSpec(
        title="FastAP",
        family="ranking",
        paper="Cakir et al., Deep Metric Learning to Rank, CVPR 2019",
        idea="Average precision itself is the goal: distances are put softly into bins, "
        "and precision is counted bin by bin.",
        parameters={
            "bins": Parameter(10, low=1, high=256, meaning="bins of the histogram of distances (L)"),
        },
        sampler="balanced",
        has_proxies=False,
        target="mlcore.losses.fast_ap:FastApLoss",
    ),
    "smooth_ap": LossSpec(
        title="SmoothAP",
        family="ranking",
        paper="Brown et al., Smooth-AP: Smoothing the Path Towards Large-Scale Image Retrieval, ECCV 2020",
        idea="Average precision itself is the goal: a sigmoid takes the place of the step "
        "that counts which pictures come before a positive.",
        parameters={
            "temperature": Parameter(0.01, above=0, meaning="softness of the step (tau)"),
        },
        sampler="balanced",
        has_proxies=False,
        target="mlcore.losses.smooth_ap:SmoothApLoss",
    ),
    "recall_at_k_surrogate": LossSpec(
        title="Recall@k surrogate",
        family="ranking",
        paper="Patel et al., Recall@k Surrogate Loss with Large Batches and Similarity Mixup, CVPR 2022",
        idea="Recall at several k is the goal: one sigmoid counts who comes before a positive, "
        "another says softly whether that rank is within k.",
        parameters={
            "largest_k": Parameter(16, low=1, high=4096, meaning="the k are the powers of two up to this one"),
            "rank_temperature": Parameter(1.0, above=0, meaning="softness of the cut at k, in ranks (tau 1)"),
            "temperature": Parameter(0.01, above=0, meaning="softness of the step, in cosines (tau 2)"),
        },
        sampler="balanced",
        has_proxies=False,
        target="mlcore.losses.recall_at_k_surrogate:RecallAtKSurrogateLoss",
    ),
}
