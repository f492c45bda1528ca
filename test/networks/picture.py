"""Networks that give pictures, and those that look at videos."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn

from networks.definition import Build, Network, Picked, Size, define_torchvision_operations, images


def _models() -> Any:
    define_torchvision_operations()
    import torchvision.models

    return torchvision.models


def _segmentation(size: Size, published: str) -> Network:
    """A ResNet whose last layers are dilated, or a MobileNet, and the way back to the size of the picture."""
    segmentation = _models().segmentation
    if size == "full":
        model = getattr(segmentation, published)(weights=None, weights_backbone=None)
        return Network(Picked(model, "out"), images(1, 224))
    from torchvision.models._utils import IntermediateLayerGetter

    if published == "lraspp_mobilenet_v3_large":
        mobilenet = _models().mobilenetv3
        block = partial(mobilenet.InvertedResidualConfig, width_mult=1.0)
        blocks = [
            block(16, 3, 32, 16, True, "RE", 2, 1),
            block(16, 5, 40, 24, True, "HS", 2, 2),
        ]
        features = mobilenet.MobileNetV3(blocks, 48, num_classes=10).features
        layers = IntermediateLayerGetter(features, {"1": "low", "3": "high"})
        model = segmentation.LRASPP(layers, 16, 144, num_classes=5, inter_channels=24)
        return Network(Picked(model, "out"), images(1, 40))
    resnet = _models().resnet
    backbone = resnet.ResNet(
        resnet.BasicBlock, [1, 1, 1, 1], replace_stride_with_dilation=[False, False, False]
    )
    layers = IntermediateLayerGetter(backbone, {"layer4": "out"})
    if published == "fcn_resnet50":
        model = segmentation.FCN(layers, segmentation.fcn.FCNHead(512, 5))
    else:
        head = segmentation.deeplabv3.DeepLabHead(512, 5, atrous_rates=(2, 3, 4))
        model = segmentation.DeepLabV3(layers, head)
    return Network(Picked(model, "out"), images(1, 45))


def _video(size: Size) -> Network:
    video = _models().video
    if size == "full":
        return Network(video.r3d_18(weights=None), (torch.randn(1, 3, 16, 112, 112),))
    resnet = video.resnet
    model = resnet.VideoResNet(
        resnet.BasicBlock, [resnet.Conv3DSimple] * 4, [1, 1, 1, 1], resnet.BasicStem, num_classes=10
    )
    return Network(model, (torch.randn(1, 3, 5, 20, 20),))


def _separable_video(size: Size) -> Network:
    """(2+1)d: first along the picture, then along time."""
    video = _models().video
    if size == "full":
        return Network(video.r2plus1d_18(weights=None), (torch.randn(1, 3, 16, 112, 112),))
    resnet = video.resnet
    model = resnet.VideoResNet(
        resnet.BasicBlock, [resnet.Conv2Plus1D] * 4, [1, 1, 1, 1], resnet.R2Plus1dStem, num_classes=10
    )
    return Network(model, (torch.randn(1, 3, 4, 18, 18),))


class Autoencoder(nn.Module):
    """Strided convolutions down to a code, transposed ones back to a picture."""

    def __init__(self, channels: int, width: int, code: int, side: int) -> None:
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv2d(channels, width, 3, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            nn.LeakyReLU(0.1),
            nn.Flatten(),
            nn.Linear(2 * width * (side // 4) ** 2, code),
        )
        self.up = nn.Sequential(
            nn.Linear(code, 2 * width * (side // 4) ** 2),
            nn.Unflatten(1, (2 * width, side // 4, side // 4)),
            nn.ConvTranspose2d(2 * width, width, 3, stride=2, padding=1, output_padding=1),
            nn.ELU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.up(self.down(x))


def _autoencoder(size: Size) -> Network:
    if size == "full":
        return Network(Autoencoder(3, 64, 256, 128), images(4, 128))
    return Network(Autoencoder(3, 7, 11, 20), images(2, 20))


class UNet(nn.Module):
    """Down by pooling, up by transposed convolutions beside what was there (Ronneberger et al., arXiv:1505.04597)."""

    def __init__(self, widths: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(self._twice(a, b) for a, b in zip((3, *widths[:-1]), widths, strict=True))
        self.pool = nn.MaxPool2d(2)
        above = list(zip(widths[:0:-1], widths[-2::-1], strict=True))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in above)
        self.join = nn.ModuleList(self._twice(2 * b, b) for _, b in above)
        self.head = nn.Conv2d(widths[0], classes, 1)

    @staticmethod
    def _twice(a: int, b: int) -> nn.Sequential:
        first, second = nn.Conv2d(a, b, 3, padding=1, bias=False), nn.Conv2d(b, b, 3, padding=1, bias=False)
        return nn.Sequential(first, nn.BatchNorm2d(b), nn.ReLU(), second, nn.BatchNorm2d(b), nn.ReLU())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        beside: list[torch.Tensor] = []
        for i, block in enumerate(self.down):
            if i:
                x = self.pool(x)
            x = block(x)
            beside.append(x)
        beside.pop()
        for up, block in zip(self.up, self.join, strict=True):
            x = block(torch.cat([beside.pop(), up(x)], 1))
        return self.head(x)


def _unet(size: Size) -> Network:
    if size == "full":
        return Network(UNet((64, 128, 256, 512, 1024), 2), images(1, 256))
    return Network(UNet((9, 13, 18), 3), images(1, 20))


class Upsampler(nn.Module):
    """Residual blocks, then larger by pixel shuffling (Ledig et al., arXiv:1609.04802), beside a bicubic guess."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, width, 9, padding=4), nn.PReLU())
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect"),
                nn.InstanceNorm2d(width, affine=True),
                nn.PReLU(width),
                nn.Conv2d(width, width, 3, padding=1, padding_mode="replicate"),
            )
            for _ in range(blocks)
        )
        self.larger = nn.Sequential(nn.Conv2d(width, 12, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x)
        for block in self.blocks:
            y = y + block(y)
        return self.larger(y) + nn.functional.interpolate(x, scale_factor=2, mode="bicubic")


def _upsampler(size: Size) -> Network:
    if size == "full":
        return Network(Upsampler(64, 8), images(1, 96))
    return Network(Upsampler(11, 2), images(2, 13))


class Generator(nn.Module):
    """From a code to a picture (DCGAN, Radford et al., arXiv:1511.06434)."""

    def __init__(self, code: int, width: int, doublings: int) -> None:
        super().__init__()
        width <<= doublings - 1
        layers = [nn.ConvTranspose2d(code, width, 4, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        for _ in range(doublings - 1):
            layers += [
                nn.ConvTranspose2d(width, width // 2, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width // 2),
                nn.ReLU(),
            ]
            width //= 2
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, stride=2, padding=1), nn.Tanh())

    def forward(self, code: torch.Tensor) -> torch.Tensor:
        return self.layers(code)


def _generator(size: Size) -> Network:
    if size == "full":
        return Network(Generator(100, 64, 4), (torch.randn(8, 100, 1, 1),))
    return Network(Generator(13, 6, 3), (torch.randn(2, 13, 1, 1),))


PICTURES: dict[str, Build] = {
    "fcn": partial(_segmentation, published="fcn_resnet50"),
    "deeplab": partial(_segmentation, published="deeplabv3_resnet50"),
    "lraspp": partial(_segmentation, published="lraspp_mobilenet_v3_large"),
    "video_resnet": _video,
    "separable_video": _separable_video,
    "autoencoder": _autoencoder,
    "unet": _unet,
    "upsampler": _upsampler,
    "generator": _generator,
}
