"""The stages of a backbone: which parameters are trained, and the mode of its BatchNorms."""

import timm
from torch import nn

# timm's word, in the matchers of its architectures, for "belongs to the group before".
BELONGS_TO_PREVIOUS = (99999,)


def last_stage_parameters(backbone: nn.Module) -> list[nn.Parameter]:
    """Return the parameters of the last stage, as timm groups the layers, and of all that is behind it.

    A stage is a block where timm knows no stages: of ViTs, of Inception.
    """
    matcher = backbone.group_matcher(coarse=True)  # type: ignore[operator]
    if isinstance(matcher, dict):
        # What no pattern names, a norm behind the stages say, would count as a stage of its own.
        matcher = {**matcher, "behind": [("", BELONGS_TO_PREVIOUS)]}
    groups = timm.models.group_parameters(backbone, matcher, reverse=True)
    last = max(groups.values())
    return [parameter for name, parameter in backbone.named_parameters() if groups[name] == last]


def freeze_batch_norm(module: nn.Module, *, affine: bool) -> None:
    """Put every BatchNorm in evaluation mode; with `affine`, its weights stop learning as well.

    To be called again after each `module.train()`, which undoes it.
    """
    for child in _batch_norms(module):
        child.eval()
        if affine:
            for parameter in child.parameters(recurse=False):
                parameter.requires_grad_(False)


def rest_batch_norm_of_frozen_stages(module: nn.Module) -> None:
    """Put those BatchNorms in evaluation mode whose weights do not learn: their statistics rest as well."""
    for child in _batch_norms(module):
        if not any(parameter.requires_grad for parameter in child.parameters(recurse=False)):
            child.eval()


def _batch_norms(module: nn.Module) -> list[nn.Module]:
    return [child for child in module.modules() if isinstance(child, nn.BatchNorm2d)]
