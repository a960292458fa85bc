"""The network that is trained: backbone, pooling, linear head."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mlcore.errors import ProtocolError
from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.pooling import FeaturePool, norm_behind_pooling


class Embedder(nn.Module):
    """Map pictures to vectors; cosine between the vectors is the similarity.

    Without a head the pooled features are the vectors: the backbone as it came.

    Raises:
        ProtocolError: the pooling does not apply to the backbone.
    """

    def __init__(self, backbone: nn.Module, spec: BackboneSpec, pooling: str, dim: int | None) -> None:
        super().__init__()
        self.backbone, self.spec, self.pooling = backbone, spec, pooling
        self.pool = FeaturePool(pooling, backbone, spec.architecture)
        self.num_features = self.pool.num_features
        self.dim = dim or self.num_features
        self.head: nn.Module = nn.Linear(self.num_features, dim) if dim else nn.Identity()

    def features(self, images: Tensor) -> Tensor:
        """Return pooled float32 features [B, F] of normalised images [B, 3, H, W]."""
        features = self.backbone.forward_features(images)  # type: ignore[operator]
        return norm_behind_pooling(self.backbone, self.pool(features.float()))

    def forward(self, images: Tensor) -> Tensor:
        """Return embeddings [B, dim] of normalised images [B, 3, H, W]; not of unit length."""
        embeddings: Tensor = self.head(self.features(images))
        return embeddings

    def to_json(self) -> dict[str, object]:
        """Return what `from_json` needs to build the same network, without its weights."""
        dim = self.head.out_features if isinstance(self.head, nn.Linear) else None
        return {"backbone": self.spec.to_json(), "pooling": self.pooling, "dim": dim}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Embedder":
        """Return the network with random weights, for weights that are loaded right after."""
        spec = BackboneSpec.from_json(values["backbone"])
        return cls(build_backbone(spec), spec, values["pooling"], values["dim"])


def half_whitened_pca(features: NDArray[np.float32], dim: int) -> tuple[Tensor, Tensor]:
    """Return weight [dim, F] and bias [dim] of a linear map: centre, project, half-whiten.

    Each principal direction is divided by the square root of its standard deviation: between
    plain PCA (not divided) and whitening (divided by all of it). On classes not seen it is a
    strong baseline without any training, and the start that a small head needs.

    Raises:
        ProtocolError: fewer than dim + 1 pictures, or fewer than dim features.
    """
    count, width = features.shape
    if dim > min(count - 1, width):
        raise ProtocolError(
            f"dim {dim} is more than half-whitened-pca can take from {count} pictures of {width} features; "
            f"lower dim to {min(count - 1, width)} or start the head at random"
        )
    values = features.astype(np.float64)
    mean = values.mean(axis=0)
    _, singular, directions = np.linalg.svd(values - mean, full_matrices=False)
    deviations = singular[:dim] / np.sqrt(count - 1)
    weight = directions[:dim] / np.sqrt(np.maximum(deviations, deviations[0] * 1e-6))[:, None]
    bias = -weight @ mean
    return torch.from_numpy(weight).float(), torch.from_numpy(bias).float()


def start_head_from_pca(embedder: Embedder, features: NDArray[np.float32]) -> None:
    """Set the head of `embedder` to the half-whitened PCA of features [N, F]."""
    if not isinstance(embedder.head, nn.Linear):
        raise ProtocolError("this network has no head to start")
    weight, bias = half_whitened_pca(features, embedder.head.out_features)
    with torch.no_grad():
        embedder.head.weight.copy_(weight)
        embedder.head.bias.copy_(bias)
