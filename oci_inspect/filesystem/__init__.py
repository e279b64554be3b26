"""The union filesystem: scans merged bottom to top into one tree, and what died on the way."""
