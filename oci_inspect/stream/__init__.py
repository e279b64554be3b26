"""Bytes in, bytes or tar headers out: what reading archives and reading layers both stand on."""
