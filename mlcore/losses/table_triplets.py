"""The losses on triplets, as the table of losses has them."""

from mlcore.losses.spec import LossSpec, Parameter

TRIPLETS: dict[str, LossSpec] = {
    "triplet_semi_hard": LossSpec(
        title="Triplet, semi-hard",
        family="triplets",
        paper="Schroff et al., FaceNet: A Unified Embedding for Face Recognition and Clustering, CVPR 2015",
        idea="A picture's positive has to be nearer than its negative, by a margin; the negative taken is "
        "the nearest one that is not nearer than the positive already.",
        parameters={
            "margin": Parameter(0.2, above=0, high=4, meaning="in squared distances of unit vectors (alpha)"),
        },
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.triplet_semi_hard:TripletSemiHardLoss",
    ),
    "triplet_hard": LossSpec(
        title="Triplet, hard",
        family="triplets",
        paper="Hermans et al., In Defense of the Triplet Loss for Person Re-Identification, 2017",
        idea="The farthest positive of a picture has to be nearer than its nearest negative, by a margin: "
        "the hardest triplet that the batch holds for it.",
        parameters={
            "margin": Parameter(0.2, above=0, high=2, meaning="in distances of unit vectors"),
        },
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.triplet_hard:TripletHardLoss",
    ),
    "margin": LossSpec(
        title="Margin",
        family="triplets",
        paper="Wu et al., Sampling Matters in Deep Embedding Learning, ICCV 2017",
        idea="One boundary for all: positives stay within it, negatives beyond. Negatives are drawn so that "
        "all distances are seen equally often, not mostly the usual ones.",
        parameters={
            "beta": Parameter(1.2, above=0, high=2, meaning="the boundary, a distance of unit vectors"),
            "margin": Parameter(0.2, above=0, high=2, meaning="half the gap around the boundary (alpha)"),
        },
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.margin:MarginLoss",
    ),
    "n_pairs": LossSpec(
        title="N-pairs",
        family="triplets",
        paper="Sohn, Improved Deep Metric Learning with Multi-class N-pair Loss Objective, NIPS 2016",
        idea="A picture has to find its own class among one picture of every class of the batch: "
        "as many negatives as there are classes at the price of one triplet.",
        parameters={
            "scale": Parameter(20.0, above=0, meaning="multiplies similarities before the softmax"),
        },
        sampler="balanced",
        has_proxies=False,
        target="mlcore.losses.n_pairs:NPairsLoss",
    ),
    "ranked_list": LossSpec(
        title="Ranked list",
        family="triplets",
        paper="Wang et al., Ranked List Loss for Deep Metric Learning, CVPR 2019",
        idea="A picture's whole list at once: its class is drawn into a ball, not into a point, and everybody "
        "else is pushed beyond a boundary, the nearest hardest.",
        parameters={
            "boundary": Parameter(1.2, above=0, high=2, meaning="distance beyond which strangers belong (alpha)"),
            "margin": Parameter(0.4, above=0, high=2, meaning="between a class's ball and the boundary (m)"),
            "temperature": Parameter(10.0, low=0, meaning="how much more the nearest strangers count (T)"),
        },
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.ranked_list:RankedListLoss",
    ),
}
