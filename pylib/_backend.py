"""Keras on TensorFlow: modules that need it import this one before Keras, which may fail in words of its own."""

import os

try:
    import keras

    name = keras.backend.backend()
except (ImportError, ValueError) as error:  # that backend isn't installed, or none has this name
    name = os.environ.get("KERAS_BACKEND") or getattr(error, "name", None)
    if name in (None, "keras", "tensorflow"):
        raise

if name != "tensorflow":
    raise ImportError(
        f"the lessons need Keras on TensorFlow, not on {name}: "
        "set the environment variable KERAS_BACKEND to tensorflow and restart the kernel"
    )
