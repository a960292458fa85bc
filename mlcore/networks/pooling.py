"""Pooling: from the cells of a backbone's last layer to one vector."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlcore.config import CHOICES
from mlcore.errors import ProtocolError

GEM_POWER = 3.0
LEAST_ACTIVATION = 1e-6


class GeM(nn.Module):
    """Generalised mean: the average at power 1, towards the maximum as the power grows.

    f_c = (1/N sum_n max(x_nc, eps)^p)^(1/p), with p learned, 3 at the start and eps = 1e-6: what is
    negative counts as nothing. Source: Radenovic et al., TPAMI 2019, equation 3.
    """

    def __init__(self) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor(GEM_POWER))

    def forward(self, places: Tensor) -> Tensor:
        """Return [B, C] of places [B, N, C]."""
        activations = places.clamp(min=LEAST_ACTIVATION)
        # The maximum cancels out of the formula. Divided by it, no power under- or overflows.
        largest = activations.detach().amax(dim=1, keepdim=True)
        means = (activations / largest).pow(self.power).mean(dim=1)
        return largest.squeeze(1) * means.pow(1 / self.power)


PLAIN: dict[str, Callable[[Tensor], Tensor]] = {
    "average": lambda places: places.mean(dim=1),
    "max": lambda places: places.amax(dim=1),
    "average+max": lambda places: places.mean(dim=1) + places.amax(dim=1),
    "cls": lambda tokens: tokens[:, 0],  # a transformer's class token stands before all others
}


class FeaturePool(nn.Module):
    """Pool what `forward_features` of a timm backbone gives, a grid or tokens alike.

    Grids may be [B, C, H, W] or, as timm's `output_fmt` says, [B, H, W, C]; of tokens [B, T, C] only the
    patches are pooled: the prefix (class and register tokens) is left out, but for `cls`.

    Raises:
        ProtocolError: no pooling has that name, or it does not apply to the backbone.
    """

    def __init__(self, name: str, backbone: nn.Module, architecture: str) -> None:
        super().__init__()
        if name not in CHOICES["pooling"]:
            raise ProtocolError(f"no pooling named {name!r}; known: {', '.join(CHOICES['pooling'])}")
        if name == "cls" and getattr(backbone, "cls_token", None) is None:
            raise ProtocolError(f"{architecture} has no class token for pooling 'cls'; choose another pooling")
        self.pool = GeM() if name == "gem" else PLAIN[name]
        self.architecture = architecture
        self.channels_last = str(getattr(backbone, "output_fmt", "NCHW")).endswith("NHWC")
        self.num_features: int = backbone.num_features  # type: ignore[assignment]
        self.prefix = 0 if name == "cls" else int(getattr(backbone, "num_prefix_tokens", 0))

    def forward(self, features: Tensor) -> Tensor:
        """Return [B, C] of a backbone's features."""
        pooled: Tensor = self.pool(self.places(features))
        return pooled

    def places(self, features: Tensor) -> Tensor:
        """Return features as [B, places, C], row by row of a grid."""
        if features.dim() == 4:
            features = (features if self.channels_last else features.permute(0, 2, 3, 1)).flatten(1, 2)
        if features.dim() != 3 or features.shape[2] != self.num_features:
            raise ProtocolError(
                f"{self.architecture} gives features of shape {list(features.shape[1:])} for a picture; only a grid or "
                f"tokens of {self.num_features} channels can be pooled: choose another backbone"
            )
        return features[:, self.prefix :]


def norms_behind_pooling(backbone: nn.Module) -> list[nn.LayerNorm]:
    """Return the LayerNorms between pooling and classifier; those of ConvNeXt, and of ViTs trained on averages."""
    found = (getattr(backbone, "fc_norm", None), getattr(getattr(backbone, "head", None), "norm", None))
    return [norm for norm in found if isinstance(norm, nn.LayerNorm)]  # timm's LayerNorm2d as well


def norm_behind_pooling(backbone: nn.Module, pooled: Tensor) -> Tensor:
    """Return pooled features [B, C] as timm hands them to a classifier."""
    for norm in norms_behind_pooling(backbone):  # LayerNorm2d itself would want a grid
        pooled = functional.layer_norm(pooled, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    return pooled
