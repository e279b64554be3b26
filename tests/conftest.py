"""What holds for every test.

One profile for property tests: no deadlines (machines differ), the same examples every time. And
scans are kept in a folder of this run, never in the user's own.
"""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("default")


@pytest.fixture(scope="session", autouse=True)
def _cache_of_this_run(tmp_path_factory):
    """The command line keeps scans by default: so it does here, and later tests meet them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OCI_INSPECT_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("OCI_INSPECT_CACHE_SIZE", raising=False)
        yield
