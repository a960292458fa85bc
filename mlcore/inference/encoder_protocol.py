"""The interface of everything that turns images into embeddings, whichever engine computes it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.images.preprocessing import Preprocessing


class PictureEncoder(ABC):
    """A network with its preprocessing; weights_sha256 says which one, "" while it still learns.

    A network is a trunk, which turns pixels into features, and a head, which turns features into an embedding.
    trunk: of stored networks, equal only for those that give a picture the same features; where the head cannot be
    told apart, features are embeddings, and the trunk is the network's own.
    """

    def __init__(self, preprocessing: Preprocessing, weights_sha256: str = "", trunk: str = "") -> None:
        self.preprocessing = preprocessing
        self.weights_sha256 = weights_sha256
        self.trunk = trunk or f"{weights_sha256} {preprocessing.fingerprint}"

    @property
    @abstractmethod
    def dim(self) -> int:
        """Length of an embedding."""

    @property
    def batch(self) -> int:
        """How many pictures it must be given at a time; 0 where it takes any number."""
        return 0

    @abstractmethod
    def embed_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return unit-length embeddings [N, dim] of prepared squares [N, crop, crop, 3]."""

    def features_of_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what the head sees, [N, F], of prepared squares [N, crop, crop, 3]."""
        return self.embed_pixels(pixels)

    def embed_features(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return unit-length embeddings [N, dim] of what the head sees, [N, F]."""
        return features

    def embed(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return unit-length embeddings [N, dim] of RGB pictures of any size."""
        return self.embed_pixels(self.preprocessing.pixels(images))
