"""The VAE's encoder and decoder, which look at what they are called with before Keras sees it."""

from pylib import _backend  # noqa: F401  # isort: skip
import keras
import tensorflow as tf
from keras import layers, ops

from pylib import _validate
from pylib.losses import sample


@keras.saving.register_keras_serializable(package="pylib")
class Network(keras.Model):
    """An encoder or a decoder: a Keras model that says in a sentence what is wrong with what it is called with.

    In a training step, where there are no values yet, it trusts its input.
    """

    def __call__(self, inputs, *args, **kwargs):
        if tf.executing_eagerly() and not any(map(keras.utils.is_keras_tensor, tf.nest.flatten(inputs))):
            inputs = self._validated(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def predict(self, x, *args, **options):
        """Compute the outputs, as Keras' `predict` does, once the inputs have been validated."""
        return super().predict(x if is_stream(x) else self._validated(x), *args, **options)

    def _validated(self, inputs):
        row, *label = self.inputs
        name = f"{row.name}s"  # images or codes
        if not label:
            return _rows(inputs, row.shape[1], name)
        if not isinstance(inputs, tuple | list) or len(inputs) != 2:
            raise ValueError(f"the {self.name} of a conditional VAE takes [{name}, labels], both in one list")
        rows = _rows(inputs[0], row.shape[1], name)
        (one_hot,) = (layer for layer in self.layers if isinstance(layer, OneHotLabel))
        _validate.labels(inputs[1], len(rows), one_hot.n_classes)
        return [rows, inputs[1]]


def _rows(x, width, name):
    x = as_floating(x, name)
    _validate.row_shape(x, width, name)
    return x


def as_floating(x, name="images"):
    """Rows of numbers as they are or, where they are a list or of another type, as float32."""
    if getattr(getattr(x, "dtype", None), "name", None) == "float32":
        return x
    return _validate.numeric(x, name).astype("float32")


@keras.saving.register_keras_serializable(package="pylib")
class OneHotLabel(layers.Layer):
    """Labels `(n,)` to one-hot rows `(n, n_classes)`; NaN for a label out of range, which only a stream can bring here.

    Parameters
    ----------
    n_classes : number of labels
    **options : of any Keras layer, such as `name`
    """

    def __init__(self, n_classes, **options):
        super().__init__(**options)
        self.n_classes = n_classes

    def call(self, label):
        """One-hot rows of labels."""
        one_hot = ops.one_hot(label, self.n_classes)
        return one_hot / ops.sum(one_hot, axis=-1, keepdims=True)

    def get_config(self):
        """What Keras saves of it."""
        return super().get_config() | {"n_classes": self.n_classes}


@keras.saving.register_keras_serializable(package="pylib")
class Sampling(layers.Layer):
    """Draws eps and calls `sample`, as a layer of the encoder. Taught in lesson 03.

    Parameters
    ----------
    **options : of any Keras layer, such as `name`
    """

    def __init__(self, **options):
        super().__init__(**options)
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, z_mean, z_log_var):
        """Codes for the encoder's means and log-variances, each `(n, latent_dim)`."""
        eps = keras.random.normal(ops.shape(z_mean), seed=self.seed_generator)
        return sample(z_mean, z_log_var, eps)


def build_encoder(pixels, latent_dim, hidden, activation, n_classes):
    """Images, and labels where there are any, to [z_mean, z_log_var, z]."""
    inputs, h = _input(pixels, "image", n_classes)
    for size in hidden:
        h = layers.Dense(size, activation=activation)(h)
    z_mean = layers.Dense(latent_dim, name="z_mean")(h)
    z_log_var = layers.Dense(latent_dim, name="z_log_var")(h)
    z_log_var = ops.clip(z_log_var, -20, 20)  # exp(89) would overflow; no digit comes near 20
    z = Sampling(name="z")(z_mean, z_log_var)
    return Network(inputs, [z_mean, z_log_var, z], name="encoder")


def build_decoder(pixels, latent_dim, hidden, activation, n_classes):
    """The decoder before and after the sigmoid: two models that share their weights."""
    inputs, h = _input(latent_dim, "code", n_classes)
    for size in reversed(hidden):
        h = layers.Dense(size, activation=activation)(h)
    logits = layers.Dense(pixels, name="logits")(h)
    decoder_logits = Network(inputs, logits, name="decoder_logits")
    return decoder_logits, Network(inputs, ops.sigmoid(logits), name="decoder")


def _input(width, name, n_classes):
    """The input of a network, and its first tensor: with the label as one-hot beside it, where there is one."""
    row = keras.Input((width,), name=name)
    if n_classes is None:
        return row, row
    label = keras.Input((), dtype="int32", name="label")
    return [row, label], layers.Concatenate()([row, OneHotLabel(n_classes)(label)])


def is_stream(x):
    """Whether `x` gives batches one after the other, which are trusted: a dataset or a generator."""
    return isinstance(x, tf.data.Dataset | keras.utils.PyDataset) or hasattr(x, "__next__")


def require_float32(**options):
    """Raise ValueError where Keras is told to compute in less or more than float32, as a VAE does."""
    policy = options.get("dtype") or keras.config.dtype_policy()
    if getattr(policy, "name", policy) != "float32":
        raise ValueError(
            f"the VAE computes in float32, not in {getattr(policy, 'name', policy)}, since its loss is a sum over all "
            "pixels: call keras.config.set_dtype_policy('float32') first"
        )


def require_activation(activation, name="activation"):
    """Raise ValueError unless Keras knows the activation: a name, a function, or None for a linear layer."""
    try:
        keras.activations.get(activation)
    except (ValueError, TypeError, AttributeError) as error:
        known = "one that Keras knows, such as 'relu' or 'silu'"
        raise ValueError(f"{name} must be {known}, not {activation!r}") from error


def require_callbacks(callbacks):
    """Raise ValueError unless it is a list of Keras callbacks."""
    if not isinstance(callbacks, tuple | list) or not all(isinstance(c, keras.callbacks.Callback) for c in callbacks):
        raise ValueError("callbacks must be a list of Keras callbacks, such as [callback], even for a single one")
