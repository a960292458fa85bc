"""Cosines of embeddings with proxies."""

import torch
from torch import Tensor
from torch.nn import functional as F

_LEAST_LENGTH = 1e-12


def proxy_cosines(embeddings: Tensor, proxies: Tensor) -> Tensor:
    """Return the cosines [B, P] of embeddings [B, D] with proxies [P, D], each of any length; 0 for a zero row.

    Products are divided by the proxies' lengths, [B, P], instead of the proxies, [P, D]. With thousands of classes
    that is far less to compute, and the gradient passes over the proxies fewer times.
    """
    lengths = torch.linalg.vector_norm(proxies, dim=-1).clamp_min(_LEAST_LENGTH)
    cosines: Tensor = F.normalize(embeddings, dim=-1) @ proxies.T / lengths
    return cosines
