"""The network: the first half of EfficientNet-Lite0, and a decoder that adds the encoder's features on its way up.

Written so that every layer is a convolution with a bias once batch normalisation is folded in, which is
what `perception/src/defects/network.rs` runs. Names of the layers are the names in the weights' file.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

CLASSES = ("background", "crack", "leakage", "spalling", "corrosion")
# Channels of the first layer; then of each block its channels, the side of its kernel, its stride, and how much wider it is inside:
# the first half of EfficientNet-Lite0.
STEM = 32
BLOCKS = ((16, 3, 1, 1), (24, 3, 2, 6), (24, 3, 1, 6), (40, 5, 2, 6), (40, 5, 1, 6), (80, 3, 2, 6), (80, 3, 1, 6), (80, 3, 1, 6))
# Channels of the decoder at 1/8, 1/4 and 1/2.
DECODER = (48, 32, 16)
# Added to a variance by the teacher's encoder.
TEACHER_EPS = 1e-3
# A picture is judged as it is and made smaller by these, and how much each counts in a pixel's mean.
SCALES = {1: 2, 2: 1}
# Pictures are padded to a multiple of this.
STRIDE = 16
# What the network sees of a picture; see `inputs`.
INPUTS = 5
NEAR = 8
FAR = 64
LEAST_SPREAD = 3.0
LEAST_FAR = 12.0
MID = 127.0
HALF = 128.0
LIMIT = 6.0


def inputs(picture: np.ndarray) -> np.ndarray:
    """What the network sees of a picture `[H, W, 3]` (uint8): `[5, H, W]`.

    Its colours, as the encoder was trained on them, and luminance relative to its surroundings, near (in units of their
    spread) and far: pictures of tunnels have no common brightness, for a lamp beside the camera makes near things glare and far
    ones black.
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
    colours = [(channel - MID) / HALF for channel in (red, green, blue)]
    relative = [(light - mean) / (spread + LEAST_SPREAD), 2.0 * (light - far) / (far + LEAST_FAR)]
    return np.clip(np.stack(colours + relative), -LIMIT, LIMIT).astype(np.float32)


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
    """Convolution, batch normalisation and, what comes `after`, a rectifier or nothing."""

    def __init__(self, inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1, after=F.relu):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, momentum=0.05)
        self.after = after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm(self.conv(x))
        return self.after(x) if self.after else x

    def folded(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Weight and bias of the one convolution that does the same at inference."""
        scale = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        weight = self.conv.weight * scale[:, None, None, None]
        return weight, self.norm.bias - self.norm.running_mean * scale


class Block(nn.Module):
    """An inverted residual block (MobileNetV2, arXiv:1801.04381): wider, a convolution of each channel alone, narrower again."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, wider: int):
        super().__init__()
        inner = inputs * wider
        self.expand = Conv(inputs, inner, size=1, after=F.relu6) if wider > 1 else None
        self.depthwise = Conv(inner, inner, size, stride, groups=inner, after=F.relu6)
        self.project = Conv(inner, outputs, size=1, after=None)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.project(self.depthwise(self.expand(x) if self.expand else x))
        return x + y if self.residual else y


class Network(nn.Module):
    """`[N, 5, H, W]` (see `inputs`) to logits `[N, 5, H, W]`; H and W multiples of 16."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(INPUTS, STEM, stride=2, after=F.relu6)
        inputs = STEM
        for i, (outputs, size, stride, wider) in enumerate(BLOCKS):
            self.add_module(f"b{i}", Block(inputs, outputs, size, stride, wider))
            inputs = outputs
        c, d, e = DECODER
        self.p4 = Conv(inputs, c, size=1, after=None)
        self.l3 = Conv(BLOCKS[4][0], c, size=1, after=None)
        self.d3 = Conv(c, c)
        self.p3 = Conv(c, d, size=1, after=None)
        self.l2 = Conv(BLOCKS[2][0], d, size=1, after=None)
        self.d2 = Conv(d, d)
        self.p2 = Conv(d, e, size=1, after=None)
        self.l1 = Conv(BLOCKS[0][0], e, size=1, after=None)
        self.d1 = Conv(e, e)
        # Four sub-pixels a class: the decoder ends at half resolution, the scores do not.
        self.head = nn.Conv2d(e, 4 * len(CLASSES), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x1 = self.b0(self.stem(x))
        x2 = self.b2(self.b1(x1))
        x3 = self.b4(self.b3(x2))
        x4 = self.b7(self.b6(self.b5(x3)))
        y = self.d3(F.relu(up(self.p4(x4)) + self.l3(x3)))
        y = self.d2(F.relu(up(self.p3(y)) + self.l2(x2)))
        y = self.d1(F.relu(up(self.p2(y)) + self.l1(x1)))
        return F.pixel_shuffle(self.head(y), 2)

    def encoder(self) -> list[nn.Parameter]:
        """What was trained before, to be trained on more gently."""
        blocks = [getattr(self, f"b{i}") for i in range(len(BLOCKS))]
        return [p for m in (self.stem, *blocks) for p in m.parameters()]

    def layers(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Weight and bias of every layer, folded, by name."""
        out = {name: m.folded() for name, m in self.named_modules() if isinstance(m, Conv)}
        out["head"] = (self.head.weight, self.head.bias)
        return out


def begin(network: Network, teacher: dict[str, torch.Tensor]) -> None:
    """Gives the network the first blocks of the teacher's encoder, and so what ImageNet and the masks taught that."""

    def take(conv: Conv, layer: str, norm: str) -> None:
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(conv.norm, name).copy_(teacher[f"{norm}.{name}"])
        # The teacher's normalisation adds more to the variance before it divides.
        conv.norm.running_var.add_(TEACHER_EPS - conv.norm.eps)
        weight = teacher[f"{layer}.weight"]
        conv.conv.weight.zero_()
        conv.conv.weight[:, :weight.shape[1]] = weight

    with torch.no_grad():
        take(network.stem, "stem", "stem_norm")
        for i in range(len(BLOCKS)):
            block = getattr(network, f"b{i}")
            of = f"blocks.{i}"
            if block.expand:
                take(block.expand, f"{of}._expand_conv", f"{of}._bn0")
            take(block.depthwise, f"{of}._depthwise_conv", f"{of}._bn1")
            take(block.project, f"{of}._project_conv", f"{of}._bn2")


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
        hooks = [undo(m, name) for name, m in network.named_modules() if isinstance(m, Conv)]
        network.head.weight.copy_(tensors["head.weight"])
        network.head.bias.copy_(tensors["head.bias"])
        network.eval()
        network(x)
        network.train()
    for hook in hooks:
        hook.remove()


def up(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2, mode="nearest")
