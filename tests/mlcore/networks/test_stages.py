"""The last stage is where each family ends, and what is frozen rests entirely."""

import pytest
import torch
from torch import nn

from mlcore.networks.backbones import BackboneSpec, build_backbone
from mlcore.networks.stages import freeze_batch_norm, last_stage_parameters, rest_batch_norm_of_frozen_stages

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = "test_resnet"
LAST_BLOCKS = {
    "resnet50": "layer4.2.",
    "inception_v3": "Mixed_7c.",
    "inception_v4": "features.21.",
    "convnext_tiny": "stages.3.blocks.2.",
    "efficientnet_b0": "blocks.6.",
    "mobilenetv2_100": "blocks.6.",
    "mobilenetv3_large_100": "blocks.6.",
    "vit_small_patch16_224": "blocks.11.",
    "vit_small_patch14_dinov2": "blocks.11.",
    "swin_tiny_patch4_window7_224": "layers.3.blocks.1.",
    TINY: "layer4.",
    "test_vit": "blocks.5.",
    "test_convnext": "stages.3.",
    "test_efficientnet": "blocks.4.",
}


@pytest.mark.parametrize(("architecture", "block"), LAST_BLOCKS.items())
def test_the_last_stage_is_the_last_block_and_all_behind_it(architecture: str, block: str) -> None:
    with torch.device("meta"):  # names only
        backbone = build_backbone(BackboneSpec(architecture, "scratch"))
    chosen = {id(parameter) for parameter in last_stage_parameters(backbone)}
    learns = {name: id(parameter) in chosen for name, parameter in backbone.named_parameters()}
    assert [name for name in learns if name.startswith(block)], "the block is there"
    assert all(learning for name, learning in learns.items() if name.startswith(block))
    values = list(learns.values())
    assert not values[0] and sorted(values) == values, "once it begins, everything behind it learns"


@pytest.mark.parametrize("affine", [True, False])
def test_a_frozen_batch_norm_keeps_its_statistics(affine: bool) -> None:
    backbone = build_backbone(BackboneSpec(TINY, "scratch")).train()
    freeze_batch_norm(backbone, affine=affine)
    norms = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    assert norms and not any(norm.training for norm in norms)
    assert all(norm.weight.requires_grad != affine for norm in norms)
    assert all(module.weight.requires_grad for module in backbone.modules() if isinstance(module, nn.Conv2d))


def test_batch_norms_rest_where_their_weights_do() -> None:
    backbone = build_backbone(BackboneSpec(TINY, "scratch")).train()
    for name, parameter in backbone.named_parameters():
        parameter.requires_grad_(name.startswith("layer4."))
    rest_batch_norm_of_frozen_stages(backbone)
    learning = {n: m.training for n, m in backbone.named_modules() if isinstance(m, nn.BatchNorm2d)}
    assert learning == {name: name.startswith("layer4.") for name in learning}
    assert set(learning.values()) == {True, False}
