"""Convolutional nets."""

import torch
from torch import nn

from models.example import Example, Options, batch_dim


class BatchNormNet(nn.Module):
    """x [batch, 3, 8, 8] -> [batch, 4]; in training mode, writes buffers."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.fc = nn.Linear(width, 4)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        return self.fc(x.mean(dim=(2, 3)))


def batch_norm(options: Options) -> Example:
    module = BatchNormNet(options.get("width", 8))
    x = torch.randn(options.get("batch", 4), 3, 8, 8)
    return Example(module, (x,), dynamic={"x": {0: batch_dim()}})


def resnet18(options: Options) -> Example:
    """ResNet-18 for 10 classes on 32x32 images."""
    from torchvision.models import resnet18 as build

    x = torch.randn(options.get("batch", 4), 3, 32, 32)
    return Example(build(num_classes=10), (x,), dynamic={"x": {0: batch_dim()}})


def resnet50(options: Options) -> Example:
    """ResNet-50 for 10 classes on 32x32 images.

    `width` is that of its bottlenecks, 64 in the paper.
    """
    from torchvision.models.resnet import Bottleneck, ResNet

    x = torch.randn(options.get("batch", 4), 3, 32, 32)
    width = options.get("width", 64)
    module = ResNet(Bottleneck, [3, 4, 6, 3], num_classes=10, width_per_group=width)
    return Example(module, (x,), dynamic={"x": {0: batch_dim()}})


TABLE = {"batch-norm": batch_norm, "resnet18": resnet18, "resnet50": resnet50}
