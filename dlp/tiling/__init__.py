"""Tiling and fusion of structured ops on buffers: linear offsets, regions, tile-and-fuse, and the choice of tiles."""
