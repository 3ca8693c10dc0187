"""Before all else: of several workers, each keeps to its own cores."""

import os

# Or the threads of one worker's TensorFlow and NumPy wait for each other on cores that another worker's threads hold:
# two lessons at once on two cores take twice as long. Kernels and other processes of a test inherit the cores.
# Here, because NumPy counts cores as soon as it is imported.
if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    cores = sorted(os.sched_getaffinity(0))
    worker, of = os.environ["PYTEST_XDIST_WORKER"], int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.sched_setaffinity(0, cores[int(worker.removeprefix("gw")) :: of] or cores)

pytest_plugins = ["tests.nbval_plugin"]
