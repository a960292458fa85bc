"""The losses that classify by cosine. This table knows no torch."""

from mlcore.losses.spec import LossSpec, Parameter

CLASSIFICATION: dict[str, LossSpec] = {
    "normalized_softmax": LossSpec(
        title="Normalised softmax",
        family="classification",
        paper="Zhai and Wu, Classification is a Strong Baseline for Deep Metric Learning, BMVC 2019",
        idea="Plain classification on the sphere: one proxy a class, cosine logits, a temperature. "
        "At a matching temperature it is Proxy-NCA++, and SoftTriple with one centre and no margin.",
        parameters={
            "temperature": Parameter(0.05, above=0, meaning="divides cosine logits"),
        },
        sampler="random",
        has_proxies=True,
        target="mlcore.losses.normalized_softmax:NormalizedSoftmaxLoss",
    ),
    "cos_face": LossSpec(
        title="CosFace",
        family="classification",
        paper="Wang et al., CosFace: Large Margin Cosine Loss for Deep Face Recognition, CVPR 2018",
        idea="Classification by cosine in which a picture's own class must win by a fixed margin of similarity.",
        parameters={
            "margin": Parameter(0.35, low=0, high=2, meaning="taken off the true class's similarity (m)"),
            "scale": Parameter(64.0, above=0, meaning="multiplies similarities before the softmax (s)"),
        },
        sampler="random",
        has_proxies=True,
        target="mlcore.losses.cos_face:CosFaceLoss",
    ),
    "arc_face": LossSpec(
        title="ArcFace",
        family="classification",
        paper="Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, CVPR 2019",
        idea="Classification by cosine in which a picture's own class must win by a fixed angle.",
        parameters={
            "margin": Parameter(0.5, low=0, high=1.5, meaning="added to the true class's angle, in radians (m)"),
            "scale": Parameter(64.0, above=0, meaning="multiplies similarities before the softmax (s)"),
        },
        sampler="random",
        has_proxies=True,
        target="mlcore.losses.arc_face:ArcFaceLoss",
    ),
    "sub_center_arc_face": LossSpec(
        title="Sub-center ArcFace",
        family="classification",
        paper="Deng et al., Sub-center ArcFace: Boosting Face Recognition by Large-Scale Noisy Web Faces, ECCV 2020",
        idea="ArcFace with several centres a class, of which the nearest counts: "
        "wrong labels and odd views gather at a centre of their own instead of bending the class.",
        parameters={
            "centers": Parameter(3, low=1, search=(1, 10), meaning="centres of each class (K)"),
            "margin": Parameter(0.5, low=0, high=1.5, meaning="added to the true class's angle, in radians (m)"),
            "scale": Parameter(64.0, above=0, meaning="multiplies similarities before the softmax (s)"),
        },
        sampler="random",
        has_proxies=True,
        target="mlcore.losses.sub_center_arc_face:SubCenterArcFaceLoss",
    ),
}
