"""Lowering passes: from fused kernels on tensors to loops, vectors and C. One pass a file."""
