"""Times networks compiled by dlp beside what else a user could run them with: `python -m bench --help`."""
