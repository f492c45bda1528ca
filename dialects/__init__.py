"""The dialects of dlp: the operations that the passes rewrite."""
