"""Rules that an image must keep: what a team chose, judged, for a CI to act upon."""
