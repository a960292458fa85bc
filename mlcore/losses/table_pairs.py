"""The losses on pairs, as the table of losses has them."""

from mlcore.losses.spec import LossSpec, Parameter

PAIRS: dict[str, LossSpec] = {
    "multi_similarity": LossSpec(
        title="Multi-Similarity",
        family="pairs",
        paper="Wang et al., Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning, CVPR 2019",
        idea="Pairs within a batch are mined, then weighed by their own similarity and by that of the pairs "
        "around them, so that the most telling pairs pull and push hardest.",
        parameters={
            "alpha": Parameter(2.0, above=0, meaning="sharpness of the positive pairs' weights"),
            "beta": Parameter(50.0, above=0, meaning="sharpness of the negative pairs' weights"),
            "base": Parameter(
                0.5, low=-1, high=1, search=(0.1, 0.9), meaning="similarity at which pulling turns to pushing (lambda)"
            ),
            "epsilon": Parameter(0.1, low=0, meaning="slack of the miner"),
        },
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
        parameters={
            "alpha": Parameter(2.0, above=0, meaning="sharpness of the positive pairs' weights"),
            "beta": Parameter(50.0, above=0, meaning="sharpness of the negative pairs' weights"),
            "base": Parameter(
                0.5, low=-1, high=1, search=(0.1, 0.9), meaning="similarity at which pulling turns to pushing (lambda)"
            ),
        },
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
        parameters={
            "positive_margin": Parameter(
                0.0, low=0, high=2, search=(0.0, 0.5), meaning="distance up to which a positive pair costs nothing"
            ),
            "negative_margin": Parameter(
                0.5, above=0, high=2, meaning="distance from which a negative pair costs nothing"
            ),
        },
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
        parameters={
            "positive_margin": Parameter(
                0.0, search=(0.0, 0.5), low=0, meaning="ratio up to which a positive pair costs nothing"
            ),
            "negative_margin": Parameter(
                1.0, above=0, meaning="ratio from which a negative pair costs nothing (alpha)"
            ),
            "zero_mean": Parameter(0.1, low=0, meaning="weight of the term that keeps a vector's mean at 0 (lambda)"),
        },
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
        parameters={
            "margin": Parameter(1.0, low=0, high=2, meaning="added to the positives' distances"),
        },
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
        parameters={
            "margin": Parameter(
                0.4,
                above=0,
                high=1,
                meaning="relaxation (m): positives past 1 - m and negatives below m are well placed",
            ),
            "scale": Parameter(80.0, above=0, meaning="multiplies weighed similarities (gamma)"),
        },
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.circle:CircleLoss",
    ),
    "supervised_contrastive": LossSpec(
        title="Supervised contrastive",
        family="pairs",
        paper="Khosla et al., Supervised Contrastive Learning, NeurIPS 2020",
        idea="Each positive of a picture has to be told from all other pictures of the batch, "
        "its other positives among them, by a softmax over similarities.",
        parameters={
            "temperature": Parameter(0.1, above=0, meaning="divides similarities"),
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
        parameters={
            "temperature": Parameter(0.07, above=0, meaning="divides similarities (tau)"),
        },
        sampler="balanced",
        has_proxies=False,
        takes_memory=True,
        target="mlcore.losses.nt_xent:NtXentLoss",
    ),
}
