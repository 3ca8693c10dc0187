"""How a training's steps are compiled: once, and many of them as one program; and what is left to do after them."""

import ctypes

from pylib import _backend  # noqa: F401  # isort: skip
import tensorflow as tf


def prepare(model):
    """Before the first step of Keras' `fit`, let TensorFlow trace the step once and XLA compile many as one program.

    A first trace that makes the optimizer's variables has to be followed by another, so they are made before it.
    For a model with `jit_compile`, see `OneProgram`.

    Parameters
    ----------
    model : compiled; its `train_function` and its optimizer change, and what they compute does not
    """
    if model.built and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    together = model.jit_compile and model.steps_per_execution > 1 and not model.run_eagerly
    if together and not isinstance(model.train_function, OneProgram):
        model.train_function = OneProgram(model)


class OneProgram:
    """What Keras' `fit` calls with its iterator for the next `steps_per_execution` batches, as one compiled program.

    Keras has XLA compile a step, and TensorFlow call that in a loop: each time, weights and Adam's means are handed
    over and taken back. Here the loop is compiled with the step, as JAX's `scan` does it, and they stay where they are.
    The steps are the same. Their batches are put into one tensor first; at the end of an epoch, where they are fewer,
    into one of the same size, or XLA would compile once more.

    Parameters
    ----------
    model : compiled, with `jit_compile`
    """

    def __init__(self, model):
        self.model, self.step_by_step, self.most = model, model.train_function, model.steps_per_execution
        self.collect = tf.function(self._collect)
        self.take_steps = tf.function(self._take_steps, jit_compile=True)

    def __call__(self, iterator):
        """Take the steps, and return the logs; where batches differ in size or go to several devices, as Keras does."""
        if not isinstance(iterator, tf.data.Iterator):
            return self.step_by_step(iterator)
        specs = tf.nest.flatten(iterator.element_spec)
        if not all(isinstance(spec, tf.TensorSpec) and spec.shape.is_fully_defined() for spec in specs):
            return self.step_by_step(iterator)
        n, batches = self.collect(iterator)
        if n == 0:
            raise StopIteration
        return self.take_steps(n, batches)

    def _collect(self, iterator):
        """The number of batches, and a tensor `(most, ...)` for each of their parts."""
        specs = tf.nest.flatten(iterator.element_spec)
        stacks = [tf.TensorArray(spec.dtype, self.most, element_shape=spec.shape) for spec in specs]

        def put(n, stacks, batch):
            parts = tf.nest.flatten(batch.get_value())
            stacks = [stack.write(n, part) for stack, part in zip(stacks, parts, strict=True)]
            return n + 1, stacks, tf.cond(n + 1 < self.most, iterator.get_next_as_optional, lambda: batch)

        there = lambda n, stacks, batch: tf.logical_and(n < self.most, batch.has_value())  # noqa: E731
        n, stacks, _ = tf.while_loop(there, put, [0, stacks, iterator.get_next_as_optional()])
        return n, tf.nest.pack_sequence_as(iterator.element_spec, [stack.stack() for stack in stacks])

    def _take_steps(self, n, batches):
        def step(i):
            self.model.train_step(tf.nest.map_structure(lambda stack: stack[i], batches))
            return i + 1

        tf.while_loop(lambda i: i < n, step, [0])
        return self.model.get_metrics_result()


def give_memory_back():
    """Hand the system what training has freed, some 150 MB after a compilation.

    The C library of Linux keeps it for the threads that had it, which compile and do nothing else; others have no such
    function.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError, TypeError):
        pass
