"""Write a checksum of the tensors of each architecture of timm, by which plain weights files are recognised.

python -m tools.timm_signatures    in the root of the checkout, after timm was updated; takes minutes
"""

import json
import sys
from collections import defaultdict

import torch

from mlcore.networks.architecture_guess import SIGNATURES, signature_of


def signature_of_architecture(name: str) -> str:
    """Return the checksum of an architecture, built without memory for its weights."""
    import timm  # mlcore.networks has to be imported before it

    with torch.device("meta"):
        tensors = timm.create_model(name, pretrained=False).state_dict()
    return signature_of((name, tensor.shape) for name, tensor in tensors.items())


def main() -> None:
    """Build every architecture and write the file."""
    import timm

    names: dict[str, list[str]] = defaultdict(list)
    for name in timm.list_models():
        try:
            names[signature_of_architecture(name)].append(name)
        except Exception as error:  # noqa: BLE001  # some cannot be built on the meta device: they are not recognised
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    document = {"timm": timm.__version__, "architectures": dict(sorted(names.items(), key=lambda row: row[1]))}
    SIGNATURES.write_text(json.dumps(document, indent=0, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
