"""Graph passes: rewrites of dlp operations on tensors. One pass a file; the file name is the pass name."""
