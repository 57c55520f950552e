"""What several kits' tests need."""

import pytest


@pytest.fixture(scope="session")
def cluster():
    """The address of a Dask scheduler with two workers, which are processes of their own."""
    import distributed

    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=":0",
        silence_logs=50,
    ) as cluster:
        yield cluster.scheduler_address
