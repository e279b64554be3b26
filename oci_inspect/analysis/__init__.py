"""What is worked out from an opened image: history, waste, comparisons."""
