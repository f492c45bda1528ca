"""The PyTorch frontend: `optimize`, `report`, `refresh` and `capture`, and the backend of `torch.compile`.

The functions are in the modules of their names (`refresh` in `optimize`), and in `dlp`.
"""
