"""The interface of everything that turns images into embeddings, whichever engine computes it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mlcore.images.preprocessing import Preprocessing


class PictureEncoder(ABC):
    """A network with its preprocessing; weights_sha256 says which one, "" while it still learns."""

    def __init__(self, preprocessing: Preprocessing, weights_sha256: str = "") -> None:
        self.preprocessing = preprocessing
        self.weights_sha256 = weights_sha256

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

    def embed(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return unit-length embeddings [N, dim] of RGB pictures of any size."""
        return self.embed_pixels(self.preprocessing.pixels(images))
