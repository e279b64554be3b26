"""Benchmarks: ``python -m benchmarks``; docs/performance.md explains what they show."""
