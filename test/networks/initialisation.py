"""Initialisation with which every layer matters.

torch's own would hide mistakes: activations shrink from layer to layer until the output hardly depends on the input.
Here weights keep the scale of what they are applied to (He et al., arXiv:1502.01852), heads are not zero, layer
scales are about 1, and batch norms have the statistics of a batch.
"""

from __future__ import annotations

from math import prod

import torch
from torch import nn

Args = tuple[torch.Tensor, ...]


def enliven(model: nn.Module) -> None:
    """Initialise every layer so that activations keep their scale and nothing is zero or exactly one."""
    for module in model.modules():
        match module:
            case nn.Conv1d() | nn.Conv2d() | nn.Conv3d() | nn.Linear():
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=0.1)
            case nn.ConvTranspose1d() | nn.ConvTranspose2d() | nn.ConvTranspose3d():
                # Of a window, every stride-th element meets a pixel.
                met = module.in_channels * prod(module.kernel_size) / prod(module.stride) / module.groups
                nn.init.normal_(module.weight, std=(2 / met) ** 0.5)
                if module.bias is not None:
                    nn.init.normal_(module.bias, std=0.1)
            case nn.Embedding():
                nn.init.normal_(module.weight)
            case nn.LSTM() | nn.GRU() | nn.RNN():
                for name, parameter in module.named_parameters():
                    # A unit sums features and hidden state: half of the variance each.
                    std = 0.1 if "bias" in name else parameter.shape[1] ** -0.5
                    nn.init.normal_(parameter, std=std)
            case _:
                for name, parameter in module.named_parameters(recurse=False):
                    _enliven(module, name, parameter)


def _enliven(module: nn.Module, name: str, parameter: nn.Parameter) -> None:
    """A parameter of a module of any other kind: norms and scales; tokens, positions and tables; matrices."""
    if "bias" in name and parameter.dim() == 1:
        nn.init.normal_(parameter, std=0.1)
    elif parameter.dim() == 1 or name == "layer_scale":
        nn.init.normal_(parameter, mean=1.0, std=0.1)
    elif name in ("weight", "in_proj_weight"):
        # transformers' Conv1D has its matrix the other way around.
        inputs = parameter.shape[0] if type(module).__name__ == "Conv1D" else prod(parameter.shape[1:])
        nn.init.normal_(parameter, std=(2 / inputs) ** 0.5)
    else:
        nn.init.normal_(parameter)


def take_statistics(model: nn.Module, args: Args) -> None:
    """Give batch norms the statistics of one batch, and put the model in eval mode."""
    model.eval()
    norms = [m for m in model.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
        norm.train()
    # Enough samples that no channel has next to no variance where one pixel is left of a picture.
    batch = tuple(torch.randn(8, *a.shape[1:]) for a in args)
    with torch.no_grad():
        model(*batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
