"""Rows of the losses on triplets. Knows no torch."""

from mlcore.losses.spec import BATCH, DISTANCE, HINGE, LOSS, NEGATIVES, POSITIVE_PAIRS, POSITIVES, LossSpec, Parameter

TRIPLETS: dict[str, LossSpec] = {
    "triplet_semi_hard": LossSpec(
        title="Triplet, semi-hard",
        family="triplets",
        paper="Schroff et al., FaceNet: A Unified Embedding for Face Recognition and Clustering, CVPR 2015",
        idea="A picture's positive has to be nearer than its negative, by a margin; the negative taken is "
        "the nearest one that is not nearer than the positive already.",
        formula=r"\mathcal{L} = \frac{1}{|\mathcal{P}|} \sum_{(i,p) \in \mathcal{P}} \Big[ d_{ip}^2 - \min_{n \in "
        r"N_i,\; d_{in} > d_{ip}} d_{in}^2 + \alpha \Big]_+",
        symbols=LOSS | DISTANCE | POSITIVE_PAIRS | NEGATIVES | HINGE,
        parameters={
            "margin": Parameter(0.2, above=0, high=4, meaning="in squared distances of unit vectors (alpha)"),
        },
        letters={"margin": r"\alpha"},
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
        formula=r"\mathcal{L} = \frac{1}{B} \sum_{i=1}^{B} \Big[ \max_{p \in P_i} d_{ip} - \min_{n \in N_i} d_{in} + "
        r"m \Big]_+",
        symbols=BATCH | DISTANCE | POSITIVES | NEGATIVES | HINGE,
        parameters={
            "margin": Parameter(0.2, above=0, high=2, meaning="in distances of unit vectors"),
        },
        letters={"margin": "m"},
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
        formula=r"\mathcal{L} = \frac{1}{T} \sum_{(i,p) \in \mathcal{P}} \left( [d_{ip} - \beta + \alpha]_+ + [\beta "
        r"+ \alpha - d_{in}]_+ \right)",
        where=(
            r"\Pr(n) \propto \frac{1}{q(\max(d_{in}, 0.5))}",
            r"q(d) = d^{D - 2} \Big( 1 - \frac{d^2}{4} \Big)^{(D - 3) / 2}",
        ),
        symbols=LOSS
        | DISTANCE
        | POSITIVE_PAIRS
        | HINGE
        | {
            "n": "a picture of another class, drawn anew for each pair",
            "q(d)": "how often two random points of the sphere are at distance d",
            "D": "numbers of an embedding",
            "T": "terms that cost something",
        },
        parameters={
            "beta": Parameter(1.2, above=0, high=2, meaning="the boundary, a distance of unit vectors"),
            "margin": Parameter(0.2, above=0, high=2, meaning="half the gap around the boundary (alpha)"),
        },
        letters={"beta": r"\beta", "margin": r"\alpha"},
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
        formula=r"\mathcal{L} = -\frac{1}{A} \sum_{i=1}^{A} \log \frac{e^{\sigma \, x_i^\top x_i^+}}{\sum_{j=1}^{A} "
        r"e^{\sigma \, x_i^\top x_j^+}}",
        symbols=LOSS
        | {
            "x_i": "the first picture of class i's pair, its embedding scaled to length 1",
            "x_i^+": "the second one",
            "A": "classes of the batch",
        },
        parameters={
            "scale": Parameter(20.0, above=0, meaning="multiplies similarities before the softmax"),
        },
        letters={"scale": r"\sigma"},
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
        formula=r"\mathcal{L} = \frac{1}{B} \sum_{i=1}^{B} \left( \frac{1}{|P_i|} \sum_{p \in P_i} \left( d_{ip} - "
        r"(\alpha - m) \right) + \sum_{n \in N_i} \frac{w_{in}}{\sum_{k \in N_i} w_{ik}} \left( \alpha - "
        r"d_{in} \right) \right)",
        where=(r"w_{in} = e^{T (\alpha - d_{in})}",),
        symbols=BATCH
        | DISTANCE
        | {
            "P_i": "pictures of i's class that lie outside its ball",
            "N_i": "pictures of other classes that lie within the boundary",
            "w_{in}": "weight of a negative, larger the nearer it is; it carries no gradient",
        },
        parameters={
            "boundary": Parameter(1.2, above=0, high=2, meaning="distance beyond which negatives belong (alpha)"),
            "margin": Parameter(0.4, above=0, high=2, meaning="between a class's ball and the boundary (m)"),
            "temperature": Parameter(10.0, low=0, meaning="how much more the nearest negatives count (T)"),
        },
        letters={"boundary": r"\alpha", "margin": "m", "temperature": "T"},
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.ranked_list:RankedListLoss",
    ),
}
