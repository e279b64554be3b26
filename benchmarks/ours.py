"""One ``analyze`` as a library call, timed without the start of the interpreter."""

from __future__ import annotations

import json
import sys
import time

import oci_inspect.inspection


def main() -> None:
    path, jobs = sys.argv[1], int(sys.argv[2])
    start = time.perf_counter()
    analysis = oci_inspect.inspection.analyze(path, jobs=jobs)
    seconds = time.perf_counter() - start
    assert analysis.ok
    layers = sum(len(image.layers) for image in analysis.images)
    print(json.dumps({"seconds": seconds, "layers": layers}))


if __name__ == "__main__":
    main()
