"""Two images side by side: pure functions of their analyses."""
