"""Random networks that are valid by construction, checked against eager PyTorch, and shrunk where they fail.

```python
network = random_network(seed=7)
failure = find_failure(network)
if failure:
    print(reproducer(shrink(network, failure, find_failure), failure))
```
`scripts/fuzz.py` does this for any number of seeds.
"""

from .checking import OMISSIBLE, Failure, Road, blamed, find_failure, find_failures
from .generator import RandomNetwork, random_network
from .shrinking import reproducer, shrink

__all__ = [
    "OMISSIBLE",
    "Failure",
    "RandomNetwork",
    "Road",
    "blamed",
    "find_failure",
    "find_failures",
    "random_network",
    "reproducer",
    "shrink",
]
