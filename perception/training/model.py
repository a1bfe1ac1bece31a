"""The network: a small encoder-decoder of dense 3x3 convolutions whose decoder adds the encoder's features.

Written so that every layer is a convolution with a bias once batch normalisation is folded in, which is
what `perception/src/defects/network.rs` runs. Names of the layers are the names in the weights' file.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CLASSES = ("background", "crack", "leakage", "spalling", "corrosion")
WIDTHS = (16, 24, 48, 64, 96)
# Pictures are padded to a multiple of this.
STRIDE = 32
# What the network sees of a picture; see `inputs`.
INPUTS = 5
NEAR = 8
FAR = 64
LEAST_SPREAD = 3.0
LEAST_FAR = 12.0
LEAST_LIGHT = 25.0
MEAN = 0.45
STD = 0.25
LIMIT = 6.0


def inputs(picture: np.ndarray) -> np.ndarray:
    """What the network sees of a picture `[H, W, 3]` (uint8): `[5, H, W]`.

    Pictures of tunnels have no common brightness: a lamp beside the camera makes near things glare and far
    ones black. So the network is given luminance relative to its surroundings, near (in units of their
    spread) and far, the colour's direction, and only then luminance itself. Trained on colours as they come,
    the same network had learned no class but rust after 1800 steps.
    """
    p = picture.astype(np.int64)
    red, green, blue = p[..., 0], p[..., 1], p[..., 2]
    light = (77 * red + 150 * green + 29 * blue) >> 8
    total, count = box(light, NEAR)
    squares, _ = box(light * light, NEAR)
    mean = total / count
    spread = np.sqrt(np.maximum(squares / count - mean * mean, 0.0))
    far_total, far_count = box(light, FAR)
    far = far_total / far_count
    channels = (
        (light - mean) / (spread + LEAST_SPREAD),
        2.0 * (light - far) / (far + LEAST_FAR),
        3.0 * (red - green) / (light + LEAST_LIGHT),
        3.0 * (blue - green) / (light + LEAST_LIGHT),
        (light / 255.0 - MEAN) / STD,
    )
    return np.clip(np.stack(channels), -LIMIT, LIMIT).astype(np.float32)


def box(values: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Sum over the square of `2 radius + 1` about each pixel as far as it lies in the picture, and its pixels."""
    h, w = values.shape
    sums = np.zeros((h + 1, w + 1), np.int64)
    sums[1:, 1:] = values.cumsum(0).cumsum(1)
    y, x = np.arange(h), np.arange(w)
    top, bottom = np.maximum(y - radius, 0), np.minimum(y + radius + 1, h)
    left, right = np.maximum(x - radius, 0), np.minimum(x + radius + 1, w)
    rows = sums[bottom] - sums[top]
    return rows[:, right] - rows[:, left], (bottom - top)[:, None] * (right - left)[None, :]


class Conv(nn.Module):
    """Convolution, batch normalisation and, where `relu`, a rectifier."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1, relu: bool = True):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.05)
        self.relu = relu

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.conv(x))
        return F.relu(x) if self.relu else x

    def folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight and bias of the one convolution that does the same at inference."""
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        weight = self.conv.weight * scale[:, None, None, None]
        return weight, self.norm.bias - self.norm.running_mean * scale


class Network(nn.Module):
    """`[N, 5, H, W]` (see `inputs`) to logits `[N, 5, H, W]`; H and W multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = WIDTHS
        self.e1 = Conv(INPUTS, a, stride=2)
        self.e2 = Conv(a, b, stride=2)
        self.e2b = Conv(b, b)
        self.e3 = Conv(b, c, stride=2)
        self.e3b = Conv(c, c)
        self.e4 = Conv(c, d, stride=2)
        self.e4b = Conv(d, d)
        self.e5 = Conv(d, e, stride=2)
        self.e5b = Conv(e, e)
        self.p5 = Conv(e, d, size=1, relu=False)
        self.d4 = Conv(d, d)
        self.p4 = Conv(d, c, size=1, relu=False)
        self.d3 = Conv(c, c)
        self.p3 = Conv(c, b, size=1, relu=False)
        self.d2 = Conv(b, b)
        self.p2 = Conv(b, a, size=1, relu=False)
        self.d1 = Conv(a, a)
        # Four sub-pixels a class: the decoder ends at half resolution, the scores do not.
        self.head = nn.Conv2d(a, 4 * len(CLASSES), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x1 = self.e1(x)
        x2 = self.e2b(self.e2(x1))
        x3 = self.e3b(self.e3(x2))
        x4 = self.e4b(self.e4(x3))
        x5 = self.e5b(self.e5(x4))
        y = self.d4(F.relu(up(self.p5(x5)) + x4))
        y = self.d3(F.relu(up(self.p4(y)) + x3))
        y = self.d2(F.relu(up(self.p3(y)) + x2))
        y = self.d1(F.relu(up(self.p2(y)) + x1))
        return F.pixel_shuffle(self.head(y), 2)

    def layers(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Weight and bias of every layer, folded, by name."""
        out = {name: m.folded() for name, m in self.named_children() if isinstance(m, Conv)}
        out["head"] = (self.head.weight, self.head.bias)
        return out


def unfold(network: Network, tensors: dict[str, torch.Tensor], x: torch.Tensor) -> None:
    """Loads weights as the robot runs them, whose batch normalisation is folded in, so that training can go on from them: each
    normalisation undoes on the inputs `x` what it does."""

    def undo(conv: Conv, name: str):
        conv.conv.weight.copy_(tensors[f"{name}.weight"])

        def before(norm: nn.BatchNorm2d, arguments: tuple[torch.Tensor]) -> None:
            var, mean = torch.var_mean(arguments[0], (0, 2, 3), correction=0)
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(var)
            norm.weight.copy_(torch.sqrt(var + norm.eps))
            norm.bias.copy_(mean + tensors[f"{name}.bias"])

        return conv.norm.register_forward_pre_hook(before)

    with torch.no_grad():
        hooks = [undo(m, name) for name, m in network.named_children() if isinstance(m, Conv)]
        network.head.weight.copy_(tensors["head.weight"])
        network.head.bias.copy_(tensors["head.bias"])
        network.eval()
        network(x)
        network.train()
    for hook in hooks:
        hook.remove()


def up(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
