"""Rows of the losses that classify by cosine. Knows no torch."""

from mlcore.losses.spec import BATCH, CLASS, PICTURE, PROXY, LossSpec, Parameter

CLASSIFICATION: dict[str, LossSpec] = {
    "normalized_softmax": LossSpec(
        title="Normalised softmax",
        family="classification",
        paper="Zhai and Wu, Classification is a Strong Baseline for Deep Metric Learning, BMVC 2019",
        idea="Plain classification on the sphere: one proxy a class, cosine logits, a temperature. "
        "At a matching temperature it is Proxy-NCA++, and SoftTriple with one centre and no margin.",
        formula=r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \log \frac{e^{x_i^\top p_{y_i} / \tau}}{\sum_{c=1}^{C} "
        r"e^{x_i^\top p_c / \tau}}",
        symbols=BATCH | PICTURE | CLASS | PROXY,
        parameters={
            "temperature": Parameter(0.05, above=0, meaning="divides cosine logits"),
        },
        letters={"temperature": r"\tau"},
        equals={
            "proxy_nca_plus_plus": "at a scale of 1 / (2 temperature)",
            "soft_triple": "with one centre, no margin, and a scale of 1 / temperature",
            "cos_face": "with no margin, at a scale of 1 / temperature",
            "arc_face": "with no margin, at a scale of 1 / temperature",
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
        formula=r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \log \frac{e^{s (\cos \theta_{i,y_i} - m)}}{e^{s (\cos "
        r"\theta_{i,y_i} - m)} + \sum_{c \neq y_i} e^{s \cos \theta_{i,c}}}",
        symbols=BATCH
        | CLASS
        | {
            r"\theta_{i,c}": "the angle between picture i and the proxy of class c",
        },
        parameters={
            "margin": Parameter(0.35, low=0, high=2, meaning="taken off the true class's similarity (m)"),
            "scale": Parameter(64.0, above=0, meaning="multiplies similarities before the softmax (s)"),
        },
        letters={"margin": "m", "scale": "s"},
        equals={
            "normalized_softmax": "with no margin, at a temperature of 1 / scale",
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
        formula=r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \log \frac{e^{s \cos (\theta_{i,y_i} + m)}}{e^{s \cos "
        r"(\theta_{i,y_i} + m)} + \sum_{c \neq y_i} e^{s \cos \theta_{i,c}}}",
        symbols=BATCH
        | CLASS
        | {
            r"\theta_{i,c}": "the angle between picture i and the proxy of class c",
        },
        parameters={
            "margin": Parameter(0.5, low=0, high=1.5, meaning="added to the true class's angle, in radians (m)"),
            "scale": Parameter(64.0, above=0, meaning="multiplies similarities before the softmax (s)"),
        },
        letters={"margin": "m", "scale": "s"},
        equals={
            "normalized_softmax": "with no margin, at a temperature of 1 / scale",
            "sub_center_arc_face": "with one centre of each class",
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
        formula=r"\mathcal{L} = -\frac{1}{B} \sum_{i=1}^{B} \log \frac{e^{s \cos (\theta_{i,y_i} + m)}}{e^{s \cos "
        r"(\theta_{i,y_i} + m)} + \sum_{c \neq y_i} e^{s \cos \theta_{i,c}}}",
        where=(r"\theta_{i,c} = \arccos \max_{k = 1, \dots, K} x_i^\top w_{c,k}",),
        symbols=BATCH
        | PICTURE
        | CLASS
        | {
            r"\theta_{i,c}": "the angle between picture i and the nearest centre of class c",
            "w_{c,k}": "centre k of class c: a learned point of the same space, scaled to length 1",
        },
        parameters={
            "centers": Parameter(3, low=1, high=1000, search=(1, 10), meaning="centres of each class (K)"),
            "margin": Parameter(0.5, low=0, high=1.5, meaning="added to the true class's angle, in radians (m)"),
            "scale": Parameter(64.0, above=0, meaning="multiplies similarities before the softmax (s)"),
        },
        letters={"centers": "K", "margin": "m", "scale": "s"},
        equals={
            "arc_face": "with one centre of each class",
        },
        sampler="random",
        has_proxies=True,
        target="mlcore.losses.sub_center_arc_face:SubCenterArcFaceLoss",
    ),
}
