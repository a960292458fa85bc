"""Folded BatchNorms change neither what a network computes nor its gradients, but for rounding."""

import pytest
import torch
from torch import nn

from mlcore.networks.batch_norm_folding import fold_batch_norms
from mlcore.networks.stages import freeze_batch_norm

CROP = 64


def network(name: str) -> nn.Module:
    """Return a backbone in double precision whose BatchNorms have learnt statistics and weights."""
    import timm  # which needs what mlcore.networks declares

    torch.manual_seed(0)
    backbone: nn.Module = timm.create_model(name, pretrained=False, num_classes=0).double()
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.bias):
                nn.init.normal_(values, std=0.2)  # type: ignore[arg-type]
            for values in (module.running_var, module.weight):
                nn.init.uniform_(values, 0.5, 1.5)  # type: ignore[arg-type]
    backbone.train()
    freeze_batch_norm(backbone, affine=False)
    return backbone


def gradients(backbone: nn.Module) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Return features of two pictures, and the gradient of every parameter of their mean square."""
    images = torch.randn(2, 3, CROP, CROP, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    features = backbone.forward_features(images)  # type: ignore[operator]
    features.square().mean().backward()
    found = {name: parameter.grad for name, parameter in backbone.named_parameters() if parameter.grad is not None}
    return features.detach(), found


@pytest.mark.parametrize("name", ["mobilenetv2_050", "resnet10t", "tf_efficientnet_lite0"])
def test_features_and_gradients_stay(name: str) -> None:
    plain, folded = network(name), network(name)
    names = list(folded.state_dict())
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in plain.modules())
    assert fold_batch_norms(folded, CROP) == norms > 10
    assert fold_batch_norms(folded, CROP) == 0  # they are folded already
    assert list(folded.state_dict()) == names
    before, after = gradients(plain), gradients(folded)
    assert torch.allclose(before[0], after[0], rtol=1e-9, atol=1e-12)
    assert before[1].keys() == after[1].keys()
    for parameter, gradient in before[1].items():
        assert torch.allclose(gradient, after[1][parameter], rtol=1e-6, atol=1e-9 * float(gradient.abs().max())), (
            parameter
        )


def test_a_network_without_batch_norm_has_nothing_to_fold() -> None:
    assert fold_batch_norms(network("test_vit"), 160) == 0


class ReadTwice(nn.Module):
    """A backbone that reads a convolution's output behind its BatchNorm and before it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
        nn.init.normal_(self.norm.bias)

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        """Return the sum of both."""
        found: torch.Tensor = self.conv(images)
        both: torch.Tensor = self.norm(found) + found
        return both


def test_a_network_that_folding_would_change_is_left_alone() -> None:
    backbone = ReadTwice()
    images = torch.randn(1, 3, 8, 8)
    backbone.eval()
    before = backbone.forward_features(images)
    assert fold_batch_norms(backbone, 8) == 0
    assert torch.equal(backbone.forward_features(images), before)


def test_folding_draws_no_random_number_of_the_run() -> None:
    backbone = network("resnet10t").float()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    fold_batch_norms(backbone, CROP)
    assert torch.equal(torch.rand(4), expected)
