"""Rows of the losses that learn proxies. Knows no torch."""

from mlcore.losses.spec import BATCH, CLASS, PICTURE, PROXY, LossSpec, Parameter

PROXIES: dict[str, LossSpec] = {
    "soft_triple": LossSpec(
        title="SoftTriple",
        family="proxies",
        paper="Qian et al., SoftTriple Loss: Deep Metric Learning Without Triplet Sampling, ICCV 2019",
        idea="Every class owns several centres; a picture is drawn to its class by way of the nearest ones, "
        "and centres that are not needed merge.",
        formula=r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \log \frac{e^{\lambda (S_{i,y_i} - \delta)}}{e^{\lambda "
        r"(S_{i,y_i} - \delta)} + \sum_{c \neq y_i} e^{\lambda S_{i,c}}} + \frac{\tau}{C K (K - 1)} "
        r"\sum_{c=1}^{C} \sum_{k < l} \left\lVert w_{c,k} - w_{c,l} \right\rVert",
        where=(
            r"S_{i,c} = \sum_{k=1}^{K} \frac{e^{x_i^\top w_{c,k} / \gamma}}"
            r"{\sum_{l=1}^{K} e^{x_i^\top w_{c,l} / \gamma}} \, x_i^\top w_{c,k}",
        ),
        symbols=BATCH
        | PICTURE
        | CLASS
        | {
            "w_{c,k}": "centre k of class c: a learned point of the same space, scaled to length 1",
            "S_{i,c}": "similarity of picture i to class c, mostly that of the nearest centre",
        },
        parameters={
            "centers": Parameter(10, low=1, high=1000, search=(1, 20), meaning="centres of each class (K)"),
            "scale": Parameter(20.0, above=0, meaning="multiplies similarities before the softmax (lambda)"),
            "gamma": Parameter(0.1, above=0, meaning="softness of the choice among centres"),
            "tau": Parameter(0.2, low=0, meaning="weight of the term that merges centres"),
            "margin": Parameter(0.01, low=0, meaning="taken off the true class's similarity (delta)"),
        },
        letters={"centers": "K", "scale": r"\lambda", "gamma": r"\gamma", "tau": r"\tau", "margin": r"\delta"},
        equals={
            "normalized_softmax": "with one centre, no margin, and a temperature of 1 / scale",
            "proxy_nca_plus_plus": "with one centre, no margin, and a scale twice that of Proxy-NCA++",
        },
        sampler="random",
        has_proxies=True,
        target="mlcore.losses.soft_triple:SoftTripleLoss",
    ),
    "proxy_nca_plus_plus": LossSpec(
        title="Proxy-NCA++",
        family="proxies",
        paper="Teh et al., ProxyNCA++: Revisiting and Revitalizing Proxy Neighborhood Component Analysis, ECCV 2020",
        idea="One proxy a class; a picture chooses among the proxies by squared distance, and its own must be the "
        "likeliest. At its default it equals the normalised softmax at temperature 1/18 and SoftTriple with one "
        "centre, scale 18 and no margin: what the paper gained lies in its recipe.",
        formula=r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \log \frac{e^{-\sigma \lVert x_i - p_{y_i} "
        r"\rVert^2}}{\sum_{c=1}^{C} e^{-\sigma \lVert x_i - p_c \rVert^2}}",
        symbols=BATCH | PICTURE | CLASS | PROXY,
        parameters={
            "scale": Parameter(9.0, above=0, meaning="multiplies squared distances (1 / temperature)"),
        },
        letters={"scale": r"\sigma"},
        equals={
            "normalized_softmax": "at a temperature of 1 / (2 scale): squared distances are 2 - 2 cosines",
            "soft_triple": "with one centre, no margin, and a scale twice as large",
        },
        sampler="random",
        has_proxies=True,
        target="mlcore.losses.proxy_nca_plus_plus:ProxyNcaPlusPlusLoss",
    ),
    "proxy_anchor": LossSpec(
        title="Proxy-Anchor",
        family="proxies",
        paper="Kim et al., Proxy Anchor Loss for Deep Metric Learning, CVPR 2020",
        idea="One proxy a class; each proxy looks at the whole batch, pulls the pictures of its class that are "
        "farthest and pushes the nearest negatives.",
        formula=r"\mathcal{L} = \frac{1}{|Q^+|} \sum_{c \in Q^+} \log \Big( 1 + \sum_{i: y_i = c} e^{-\alpha "
        r"(x_i^\top p_c - \delta)} \Big) + \frac{1}{C} \sum_{c=1}^{C} \log \Big( 1 + \sum_{i: y_i \neq c} "
        r"e^{\alpha (x_i^\top p_c + \delta)} \Big)",
        symbols=BATCH
        | PICTURE
        | CLASS
        | PROXY
        | {
            "Q^+": "the classes that have pictures in the batch",
        },
        parameters={
            "alpha": Parameter(32.0, above=0, meaning="sharpness: how much more the hardest pictures count"),
            "delta": Parameter(0.1, low=0, high=1, meaning="margin asked of similarities"),
        },
        letters={"alpha": r"\alpha", "delta": r"\delta"},
        sampler="random",
        has_proxies=True,
        target="mlcore.losses.proxy_anchor:ProxyAnchorLoss",
    ),
    "potential_field": LossSpec(
        title="Potential field (Kindred variant)",
        family="proxies",
        paper="After Bhatnagar and Ahuja, Potential Field Based Deep Metric Learning, CVPR 2025",
        idea="Pictures and proxies are charges: they attract their own class and repel others, and the force "
        "fades with distance, so that far outliers do not rule. A variant of this project: alpha, delta and the "
        "bound of the repulsion are its own, and proxies do not feel each other. Its results are not the paper's.",
        formula=r"\mathcal{L} = \frac{1}{B} \sum_{i=1}^{B} \sum_{z \neq x_i} \psi(x_i, z)",
        where=(
            r"\psi(x_i, z) = -\frac{1}{\max(d, \delta)^\alpha} \quad \text{for } z \text{ of the same class}",
            r"\psi(x_i, z) = \frac{1}{\min(\max(d, \delta / 5), \delta)^\alpha} \quad \text{for } z \text{ of another}",
        ),
        symbols=BATCH
        | PICTURE
        | {
            "z": "every other picture of the batch, and every proxy of every class",
            "d": "Euclidean distance of the two on the unit sphere",
            r"\psi": "the energy that one adds to the field at the other",
        },
        parameters={
            "proxies": Parameter(15, low=1, high=1000, search=(1, 30), meaning="proxies of each class"),
            "alpha": Parameter(1.0, above=0, meaning="how fast the field decays"),
            "delta": Parameter(0.5, above=0, high=2, meaning="radius where attraction rests and repulsion works"),
        },
        letters={"proxies": "K", "alpha": r"\alpha", "delta": r"\delta"},
        sampler="balanced",
        has_proxies=True,
        target="mlcore.losses.potential_field:PotentialFieldLoss",
    ),
}
