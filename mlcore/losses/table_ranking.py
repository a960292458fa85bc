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
}
