"""Models of torchvision at small images, in double precision: batch norms over few
values amplify rounding."""

from dataclasses import dataclass

import torch
import zoo

NAMES = """
alexnet convnext_base convnext_tiny densenet121 densenet169 densenet201 efficientnet_b0
efficientnet_b1 efficientnet_b2 efficientnet_v2_s googlenet inception_v3 maxvit_t
mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2 mobilenet_v3_large
mobilenet_v3_small regnet_x_1_6gf regnet_x_400mf regnet_x_800mf regnet_y_1_6gf
regnet_y_400mf regnet_y_800mf resnet101 resnet18 resnet34 resnet50 resnext50_32x4d
shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0
squeezenet1_0 squeezenet1_1 swin_s swin_t swin_v2_t vgg11 vgg11_bn vgg13 vgg16_bn
vit_b_16 vit_b_32 wide_resnet50_2 deeplabv3_mobilenet_v3_large deeplabv3_resnet50
fcn_resnet50 lraspp_mobilenet_v3_large
"""
# One of each kind, which ctest runs.
SMALL = (
    "resnet18",
    "mobilenet_v3_small",
    "shufflenet_v2_x0_5",
    "googlenet",
    "swin_t",
)


class Named(torch.nn.Module):
    """A segmentation model returns a dictionary; the loss reads its first value."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x)["out"]


class Logits(Named):
    """A scripted GoogLeNet or Inception returns a tuple."""

    def forward(self, x):
        return self.model(x).logits


@dataclass
class Entry:
    name: str
    rows: int = 4
    alone: bool = False

    def build(self, mode):
        model, _ = zoo.build("vision:" + self.name)
        if self.name.startswith(("deeplab", "fcn", "lraspp")):
            model = Named(model)
        elif self.name in ("googlenet", "inception_v3"):
            model = Logits(model)
        return model.double().train(mode == "train")

    def draw(self):
        _, inputs = zoo.build("vision:" + self.name)
        sizes = (self.rows, *inputs["x"].shape[1:])
        generator = torch.Generator().manual_seed(5)
        data = torch.randn(sizes, generator=generator, dtype=torch.float64)
        return data, data.split(2)

    def split(self):
        return "split.stages = 2"


ENTRIES = {name: Entry(name) for name in NAMES.split()}
