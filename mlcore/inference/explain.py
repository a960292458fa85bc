"""Explanations: what each cell of two images contributes to their similarity.

A pooled embedding is a sum over places, so its cosine with another one is as well. With average pooling a place
brings its own features divided by the number of places; with max pooling each channel belongs to the place
that attains its maximum, the first at a tie; a head's bias is spread evenly. Summed over places this gives the
cosine again, exactly. Sources: Stylianou et al., "Visualizing Deep Similarity Networks", WACV 2019, for
pooled features compared as they are; Zhu et al., "Visual Explanation for Deep Metric Learning",
arXiv 1909.12977, for a linear head behind them.
"""

from dataclasses import dataclass
from math import isqrt

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from mlcore.errors import ExplanationError
from mlcore.inference.encode import Encoder
from mlcore.inference.encoder_protocol import PictureEncoder
from mlcore.inference.explanation import Explanation, Floats
from mlcore.networks.embedder import Embedder
from mlcore.networks.pooling import LEAST_ACTIVATION, norms_behind_pooling

NORM = (
    "the network scales its features by their own spread after pooling; that scale is taken as fixed, though every "
    "place has a part in it"
)
GEM = "generalised-mean pooling is no sum over places; each channel is divided by how strongly the places show it"
CLS = (
    "the network reads its class token, which has gathered from everywhere; the map shows what its last attention "
    "took from each place (gradient times feature), and spreads the rest evenly"
)


@dataclass(frozen=True)
class _Seen:
    """One picture: parts [N, C] whose sum are its pooled features, the grid of N, its embedding [D].

    spreads: what each norm behind the pooling divides by.
    """

    parts: Floats
    grid: tuple[int, int]
    spreads: list[float]
    embedding: Floats

    @property
    def unit(self) -> Floats:
        direction: Floats = self.embedding / self.length
        return direction

    @property
    def length(self) -> float:
        return max(float(np.linalg.norm(self.embedding)), 1e-12)  # as torch's normalize has it


def explain_pair(encoder: PictureEncoder, first: Image.Image, second: Image.Image) -> Explanation:
    """Return what each place of two RGB pictures brings to their cosine. Raises as `explain_pixels` does."""
    return explain_pixels(encoder, encoder.preprocessing.pixels([first, second]))


def explain_pixels(encoder: PictureEncoder, pixels: NDArray[np.uint8]) -> Explanation:
    """Return what each place of two prepared squares [2, crop, crop, 3] brings to their cosine.

    Raises:
        ExplanationError: the network does not show its places.
    """
    if not isinstance(encoder, Encoder):
        raise ExplanationError(
            "only what this network answers can be seen, not what it saw in each place: it is in ONNX; "
            "ask a model of PyTorch weights why"
        )
    embedder = encoder.embedder
    if embedder.pooling == "cls":
        return _by_class_token(encoder, pixels)
    ours, theirs = (_seen(encoder, square) for square in pixels)
    score = float(ours.unit @ theirs.unit)
    reason = NORM if norms_behind_pooling(embedder.backbone) else GEM if embedder.pooling == "gem" else ""
    return Explanation(score, _shares(embedder, ours, theirs), _shares(embedder, theirs, ours), reason)


def _seen(encoder: Encoder, square: NDArray[np.uint8]) -> _Seen:
    embedder = encoder.embedder
    with torch.inference_mode():
        features = embedder.backbone.forward_features(encoder.normalised(square[None]))  # type: ignore[operator]
        places = embedder.pool.places(features.float())[0]
    parts = _parts(embedder, _double(places))
    embedding, spreads = parts.sum(axis=0), []
    for norm in norms_behind_pooling(embedder.backbone):
        spreads.append(float(np.sqrt(embedding.var() + norm.eps)))
        embedding = (embedding - embedding.mean()) / spreads[-1] * _double(norm.weight) + _double(norm.bias)
    if isinstance(embedder.head, nn.Linear):
        embedding = _double(embedder.head.weight) @ embedding + _double(embedder.head.bias)
    return _Seen(parts, _grid(features, len(parts), embedder), spreads, embedding)


def _double(tensor: Tensor) -> Floats:
    return tensor.detach().cpu().numpy().astype(np.float64)


def _grid(features: Tensor, count: int, embedder: Embedder) -> tuple[int, int]:
    """Return rows and columns of the places; tokens must fill a square, as the picture does."""
    if features.dim() == 4:
        rows, columns = features.shape[1:3] if embedder.pool.channels_last else features.shape[2:]
        return int(rows), int(columns)
    side = isqrt(count)
    if side**2 != count:
        raise ExplanationError(
            f"{embedder.spec.architecture} gives {count} tokens, no square of places; its answers cannot be explained"
        )
    return side, side


def _parts(embedder: Embedder, places: Floats) -> Floats:
    """Return what each place [N, C] puts into the pooled features: their sum over N."""
    parts = np.zeros_like(places)
    if embedder.pooling in ("average", "average+max"):
        parts += places / len(places)
    if embedder.pooling in ("max", "average+max"):
        channels = np.arange(places.shape[1])
        winners = places.argmax(axis=0)  # the first at a tie
        parts[winners, channels] += places[winners, channels]
    if embedder.pooling == "gem":
        # Gradient times feature: the generalised mean is homogeneous, so the parts sum up to it.
        power = float(embedder.pool.pool.power.detach())  # type: ignore[union-attr]
        activations = np.maximum(places, LEAST_ACTIVATION)
        largest = activations.max(axis=0)
        strengths = (activations / largest) ** power
        parts = largest * strengths.mean(axis=0) ** (1 / power) * strengths / strengths.sum(axis=0)
    return parts


def _shares(embedder: Embedder, ours: _Seen, theirs: _Seen) -> Floats:
    """Return the map of `ours`: the direction of `theirs`, taken back through head and norms to each place."""
    direction, constant = theirs.unit, 0.0
    if isinstance(embedder.head, nn.Linear):
        constant += float(_double(embedder.head.bias) @ direction)
        direction = _double(embedder.head.weight).T @ direction
    norms = norms_behind_pooling(embedder.backbone)
    for norm, spread in zip(reversed(norms), reversed(ours.spreads), strict=True):
        constant += float(_double(norm.bias) @ direction)
        direction = direction * _double(norm.weight)
        direction = (direction - direction.mean()) / spread
    shares: Floats = (ours.parts @ direction + constant / len(ours.parts)) / ours.length
    return shares.reshape(ours.grid)


def _by_class_token(encoder: Encoder, pixels: NDArray[np.uint8]) -> Explanation:
    unit = encoder.embed_pixels(pixels)
    score = float(unit[0] @ unit[1])
    maps = [
        _last_block_map(encoder, square, torch.from_numpy(other).to(encoder.device), score)
        for square, other in zip(pixels, unit[::-1], strict=True)
    ]
    return Explanation(score, maps[0], maps[1], CLS)


def _last_block_map(encoder: Encoder, square: NDArray[np.uint8], direction: Tensor, score: float) -> Floats:
    """Return gradient times feature of the patches [H, W] in the last attention, and an even share of the rest.

    Behind that block's norm: before it, where scaling a token changes nothing, the product is always 0.
    """
    embedder = encoder.embedder
    attention = getattr(getattr(embedder.backbone, "blocks", [None])[-1], "attn", None)
    if attention is None:
        raise ExplanationError(f"{embedder.spec.architecture} keeps its attention to itself; it cannot be explained")
    kept: list[Tensor] = []

    def keep(module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        kept.append(inputs[0].detach().requires_grad_(True))
        return (kept[0], *inputs[1:])

    handle = attention.register_forward_pre_hook(keep)
    try:
        with torch.enable_grad():
            embedding = embedder(encoder.normalised(square[None]))[0]
            # The length is taken as fixed, as in the exact parts: of two pictures all alike no gradient were left.
            (gradient,) = torch.autograd.grad(embedding @ direction / embedding.detach().norm(), kept)
    finally:
        handle.remove()
    tokens = _double((gradient * kept[0]).sum(dim=-1)[0])
    patches = tokens[int(getattr(embedder.backbone, "num_prefix_tokens", 0)) :]
    shares: Floats = patches + (score - patches.sum()) / len(patches)
    return shares.reshape(_grid(gradient, len(patches), embedder))
