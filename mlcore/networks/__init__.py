"""Networks: a backbone, a pooling and a linear head."""

from mlcore.networks.torchvision_compat import declare_missing_operators

declare_missing_operators()  # timm, which the modules here import, imports torchvision
