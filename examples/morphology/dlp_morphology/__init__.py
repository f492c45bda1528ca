"""Mathematical morphology for dlp: what it takes to add an op and a pass from another package."""
