"""One blob to one scan: compression, digests and tar entries, in a single pass."""
