"""The animation of a loss: how it moves points on a sphere, and its proxies with them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mlcore.losses import LOSSES, build_loss, loss_spec

if TYPE_CHECKING:
    from torch import Tensor

CLASSES, PER_CLASS, DIM = 4, 12, 3
STEPS, FRAMES = 240, 9
SPREAD = 0.75  # of a class at the start: its points lie among those of the others
FIRST_STEP = 0.15  # how far the first step moves points, the root of the mean square, in radii
PROXY_RATE = 10  # times that of points: proxies start anywhere, and have farther to go
UNITS = 100  # places are whole hundredths of the radius

# Corners of a tetrahedron, as far apart as four classes can be, seen along an axis that lays none over another.
CORNERS = np.array([[1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]]) / 3**0.5

Places = NDArray[np.int64]


@dataclass(frozen=True)
class LossAnimation:
    """The frames of a loss: places [FRAMES, points, 3] of points and [FRAMES, proxies, 3] of proxies, in hundredths.

    Points come class by class, and so do proxies. within and between: the mean cosine of points of one class and
    of different classes, in each frame.
    """

    loss: str
    points: Places
    proxies: Places
    within: list[float]
    between: list[float]

    def to_json(self) -> dict[str, object]:
        """Return plain values; a frame is one list x, y, z, x, y, z ..."""
        return {
            "loss": self.loss,
            "classes": CLASSES,
            "steps": STEPS,
            "points": [frame.ravel().tolist() for frame in self.points],
            "proxies": [frame.ravel().tolist() for frame in self.proxies],
            "within": self.within,
            "between": self.between,
        }


def animate_loss(loss: str, seed: int = 0) -> LossAnimation:
    """Let a loss, at its defaults, move 48 points of four classes by plain gradient descent; the same each time.

    Points are parameters themselves, put back on the sphere after each step. The rate is such that the first step
    moves them by FIRST_STEP, because losses differ by orders of magnitude in the size of their gradients.

    Raises: UnknownLossError.
    """
    import torch

    loss_spec(loss)
    labels = torch.arange(CLASSES).repeat_interleave(PER_CLASS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        points = torch.from_numpy(_start(seed)).requires_grad_()
        cost = build_loss(loss, num_classes=CLASSES, dim=DIM).double()
        proxies: list[Tensor] = list(cost.parameters())
        rate, frames = 0.0, [_frame(points, proxies)]
        for step in range(1, STEPS + 1):
            gradients = torch.autograd.grad(cost(points, labels), [points, *proxies])
            if not rate:
                rate = FIRST_STEP / float(gradients[0].square().sum(dim=1).mean().sqrt())
            with torch.no_grad():
                for proxy, gradient in zip(proxies, gradients[1:], strict=True):
                    proxy.sub_(PROXY_RATE * rate * gradient)
                points -= rate * gradients[0]
                points /= points.norm(dim=1, keepdim=True)
            if step % (STEPS // (FRAMES - 1)) == 0:
                frames.append(_frame(points, proxies))
    return _run_of(loss, frames)


def _start(seed: int) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    points = np.repeat(CORNERS, PER_CLASS, axis=0) + SPREAD * random.standard_normal((CLASSES * PER_CLASS, DIM))
    unit: NDArray[np.float64] = points / np.linalg.norm(points, axis=1, keepdims=True)
    return unit


def _frame(points: "Tensor", proxies: "list[Tensor]") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return points [N, 3] and the directions of proxies [M, 3] as they are now."""
    from torch.nn import functional as F

    held = [F.normalize(one.detach(), dim=-1).reshape(-1, DIM).numpy() for one in proxies]
    return points.detach().numpy().copy(), np.concatenate([np.empty((0, DIM)), *held])


def write_animations(folder: Path) -> list[str]:
    """Write the animation of every loss to `folder`, a small JSON file each; return the losses' names."""
    folder.mkdir(parents=True, exist_ok=True)
    for loss in LOSSES:
        text = json.dumps(animate_loss(loss).to_json(), separators=(",", ":"))
        (folder / f"{loss}.json").write_text(text + "\n")
    return list(LOSSES)


def _run_of(loss: str, frames: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> LossAnimation:
    owners = np.repeat(np.arange(CLASSES), PER_CLASS)
    same = owners[:, None] == owners
    others = ~np.eye(len(owners), dtype=bool)
    cosines = [points @ points.T for points, _ in frames]
    return LossAnimation(
        loss,
        np.rint(UNITS * np.array([points for points, _ in frames])).astype(np.int64),
        np.rint(UNITS * np.array([proxies for _, proxies in frames])).astype(np.int64),
        [round(float(one[same & others].mean()), 3) for one in cosines],
        [round(float(one[~same].mean()), 3) for one in cosines],
    )
