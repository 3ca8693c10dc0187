"""One contestant in a process of its own: `contestant.py NAME` trains an epoch for each line that it reads.

It answers each with the seconds taken.
"""

import importlib
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pylib import mnist_dataset

MODULES = {"ours": "peers", "keras_tutorial": "peers", "products": "engines", "jax": "engines", "pytorch": "engines"}


if __name__ == "__main__":
    name = sys.argv[1]
    images = mnist_dataset.load("train")[0][:50_000]
    epoch = getattr(importlib.import_module(MODULES[name]), name)(images)
    for _ in sys.stdin:
        start = time.perf_counter()
        epoch()
        print(f"seconds {time.perf_counter() - start}", flush=True)
