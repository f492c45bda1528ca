"""Subcommands of `dlp`, a file each; none loads what it runs before it runs."""
