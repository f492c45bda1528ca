"""Frontends: from a framework's model to the dlp dialect, and back into the framework's calls."""
