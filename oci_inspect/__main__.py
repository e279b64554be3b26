"""``python -m oci_inspect``, and what the installed ``oci-inspect`` calls."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

from oci_inspect.errors import interrupt_behind

INTERRUPTED = 128 + signal.SIGINT


def main() -> None:
    """Run the command line and exit; every expected failure is one line on standard error."""
    try:
        try:
            from oci_inspect.cli import run

            code = run()
        except (KeyboardInterrupt, RuntimeError) as error:
            # While modules were loaded, or once more while it was told.
            if interrupt_behind(error) is None:
                raise
            with suppress(AttributeError, OSError):  # where standard error is closed or full
                sys.stderr.write("oci-inspect: interrupted\n")
            code = INTERRUPTED
        # All is done and told. What is left is Python's own, which would show a traceback.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:  # and once more
        os._exit(INTERRUPTED)
    if code == INTERRUPTED:
        # Not sys.exit: where the interrupt came inside of an exec(), as in making a dataclass,
        # Python would end by the signal for all that it was caught (3.11, run_eval_code_obj).
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
