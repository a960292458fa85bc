"""The losses that learn proxies and weigh distances to them. This table knows no torch."""

from mlcore.losses.spec import LossSpec, Parameter

PROXIES: dict[str, LossSpec] = {
    "soft_triple": LossSpec(
        title="SoftTriple",
        family="proxies",
        paper="Qian et al., SoftTriple Loss: Deep Metric Learning Without Triplet Sampling, ICCV 2019",
        idea="Every class owns several centres; a picture is drawn to its class by way of the nearest ones, "
        "and centres that are not needed merge.",
        parameters={
            "centers": Parameter(10, low=1, search=(1, 20), meaning="centres of each class (K)"),
            "scale": Parameter(20.0, above=0, meaning="multiplies similarities before the softmax (lambda)"),
            "gamma": Parameter(0.1, above=0, meaning="softness of the choice among centres"),
            "tau": Parameter(0.2, low=0, meaning="weight of the term that merges centres"),
            "margin": Parameter(0.01, low=0, meaning="taken off the true class's similarity (delta)"),
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
        parameters={
            "scale": Parameter(9.0, above=0, meaning="multiplies squared distances (1 / temperature)"),
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
        "farthest and pushes the strangers that are nearest.",
        parameters={
            "alpha": Parameter(32.0, above=0, meaning="sharpness: how much more the hardest pictures count"),
            "delta": Parameter(0.1, low=0, high=1, meaning="margin asked of similarities"),
        },
        sampler="random",
        has_proxies=True,
        target="mlcore.losses.proxy_anchor:ProxyAnchorLoss",
    ),
    "potential_field": LossSpec(
        title="Potential field",
        family="proxies",
        paper="Bhatnagar and Ahuja, Potential Field Based Deep Metric Learning, CVPR 2025",
        idea="Pictures and proxies are charges: they attract their own class and repel others, and the force "
        "fades with distance, so that far outliers do not rule. Its alpha and delta are this project's.",
        parameters={
            "proxies": Parameter(15, low=1, search=(1, 30), meaning="proxies of each class"),
            "alpha": Parameter(1.0, above=0, meaning="how fast the field decays"),
            "delta": Parameter(0.5, above=0, high=2, meaning="radius where attraction rests and repulsion works"),
        },
        sampler="balanced",
        has_proxies=True,
        target="mlcore.losses.potential_field:PotentialFieldLoss",
    ),
}
