"""torchvision's networks that classify images."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import nn

from networks.definition import Build, Network, Size, define_torchvision_operations, images

SIDE = 224


def _models() -> Any:
    define_torchvision_operations()
    import torchvision.models

    return torchvision.models


def _published(name: str, side: int = SIDE, **options: Any) -> Network:
    return Network(getattr(_models(), name)(weights=None, **options), images(1, side))


def _head(*widths: int) -> nn.Sequential:
    """AlexNet's and VGG's, which have most of their weights."""
    a, b, c = widths
    hidden = [nn.Dropout(), nn.Linear(a, b), nn.ReLU(), nn.Dropout(), nn.Linear(b, b), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(b, c))


def _alexnet(size: Size) -> Network:
    if size == "full":
        return _published("alexnet")
    model = _models().AlexNet()
    model.classifier = _head(256 * 36, 31, 10)
    return Network(model, images(1, 67))


def _vgg(size: Size, *, norm: bool) -> Network:
    if size == "full":
        return _published("vgg16_bn" if norm else "vgg11")
    layers = _models().vgg.make_layers([10, "M", 12, "M", 17, 17, "M"], batch_norm=norm)
    model = _models().VGG(layers, init_weights=False)
    model.classifier = _head(17 * 49, 31, 10)
    return Network(model, images(1, 37))


def _resnet(size: Size, published: str, **options: int) -> Network:
    if size == "full":
        return _published(published)
    resnet = _models().resnet
    return Network(resnet.ResNet(resnet.Bottleneck, [2, 1, 1, 1], num_classes=10, **options), images(1, 35))


def _densenet(size: Size) -> Network:
    if size == "full":
        return _published("densenet121")
    model = _models().DenseNet(growth_rate=9, block_config=(2, 1, 2, 1), num_init_features=18, num_classes=10)
    return Network(model, images(1, 45))


def _squeezenet(size: Size, version: str) -> Network:
    if size == "full":
        return _published(f"squeezenet{version}")
    return Network(_models().SqueezeNet(version, num_classes=10), images(1, 41))


def _inception(size: Size) -> Network:
    options = {"aux_logits": False, "init_weights": False}
    if size == "full":
        return _published("inception_v3", 299, **options)
    model = _models().Inception3(num_classes=10, **options)
    for repeated in ("Mixed_5d", "Mixed_6c", "Mixed_6d", "Mixed_6e", "Mixed_7c"):
        model.add_module(repeated, nn.Identity())
    model.Mixed_5c = nn.Conv2d(256, 288, 1)  # widens, as the module does
    return Network(model, images(1, 79))


def _googlenet(size: Size) -> Network:
    options = {"aux_logits": False, "init_weights": False}
    if size == "full":
        return _published("googlenet", **options)
    model = _models().GoogLeNet(num_classes=10, **options)
    for repeated in ("inception4b", "inception4c", "inception5a"):
        model.add_module(repeated, nn.Identity())
    model.inception4d = nn.Conv2d(512, 528, 1)  # widens, as the module does
    return Network(model, images(1, 65))


def _mobilenet_v3(size: Size) -> Network:
    if size == "full":
        return _published("mobilenet_v3_large")
    mobilenet = _models().mobilenetv3
    block = partial(mobilenet.InvertedResidualConfig, dilation=1, width_mult=1.0)
    blocks = [
        block(16, 3, 16, 16, False, "RE", 1),
        block(16, 3, 40, 24, True, "RE", 2),
        block(24, 5, 56, 24, True, "HS", 1),
        block(24, 5, 56, 32, False, "HS", 2),
    ]
    return Network(mobilenet.MobileNetV3(blocks, 48, num_classes=10), images(1, 43))


def _efficientnet(size: Size) -> Network:
    if size == "full":
        return _published("efficientnet_b0")
    efficientnet = _models().efficientnet
    block = partial(efficientnet.MBConvConfig, width_mult=1.0, depth_mult=1.0)
    blocks = [
        block(1, 3, 1, 16, 8, 1),
        block(6, 3, 2, 8, 16, 1),
        block(6, 5, 2, 16, 24, 2),
    ]
    return Network(efficientnet.EfficientNet(blocks, dropout=0.2, num_classes=10), images(1, 37))


def _efficientnet_v2(size: Size) -> Network:
    if size == "full":
        return _published("efficientnet_v2_s")
    efficientnet = _models().efficientnet
    blocks = [
        efficientnet.FusedMBConvConfig(1, 3, 1, 16, 16, 1),
        efficientnet.FusedMBConvConfig(4, 3, 2, 16, 24, 2),
        efficientnet.MBConvConfig(4, 3, 2, 24, 32, 1),
    ]
    model = efficientnet.EfficientNet(blocks, dropout=0.2, num_classes=10, last_channel=40)
    return Network(model, images(1, 37))


def _convnext(size: Size) -> Network:
    if size == "full":
        return _published("convnext_tiny")
    convnext = _models().convnext
    blocks = [convnext.CNBlockConfig(24, 40, 1), convnext.CNBlockConfig(40, None, 2)]
    return Network(convnext.ConvNeXt(blocks, num_classes=10), images(1, 44))


def _vit(size: Size) -> Network:
    if size == "full":
        return _published("vit_b_16")
    vit = _models().VisionTransformer(
        image_size=40, patch_size=8, num_layers=2, num_heads=3, hidden_dim=48, mlp_dim=90, num_classes=10
    )
    return Network(vit, images(1, 40))


def _swin(size: Size) -> Network:
    if size == "full":
        return _published("swin_t")
    swin = _models().SwinTransformer(
        patch_size=[4, 4],
        embed_dim=24,
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=[4, 4],
        num_classes=10,
    )
    return Network(swin, images(1, 52))


def _swin_v2(size: Size) -> Network:
    if size == "full":
        return _published("swin_v2_t", 256)
    swin = _models().swin_transformer
    model = swin.SwinTransformer(
        patch_size=[4, 4],
        embed_dim=24,
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=[4, 4],
        num_classes=10,
        block=swin.SwinTransformerBlockV2,
        downsample_layer=swin.PatchMergingV2,
    )
    return Network(model, images(1, 52))


def _regnet(size: Size) -> Network:
    if size == "full":
        return _published("regnet_y_400mf")
    regnet = _models().regnet
    blocks = regnet.BlockParams(
        depths=[1, 2],
        widths=[24, 48],
        group_widths=[8, 8],
        bottleneck_multipliers=[1.0, 1.0],
        strides=[2, 2],
        se_ratio=0.25,
    )
    return Network(regnet.RegNet(blocks, num_classes=10), images(1, 39))


def _shufflenet(size: Size) -> Network:
    if size == "full":
        return _published("shufflenet_v2_x1_0")
    model = _models().ShuffleNetV2([2, 1, 1], [12, 20, 28, 36, 48], num_classes=10)
    return Network(model, images(1, 49))


def _mnasnet(size: Size) -> Network:
    if size == "full":
        return _published("mnasnet1_0")
    model = _models().MNASNet(0.25, num_classes=10)
    for stack in list(model.layers)[9:13]:
        del stack[2:]
    return Network(model, images(1, 37))


CLASSIFIERS: dict[str, Build] = {
    "alexnet": _alexnet,
    "vgg": partial(_vgg, norm=False),
    "vgg_bn": partial(_vgg, norm=True),
    "resnet50": partial(_resnet, published="resnet50"),
    "resnext50": partial(_resnet, published="resnext50_32x4d", groups=4, width_per_group=8),
    "wide_resnet50": partial(_resnet, published="wide_resnet50_2", width_per_group=24),
    "densenet": _densenet,
    "squeezenet": partial(_squeezenet, version="1_0"),
    "squeezenet1_1": partial(_squeezenet, version="1_1"),
    "inception_v3": _inception,
    "googlenet": _googlenet,
    "mobilenet_v3": _mobilenet_v3,
    "efficientnet": _efficientnet,
    "efficientnet_v2": _efficientnet_v2,
    "convnext": _convnext,
    "vit": _vit,
    "swin": _swin,
    "swin_v2": _swin_v2,
    "regnet": _regnet,
    "shufflenet": _shufflenet,
    "mnasnet": _mnasnet,
}
