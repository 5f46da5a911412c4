"""Small networks for images, as they are written outside of torchvision.

Each of them can be scripted and traced. Images have 3 channels and 16 x 16 pixels.
"""

import itertools

import torch
from torch import nn
from torch.nn import functional


def conv(inputs, outputs, size=3, stride=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Classifier(nn.Module):
    """Features, the mean over pixels and a linear layer."""

    def __init__(self, features, width):
        super().__init__()
        self.features = features
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


class PreActivation(nn.Module):
    """A residual block that normalises first, and projects where sizes change."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.project: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.project = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x):
        h = functional.relu(self.norm1(x))
        if self.project is not None:
            x = self.project(h)
        h = self.conv2(functional.relu(self.norm2(self.conv1(h))))
        return x + h


class SqueezeExcite(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.reduce = nn.Conv2d(width, width // 4, 1)
        self.expand = nn.Conv2d(width // 4, width, 1)

    def forward(self, x):
        scale = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.expand(functional.silu(self.reduce(scale))))


class InvertedResidual(nn.Module):
    """MBConv, as in EfficientNet; `expand` is one convolution when fused."""

    def __init__(self, inputs, outputs, stride, fused=False):
        super().__init__()
        wide = 4 * inputs
        self.expand = conv(inputs, wide, 3 if fused else 1, stride if fused else 1)
        self.depth = nn.Identity() if fused else conv(wide, wide, 3, stride, wide)
        self.squeeze = SqueezeExcite(wide)
        self.project = nn.Conv2d(wide, outputs, 1)
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x):
        h = self.project(self.squeeze(self.depth(self.expand(x))))
        return x + h if self.skips else h


class GroupedBlock(nn.Module):
    """A bottleneck with grouped convolutions and squeeze-and-excitation."""

    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            conv(width, width, 1), conv(width, width, groups=4), SqueezeExcite(width)
        )

    def forward(self, x):
        return functional.relu(x + self.body(x))


class DenseBlock(nn.Module):
    """Each layer reads all outputs before it."""

    def __init__(self, inputs, growth, layers):
        super().__init__()
        self.layers = nn.ModuleList(
            conv(inputs + i * growth, growth) for i in range(layers)
        )

    def forward(self, x):
        found = [x]
        for layer in self.layers:
            found.append(layer(torch.cat(found, 1)))
        return torch.cat(found, 1)


class ConvNextBlock(nn.Module):
    """Normalises channels where they are innermost."""

    def __init__(self, width):
        super().__init__()
        self.depth = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        self.gamma = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x):
        h = self.norm(self.depth(x).permute(0, 2, 3, 1))
        h = self.gamma * self.down(functional.gelu(self.up(h)))
        return x + h.permute(0, 3, 1, 2)


class PoolFormerBlock(nn.Module):
    """Mixes pixels with nothing but a mean."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
        self.mix = nn.Sequential(
            nn.Conv2d(width, 2 * width, 1), nn.GELU(), nn.Conv2d(2 * width, width, 1)
        )

    def forward(self, x):
        h = self.norm(x)
        x = x + self.pool(h) - h
        return x + self.mix(self.norm(x))


class AttentionGates(nn.Module):
    """Attention to channels, then to pixels (CBAM)."""

    def __init__(self, width):
        super().__init__()
        self.mix = nn.Sequential(
            nn.Linear(width, width // 2), nn.ReLU(), nn.Linear(width // 2, width)
        )
        self.look = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x):
        scale = self.mix(x.mean((2, 3))) + self.mix(x.amax((2, 3)))
        x = x * torch.sigmoid(scale)[:, :, None, None]
        pixels = torch.stack((x.mean(1), x.max(1)[0]), 1)
        return x * torch.sigmoid(self.look(pixels))


class Unet(nn.Module):
    """Skips from each level down to the same level up."""

    def __init__(self, widths=(8, 12, 16)):
        super().__init__()
        pairs = list(itertools.pairwise(widths))
        self.first = conv(3, widths[0])
        self.down = nn.ModuleList(conv(a, b, stride=2) for a, b in pairs)
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(pairs)
        )
        self.mix = nn.ModuleList(conv(2 * a, a) for a, _ in reversed(pairs))
        self.last = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        x = self.first(x)
        skips: list[torch.Tensor] = []
        for layer in self.down:
            skips.append(x)
            x = layer(x)
        for up, mix in zip(self.up, self.mix):  # noqa: B905  a script has no `strict`
            x = mix(torch.cat((up(x), skips.pop()), 1))
        return self.last(x)


class Pyramid(nn.Module):
    """A feature pyramid: levels by name, merged from the coarsest to the finest."""

    def __init__(self):
        super().__init__()
        self.levels = nn.ModuleDict(
            {"fine": conv(3, 8, stride=2), "middle": conv(8, 12, stride=2)}
        )
        self.coarse = conv(12, 16, stride=2)
        self.side = nn.ModuleList(nn.Conv2d(n, 8, 1) for n in (8, 12, 16))
        self.last = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x):
        named: dict[str, torch.Tensor] = {}
        for name, level in self.levels.items():
            x = level(x)
            named[name] = x
        named["coarse"] = self.coarse(x)
        found = list(named.values())
        merged: list[torch.Tensor] = []
        for i, layer in enumerate(self.side):
            merged.append(layer(found[i]))
        top = merged.pop()
        while len(merged) > 0:
            below = merged.pop()
            size = [below.size(2), below.size(3)]
            top = below + functional.interpolate(top, size=size, mode="nearest")
        return self.last(top)


class Branches(nn.Module):
    """Two resolutions that exchange what they found, twice (HRNet)."""

    def __init__(self):
        super().__init__()
        self.high, self.low = conv(3, 8), conv(3, 12, stride=2)
        self.down = nn.ModuleList(nn.Conv2d(8, 12, 3, 2, 1) for _ in range(2))
        self.up = nn.ModuleList(nn.Conv2d(12, 8, 1) for _ in range(2))
        self.head = nn.Linear(20, 5)

    def forward(self, x):
        pair = [self.high(x), self.low(x)]
        for down, up in zip(self.down, self.up):  # noqa: B905
            wide = functional.interpolate(
                up(pair[1]), scale_factor=2.0, mode="bilinear", align_corners=False
            )
            pair = [torch.relu(pair[0] + wide), torch.relu(pair[1] + down(pair[0]))]
        return self.head(torch.cat([level.mean((2, 3)) for level in pair], 1))


class Upscaler(nn.Module):
    """Super-resolution with a pixel shuffle; residuals are scaled."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.body = nn.ModuleList(
            nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.PReLU(8)) for _ in range(3)
        )
        self.last = nn.Sequential(nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, x):
        h = self.first(x)
        for layer in self.body:
            h = h + 0.1 * layer(h)
        return self.last(h) + functional.interpolate(x, scale_factor=2.0)


class Coupling(nn.Module):
    """Halves of the channels change each other in turn (RevNet)."""

    def __init__(self, width=8):
        super().__init__()
        self.first = conv(3, width)
        self.f = nn.ModuleList(conv(width // 2, width // 2) for _ in range(3))
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        left, right = self.first(x).chunk(2, 1)
        for layer in self.f:
            left, right = right, left + layer(right)
        return self.head(torch.cat((left, right), 1).mean((2, 3)))


def pre_activation():
    blocks = [PreActivation(8, 8, 1), PreActivation(8, 12, 2), PreActivation(12, 12, 1)]
    return Classifier(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *blocks), 12)


def mobile(fused):
    blocks = [InvertedResidual(8, 8, 1, fused), InvertedResidual(8, 12, 2, fused)]
    return Classifier(nn.Sequential(conv(3, 8, stride=2), *blocks), 12)


def stacked(block, width):
    stem = nn.Conv2d(3, width, 2, 2)
    return Classifier(nn.Sequential(stem, block(width), block(width)), width)


IMAGES = {
    "pre-activation ResNet": pre_activation,
    "SE-ResNeXt": lambda: stacked(GroupedBlock, 8),
    "DenseNet of one block": lambda: Classifier(DenseBlock(3, 4, 4), 19),
    "EfficientNet": lambda: mobile(False),
    "EfficientNetV2": lambda: mobile(True),
    "ConvNeXt": lambda: stacked(ConvNextBlock, 8),
    "PoolFormer": lambda: stacked(PoolFormerBlock, 8),
    "CBAM": lambda: stacked(AttentionGates, 8),
    "U-Net": Unet,
    "feature pyramid": Pyramid,
    "HRNet": Branches,
    "super-resolution": Upscaler,
    "RevNet": Coupling,
}
