"""For tests of passes and ops: run IR of any stage with the interpreter, on random data, before and after.

```python
assert_pass_preserves(text, "fold-batch-norm")
```
"""

from .comparison import assert_same, relative_error
from .modules import op_module, parse_module, run_op, tensor_type
from .network import Network
from .preservation import assert_pass_preserves
from .random_data import random_array, random_inputs, random_weights

__all__ = [
    "Network",
    "assert_pass_preserves",
    "assert_same",
    "op_module",
    "parse_module",
    "random_array",
    "random_inputs",
    "random_weights",
    "relative_error",
    "run_op",
    "tensor_type",
]
