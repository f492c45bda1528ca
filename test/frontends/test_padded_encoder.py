"""`torch.nn.TransformerEncoder` with padding: zeros in its place, as eager mode has them."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import dlp

pytestmark = [
    pytest.mark.requires_tool("gcc"),
    pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors"),
]


class Classifier(nn.Module):
    def __init__(self, **options) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(8), **options)
        self.head = nn.Linear(8, 3)

    def forward(self, x, padding):
        hidden = self.encoder(x, src_key_padding_mask=padding)
        return hidden, self.head(hidden.mean(1))


MASKS = {
    "behind": [[0, 0, 0, 1, 1], [0, 0, 0, 0, 1]],
    "none": [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0]],
    "in front as well, where eager mode keeps it": [[0, 0, 0, 1, 1], [1, 0, 0, 0, 1]],
}


@pytest.mark.parametrize("nested", [True, False])
def test_padded_positions(nested):
    model = Classifier(enable_nested_tensor=nested).eval()
    # Norms that make something of zeros.
    nn.init.normal_(model.encoder.norm.bias)
    fast = dlp.optimize(copy.deepcopy(model), threads=1)
    x = torch.randn(2, 5, 8)
    with torch.inference_mode():
        for mask in MASKS.values():
            padding = torch.tensor(mask, dtype=torch.bool)
            for ours, theirs in zip(fast(x, padding), model(x, padding), strict=True):
                torch.testing.assert_close(ours, theirs)
    report = dlp.report(fast)
    assert (report.calls_compiled, report.graphs_captured) == (3, 1), str(report)


def test_the_framework_is_as_before():
    forward = nn.TransformerEncoder.forward
    model = Classifier().eval()
    with torch.inference_mode():
        dlp.optimize(model, threads=1)(torch.randn(2, 5, 8), torch.tensor(MASKS["behind"], dtype=torch.bool))
    assert nn.TransformerEncoder.forward is forward
