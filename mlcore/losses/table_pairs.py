"""Rows of the losses on pairs. Knows no torch."""

from mlcore.losses.spec import (
    BATCH,
    COSINE,
    DISTANCE,
    HINGE,
    LOSS,
    NEGATIVES,
    PICTURE,
    POSITIVE_PAIRS,
    POSITIVES,
    LossSpec,
    Parameter,
)

PAIRS: dict[str, LossSpec] = {
    "multi_similarity": LossSpec(
        title="Multi-Similarity",
        family="pairs",
        paper="Wang et al., Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning, CVPR 2019",
        idea="Pairs within a batch are mined, then weighed by their own similarity and by that of the pairs "
        "around them, so that the most telling pairs pull and push hardest.",
        formula=r"\mathcal{L} = \frac{1}{B} \sum_{i=1}^{B} \left( \frac{1}{\alpha} \log \Big( 1 + \sum_{p \in P_i} "
        r"e^{-\alpha (s_{ip} - \lambda)} \Big) + \frac{1}{\beta} \log \Big( 1 + \sum_{n \in N_i} e^{\beta "
        r"(s_{in} - \lambda)} \Big) \right)",
        where=(
            r"P_i = \{ p : s_{ip} < \max_{n} s_{in} + \epsilon \}",
            r"N_i = \{ n : s_{in} > \min_{p} s_{ip} - \epsilon \}",
        ),
        symbols=BATCH
        | COSINE
        | {
            "P_i": "the mined positives: no nearer than the nearest negative, up to the slack",
            "N_i": "the mined negatives: no farther than the farthest of the class, give or take the slack",
        },
        parameters={
            "alpha": Parameter(2.0, above=0, meaning="sharpness of the positive pairs' weights"),
            "beta": Parameter(50.0, above=0, meaning="sharpness of the negative pairs' weights"),
            "base": Parameter(
                0.5, low=-1, high=1, search=(0.1, 0.9), meaning="similarity at which pulling turns to pushing (lambda)"
            ),
            "epsilon": Parameter(0.1, low=0, meaning="slack of the miner"),
        },
        letters={"alpha": r"\alpha", "beta": r"\beta", "base": r"\lambda", "epsilon": r"\epsilon"},
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.multi_similarity:MultiSimilarityLoss",
    ),
    "multi_similarity_no_miner": LossSpec(
        title="Multi-Similarity without miner",
        family="pairs",
        paper="Wang et al., Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning, CVPR 2019",
        idea="The weights of Multi-Similarity on every pair of a batch, none left out: "
        "what its miner is worth shows in the difference.",
        formula=r"\mathcal{L} = \frac{1}{B} \sum_{i=1}^{B} \left( \frac{1}{\alpha} \log \Big( 1 + \sum_{p \in P_i} "
        r"e^{-\alpha (s_{ip} - \lambda)} \Big) + \frac{1}{\beta} \log \Big( 1 + \sum_{n \in N_i} e^{\beta "
        r"(s_{in} - \lambda)} \Big) \right)",
        symbols=BATCH | COSINE | POSITIVES | NEGATIVES,
        parameters={
            "alpha": Parameter(2.0, above=0, meaning="sharpness of the positive pairs' weights"),
            "beta": Parameter(50.0, above=0, meaning="sharpness of the negative pairs' weights"),
            "base": Parameter(
                0.5, low=-1, high=1, search=(0.1, 0.9), meaning="similarity at which pulling turns to pushing (lambda)"
            ),
        },
        letters={"alpha": r"\alpha", "beta": r"\beta", "base": r"\lambda"},
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.multi_similarity_no_miner:MultiSimilarityNoMinerLoss",
    ),
    "contrastive": LossSpec(
        title="Contrastive",
        family="pairs",
        paper="Hadsell et al., Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006",
        idea="Two pictures of a class are pulled together, two of different classes "
        "are pushed apart until they are a margin away. The oldest loss of the field.",
        formula=r"\mathcal{L} = \frac{1}{|\mathcal{P}|} \sum_{(i,j) \in \mathcal{P}} \frac{1}{q} [d_{ij} - m_+]_+^q + "
        r"\frac{1}{|\mathcal{N}|} \sum_{(i,j) \in \mathcal{N}} \frac{1}{q} [m_- - d_{ij}]_+^q",
        symbols=LOSS
        | DISTANCE
        | HINGE
        | {
            r"\mathcal{P}": "pairs of one class that are farther apart than their margin",
            r"\mathcal{N}": "pairs of different classes that are nearer than theirs",
        },
        parameters={
            "positive_margin": Parameter(
                0.0, low=0, high=2, search=(0.0, 0.5), meaning="distance up to which a positive pair costs nothing"
            ),
            "negative_margin": Parameter(
                0.5, above=0, high=2, meaning="distance from which a negative pair costs nothing"
            ),
            "power": Parameter(
                1,
                low=1,
                high=2,
                tuned=False,
                before=2,
                meaning="1: the excess of distance as it is, as in pytorch-metric-learning; 2: half its square, "
                "the paper's equation 4 (q)",
            ),
        },
        letters={"positive_margin": "m_+", "negative_margin": "m_-", "power": "q"},
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.contrastive:ContrastiveLoss",
        ascending=("positive_margin", "negative_margin"),
    ),
    "snr_contrastive": LossSpec(
        title="SNR-contrastive",
        family="pairs",
        paper="Yuan et al., Signal-to-Noise Ratio: A Robust Distance Metric for Deep Metric Learning, CVPR 2019",
        idea="The contrastive loss on another distance: how much two pictures' vectors differ (noise), "
        "measured by how much the anchor's own numbers vary (signal).",
        formula=r"\mathcal{L} = \frac{1}{|\mathcal{P}|} \sum_{(i,j) \in \mathcal{P}} [r_{ij} - m_+]_+ + "
        r"\frac{1}{|\mathcal{N}|} \sum_{(i,j) \in \mathcal{N}} [\alpha - r_{ij}]_+ + \frac{\lambda}{B} "
        r"\sum_{i=1}^{B} \Big| \sum_{k=1}^{D} x_{ik} \Big|",
        where=(r"r_{ij} = \frac{\mathrm{var}(x_j - x_i)}{\mathrm{var}(x_i)}",),
        symbols=BATCH
        | PICTURE
        | HINGE
        | {
            "r_{ij}": "noise over signal: the variance of the difference over that of the anchor, "
            "each over the numbers of one vector",
            "x_{ik}": "number k of an embedding",
            "D": "numbers of an embedding",
            r"\mathcal{P}": "pairs of one class that are farther apart than their margin",
            r"\mathcal{N}": "pairs of different classes that are nearer than theirs",
        },
        parameters={
            "positive_margin": Parameter(
                0.0, search=(0.0, 0.5), low=0, meaning="ratio up to which a positive pair costs nothing"
            ),
            "negative_margin": Parameter(
                1.0, above=0, meaning="ratio from which a negative pair costs nothing (alpha)"
            ),
            "zero_mean": Parameter(0.1, low=0, meaning="weight of the term that keeps a vector's mean at 0 (lambda)"),
        },
        letters={"positive_margin": "m_+", "negative_margin": r"\alpha", "zero_mean": r"\lambda"},
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.snr_contrastive:SnrContrastiveLoss",
        ascending=("positive_margin", "negative_margin"),
    ),
    "lifted_structure": LossSpec(
        title="Lifted structure",
        family="pairs",
        paper="Hermans et al., In Defense of the Triplet Loss, 2017; after Oh Song et al., Lifted Structure, CVPR 2016",
        idea="All positives and all negatives of a picture count at once: a soft farthest positive "
        "has to come nearer than a soft nearest negative, by a margin. The generalised form.",
        formula=r"\mathcal{L} = \frac{1}{B} \sum_{i=1}^{B} \Big[ \log \sum_{p \in P_i} e^{d_{ip}} + \log \sum_{n \in "
        r"N_i} e^{m - d_{in}} \Big]_+",
        symbols=BATCH | DISTANCE | POSITIVES | NEGATIVES | HINGE,
        parameters={
            "margin": Parameter(1.0, low=0, high=2, meaning="added to the positives' distances"),
        },
        letters={"margin": "m"},
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.lifted_structure:LiftedStructureLoss",
    ),
    "circle": LossSpec(
        title="Circle",
        family="pairs",
        paper="Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization, CVPR 2020",
        idea="Each similarity is trained the harder, the farther it is from its own optimum; "
        "the boundary between near enough and not becomes a circle.",
        formula=r"\mathcal{L} = \frac{1}{B} \sum_{i=1}^{B} \log \Big( 1 + \sum_{n \in N_i} e^{\gamma \, a_n (s_{in} - "
        r"m)} \sum_{p \in P_i} e^{-\gamma \, a_p (s_{ip} - 1 + m)} \Big)",
        where=(
            "a_p = [1 + m - s_{ip}]_+",
            "a_n = [s_{in} + m]_+",
        ),
        symbols=BATCH
        | COSINE
        | POSITIVES
        | NEGATIVES
        | HINGE
        | {
            "a_p, a_n": "weights: how far each similarity is from its optimum; they carry no gradient",
        },
        parameters={
            "margin": Parameter(
                0.4,
                above=0,
                high=1,
                meaning="relaxation (m): positives past 1 - m and negatives below m are well placed",
            ),
            "scale": Parameter(80.0, above=0, meaning="multiplies weighed similarities (gamma)"),
        },
        letters={"margin": "m", "scale": r"\gamma"},
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.circle:CircleLoss",
    ),
    "supervised_contrastive": LossSpec(
        title="Supervised contrastive",
        family="pairs",
        paper="Khosla et al., Supervised Contrastive Learning, NeurIPS 2020",
        idea="Each positive of a picture has to stand out from all other pictures of the batch, "
        "its other positives among them, by a softmax over similarities.",
        formula=r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \frac{1}{|P_i|} \sum_{p \in P_i} \log \frac{e^{s_{ip} / "
        r"\tau}}{\sum_{a \in P_i \cup N_i} e^{s_{ia} / \tau}}",
        symbols=BATCH | COSINE | POSITIVES | NEGATIVES,
        parameters={
            "temperature": Parameter(0.1, above=0, meaning="divides similarities"),
        },
        letters={"temperature": r"\tau"},
        equals={
            "nt_xent": "where every class has exactly two pictures in a batch, at the same temperature",
        },
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.supervised_contrastive:SupervisedContrastiveLoss",
    ),
    "nt_xent": LossSpec(
        title="NT-Xent",
        family="pairs",
        paper="Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, ICML 2020",
        idea="Each positive pair has to stand out from the anchor's negatives, by a softmax over similarities; "
        "other positives stay out of the comparison.",
        formula=r"\mathcal{L} = -\frac{1}{|\mathcal{P}|} \sum_{(i,p) \in \mathcal{P}} \log \frac{e^{s_{ip} / "
        r"\tau}}{e^{s_{ip} / \tau} + \sum_{n \in N_i} e^{s_{in} / \tau}}",
        symbols=LOSS | COSINE | POSITIVE_PAIRS | NEGATIVES,
        parameters={
            "temperature": Parameter(0.07, above=0, meaning="divides similarities (tau)"),
        },
        letters={"temperature": r"\tau"},
        equals={
            "supervised_contrastive": "where every class has exactly two pictures in a batch, at the same temperature",
        },
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.nt_xent:NtXentLoss",
    ),
}
