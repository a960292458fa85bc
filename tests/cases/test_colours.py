"""A picture with a colour profile is seen as it was meant, by imports, searches and training alike."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from mlcore.datasets import import_pictures, load_dataset, open_cache, open_source
from mlcore.images.image_io import encode_jpeg, open_picture
from tests.cases.pictures import photo
from tests.mlcore.profiles import ADOBE, P3, PROPHOTO, written_in

LEFT, RIGHT = (180, 60, 60), (60, 160, 60)


def wide(kind: str, profile: bytes, **options: Any) -> bytes:
    """Return a picture that looks LEFT and RIGHT, written in a profile's colours with the profile embedded."""
    pillow_heif.register_heif_opener()
    image = Image.new("RGB", (64, 64), LEFT)
    image.paste(RIGHT, (32, 0, 64, 64))
    buffer = io.BytesIO()
    written_in(image, profile).save(buffer, kind, icc_profile=profile, **options)
    return buffer.getvalue()


CASES = {
    "Display P3 in a PNG": wide("PNG", P3),
    # invented
    "Adobe RGB in a JPEG of a camera": wide("JPEG", ADOBE, quality=97, subsampling=0),
    "Display P3 in a HEIC of a phone": wide("HEIF", P3, quality=97, chroma=444),
    "ProPhoto in a TIFF of a raw developer": wide("TIFF", PROPHOTO),
}


def looks_as_meant(pixels: Any) -> bool:
    colours = np.asarray(pixels).astype(int)
    return bool(np.abs(colours[5, 5] - LEFT).max() <= 4 and np.abs(colours[5, 60] - RIGHT).max() <= 4)


@pytest.mark.parametrize("name", CASES)
def test_colours_are_converted_by_the_embedded_profile(name: str) -> None:
    opened = open_picture(CASES[name])
    assert looks_as_meant(opened)
    assert looks_as_meant(open_picture(encode_jpeg(opened, quality=97))), "stored queries carry no profile"


def test_training_sees_the_converted_colours(tmp_path: Path) -> None:
    for number, (name, data) in enumerate(CASES.items()):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "wide.jpg").write_bytes(data)  # the suffix says nothing
        (tmp_path / "in" / name / "other.jpg").write_bytes(photo(number))
    with open_source(str(tmp_path / "in")) as source:
        import_pictures(source, tmp_path / "set")
    dataset = load_dataset(tmp_path / "set")
    cache = open_cache(dataset, 64, tmp_path / "cache")
    rows = [row for row, picture in enumerate(dataset.pictures) if picture.path.endswith("wide.jpg")]
    assert len(rows) == 4 and all(looks_as_meant(cache[row]) for row in rows)
