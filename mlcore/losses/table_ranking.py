"""Rows of the losses on rankings. Knows no torch."""

from mlcore.losses.spec import BATCH, COSINE, NEGATIVES, POSITIVES, SIGMOID, LossSpec, Parameter

RANKING: dict[str, LossSpec] = {
    "fast_ap": LossSpec(
        title="FastAP",
        family="ranking",
        paper="Cakir et al., Deep Metric Learning to Rank, CVPR 2019",
        idea="Average precision itself is the goal: distances are put softly into bins, "
        "and precision is counted bin by bin.",
        formula=r"\mathcal{L} = 1 - \frac{1}{B} \sum_{i=1}^{B} \frac{1}{|P_i|} \sum_{l=0}^{L} \frac{h_{i,l}^+ \, "
        "H_{i,l}^+}{H_{i,l}}",
        symbols=BATCH
        | POSITIVES
        | {
            "h_{i,l}^+": "pictures of i's class at about the squared distance of edge l; "
            "one between two edges is shared by both",
            "H_{i,l}^+": "those up to edge l",
            "H_{i,l}": "pictures of any class up to edge l",
        },
        parameters={
            "bins": Parameter(10, low=1, high=256, meaning="bins of the histogram of distances (L)"),
        },
        letters={"bins": "L"},
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
        formula=r"\mathcal{L} = 1 - \frac{1}{B} \sum_{i=1}^{B} \frac{1}{|P_i|} \sum_{p \in P_i} \frac{1 + \sum_{q \in "
        r"P_i \setminus p} \sigma_\tau(s_{iq} - s_{ip})}{1 + \sum_{q \in (P_i \cup N_i) \setminus p} "
        r"\sigma_\tau(s_{iq} - s_{ip})}",
        symbols=BATCH | COSINE | POSITIVES | NEGATIVES | SIGMOID,
        parameters={
            "temperature": Parameter(0.01, above=0, meaning="softness of the step (tau)"),
        },
        letters={"temperature": r"\tau"},
        sampler="balanced",
        has_proxies=False,
        target="mlcore.losses.smooth_ap:SmoothApLoss",
    ),
    "recall_at_k_surrogate": LossSpec(
        title="Recall@k surrogate",
        family="ranking",
        paper="Patel et al., Recall@k Surrogate Loss with Large Batches and Similarity Mixup, CVPR 2022",
        idea="Recall at several k is the goal: one sigmoid counts who comes before a positive, "
        "another says softly whether that rank is within k. Recall is the share of all positives, and a picture "
        "is not in its own ranking; the authors' code divides by at most k, caps the count at k and ranks the "
        "picture too. A perfect batch of 4 a class costs 0.27 here, 0.21 there.",
        formula=r"\mathcal{L} = 1 - \frac{1}{B} \sum_{i=1}^{B} \frac{1}{|P_i| \, |\mathcal{K}|} \sum_{p \in P_i} "
        r"\sum_{k \in \mathcal{K}} \sigma_{\tau_1}(k - r_{ip})",
        where=(r"r_{ip} = 1 + \sum_{q \neq i, p} \sigma_{\tau_2}(s_{iq} - s_{ip})",),
        symbols=BATCH
        | COSINE
        | POSITIVES
        | SIGMOID
        | {
            r"\mathcal{K}": "1, 2, 4, 8 and so on, up to the largest k",
            "r_{ip}": "the soft rank of picture p among the answers to picture i",
        },
        parameters={
            "largest_k": Parameter(16, low=1, high=4096, meaning="the k are the powers of two up to this one"),
            "rank_temperature": Parameter(1.0, above=0, meaning="softness of the cut at k, in ranks (tau 1)"),
            "temperature": Parameter(0.01, above=0, meaning="softness of the step, in cosines (tau 2)"),
        },
        letters={"largest_k": r"\max \mathcal{K}", "rank_temperature": r"\tau_1", "temperature": r"\tau_2"},
        sampler="balanced",
        has_proxies=False,
        target="mlcore.losses.recall_at_k_surrogate:RecallAtKSurrogateLoss",
    ),
}
