"""Whether passes change what a module computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dlp.context import make_context
from dlp.interpreter.dtypes import Array
from dlp.pass_manager import PassManager
from dlp.pass_pipeline import Step, parse_passes

from .comparison import assert_same
from .modules import parse_module
from .network import Network
from .random_data import random_inputs, random_weights


def assert_pass_preserves(
    module: ModuleOp | str,
    passes: str | ModulePass | Sequence[ModulePass | Step],
    inputs: Sequence[Array] | None = None,
    *,
    weights: Mapping[str, Array] | None = None,
    function: str = "forward",
    target: str | None = None,
    rtol: float = 1e-5,
    seed: int = 0,
    check_reads: bool = False,
) -> ModuleOp:
    """Interpret a module before and after passes on the same data, and compare.

    Passes may split off @prepare, move to buffers or plan an arena (see `Network`). The module is verified, with
    dominance, after every pass. Both versions are called twice, with other inputs the second time, so that what one
    call leaves behind cannot help or harm the next.

    Args:
        module: the module or its text; it is not changed.
        passes: a pipeline as `dlp-opt -p` takes it, a pass, or several.
        inputs: arguments of `function`; random where not given. Needed where integers index small tables.
        weights: data of the `dlp.weight` ops; random where not given.
        target: for passes that read the target's description.
        rtol: bound of max|a - b| / max|b| of each result; NaN and Inf must be in the same places.

    Returns:
        The module after the passes.

    Raises:
        AssertionError: a result differs; the text says which and where.
    """
    before = parse_module(module) if isinstance(module, str) else module
    if isinstance(passes, str):
        steps: Sequence[ModulePass | Step] = parse_passes(passes, target=target)
    else:
        steps = [passes] if isinstance(passes, ModulePass) else passes
    data = random_weights(before, seed) if weights is None else weights
    after = before.clone()
    PassManager(steps, verify=True).run(make_context(), after)

    expected = Network(before, data, function=function)
    actual = Network(after, data, function=function, check_reads=check_reads)
    for call in range(2):
        arguments = (
            inputs if inputs is not None and call == 0 else random_inputs(expected.input_types, seed + call)
        )
        if inputs is not None and call == 1:
            arguments = [a[::-1].copy() if a.ndim else a for a in inputs]
        wanted = expected(*arguments)
        assert_same(actual(*arguments), wanted, rtol=rtol, what=f"call {call + 1}, result")
    return after
