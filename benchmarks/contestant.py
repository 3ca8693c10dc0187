"""One contestant in a process of its own: `contestant.py NAME` reads a number of epochs from each line.

It trains for so many and answers with the seconds taken.
"""

import importlib
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from pylib import mnist_dataset

OF_PEERS = ("ours", "keras_tutorial", "our_diffusion")  # the others are of engines.py


if __name__ == "__main__":
    name = sys.argv[1]
    images = mnist_dataset.load("train")[0][:50_000]
    train = getattr(importlib.import_module("peers" if name in OF_PEERS else "engines"), name)(images)
    for line in sys.stdin:
        start = time.perf_counter()
        train(int(line))
        print(f"seconds {time.perf_counter() - start}", flush=True)
