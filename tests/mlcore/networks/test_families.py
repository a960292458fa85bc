"""What docs/backbones.md says about backbones is what timm says, and each gives features that can be pooled."""

from pathlib import Path

import pytest
import torch
from torch import nn

from mlcore.networks.backbones import BackboneSpec, build_backbone, timm
from mlcore.networks.pooling import FeaturePool
from mlcore.weights import HUB_WEIGHTS

PAGE = (Path(__file__).parents[3] / "docs" / "backbones.md").read_text()
TABLE = PAGE.partition("| family | name |")[2].partition("\n\n")[0].splitlines()[2:]
ROWS = {cells[1].strip("`"): cells for cells in ([cell.strip() for cell in line.split("|")[1:-1]] for line in TABLE)}
NORMALISED = {(0.485, 0.456, 0.406, 0.229, 0.224, 0.225): "ImageNet", (0.5,) * 6: "0.5"}
# Every family of the issue.
NAMED = {
    "resnet50",
    "inception_v3",
    "convnext_tiny",
    "efficientnet_b0",
    "vit_small_patch16_224",
    "vit_base_patch16_224",
    "vit_small_patch14_dinov2",
    "mobilenetv3_large_100",
}


def without_weights(architecture: str) -> nn.Module:
    """Return the architecture with shapes only: quick, whatever its size."""
    with torch.device("meta"):
        return build_backbone(BackboneSpec(architecture, "scratch"))


def test_every_family_that_was_asked_for_is_listed() -> None:
    assert ROWS.keys() >= NAMED


def test_the_lab_lists_the_same_weights() -> None:
    rows = [(cells[0], cells[1].strip("`"), cells[2].strip("`")) for cells in ROWS.values()]
    assert [(weights.title, weights.architecture, weights.tag) for weights in HUB_WEIGHTS] == rows


@pytest.mark.parametrize("architecture", ROWS)
def test_the_table_says_what_timm_says(architecture: str) -> None:
    backbone, config = without_weights(architecture), timm.get_pretrained_cfg(architecture)
    assert ROWS[architecture][2:] == [
        f"`{config.tag}`",
        str(backbone.num_features),
        NORMALISED[(*config.mean, *config.std)],
        config.interpolation,
        str(backbone.patch_embed.patch_size[0]) if config.fixed_input_size else "any",  # type: ignore[union-attr, index]
        "no" if getattr(backbone, "cls_token", None) is None else "yes",
    ]


@pytest.mark.parametrize("architecture", ROWS)
def test_its_features_can_be_pooled(architecture: str) -> None:
    backbone, config = without_weights(architecture), timm.get_pretrained_cfg(architecture)
    features = backbone.forward_features(torch.empty(2, *config.input_size, device="meta"))  # type: ignore[operator]
    pool = FeaturePool("gem", backbone, architecture).to("meta")
    assert pool(features).shape == (2, backbone.num_features)
