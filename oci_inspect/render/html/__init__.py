"""Pages that open anywhere: one file, no request, a strict Content-Security-Policy."""
