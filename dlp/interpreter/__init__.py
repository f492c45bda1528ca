"""The reference interpreter: runs the IR of every stage with NumPy, slowly and plainly.

```python
outputs = Interpreter(module, weights).call("forward", x)
```
It is what passes are checked against, and is itself checked against PyTorch.
"""

from .errors import InterpreterError
from .interpreter import Interpreter

__all__ = ["Interpreter", "InterpreterError"]
