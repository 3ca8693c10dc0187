"""The networks of the lessons, as Keras models."""

from pylib import _backend  # noqa: F401  # isort: skip
import keras
import numpy as np
from keras import layers, ops

from pylib import _networks, _validate
from pylib.losses import bernoulli_reconstruction, gaussian_reconstruction, kl_to_unit


def _validate_autoencoder(layer_sizes, activation, code_activation, pixels):
    _validate.positive_integers(layer_sizes, "layer_sizes")
    _networks.require_activation(activation)
    _networks.require_activation(code_activation, "code_activation")
    # NumPy's integers can't be saved.
    return {"layer_sizes": [int(size) for size in layer_sizes], "pixels": _validate.sides(pixels)}


@_validate.arguments(_validate_autoencoder)
def build_autoencoder(layer_sizes, activation="sigmoid", code_activation="sigmoid", pixels=(28, 28)):
    """Build a symmetric dense autoencoder for grey images.

    Taught in lesson 01.

    Parameters
    ----------
    layer_sizes : units of the encoder's layers, the code's size last: `[256, 128]` gives
        784-256-128-256-784
    activation : of the hidden layers; None leaves them linear
    code_activation : of the code; None leaves it linear
    pixels : an image's height and width, or the side of a square

    Returns
    -------
    encoder : `(n, height * width)` -> `(n, layer_sizes[-1])`
    decoder : `(n, layer_sizes[-1])` -> `(n, height * width)` in [0, 1], through a sigmoid
    autoencoder : the decoder after the encoder; the three share their weights

    Raises
    ------
    ValueError : `layer_sizes` is empty or holds anything but whole numbers above 0, so does `pixels`, or Keras has no
        such activation
    """
    *hidden_sizes, code_size = layer_sizes
    height, width = pixels

    x = h = keras.Input((height * width,), name="image")
    for size in hidden_sizes:
        h = layers.Dense(size, activation=activation)(h)
    code = layers.Dense(code_size, activation=code_activation, name="code")(h)
    encoder = keras.Model(x, code, name="encoder")

    z = h = keras.Input((code_size,), name="code")
    for size in reversed(hidden_sizes):
        h = layers.Dense(size, activation=activation)(h)
    x_hat = layers.Dense(height * width, activation="sigmoid", name="reconstruction")(h)
    decoder = keras.Model(z, x_hat, name="decoder")

    autoencoder = keras.Model(x, decoder(encoder(x)), name="autoencoder")
    return encoder, decoder, autoencoder


def _validate_vae(latent_dim, hidden, activation, likelihood, sigma, beta, n_classes, pixels, options):
    _networks.require_float32(**options)
    unknown = options.keys() - {"name", "dtype", "trainable"}
    if unknown:
        raise TypeError(f"VAE has no parameter {', '.join(sorted(unknown))}")
    _validate.positive_integer(latent_dim, "latent_dim")
    _validate.positive_integers(hidden, "hidden")
    _networks.require_activation(activation)
    if not isinstance(likelihood, str) or likelihood not in ("bernoulli", "gaussian"):
        raise ValueError(f"likelihood must be 'bernoulli' or 'gaussian', not {likelihood!r}")
    if likelihood == "bernoulli" and sigma is not None:
        raise ValueError("a Bernoulli has no sigma: leave it out, or choose likelihood='gaussian'")
    if likelihood == "gaussian":
        _validate.number(sigma, "sigma of the Gaussian likelihood", above=0)
    _validate.number(beta, "beta", at_least=0)
    if n_classes is not None:
        _validate.positive_integer(n_classes, "n_classes")
    return _validate.sides(pixels)


def _refuse_weights(sample_weight=None, class_weight=None, **_):
    if sample_weight is not None or class_weight is not None:
        raise ValueError("the VAE's loss counts all images alike: leave out sample_weight and class_weight")


@keras.saving.register_keras_serializable(package="pylib")
class VAE(keras.Model):
    """A variational autoencoder for grey images (D. P. Kingma, M. Welling, 2014).

    Trained by `compile(optimizer)` and `fit(x, validation_data=x_val)`; the loss is built in. The logs
    are `loss`, `reconstruction` and `kl`, in nats, sums over pixels and latent dimensions and means over
    images, with loss = reconstruction + beta * kl. `predict(x)` decodes the mean of the code.

    With `n_classes`, labels `(n,)`, integers from 0, go with the images, for p(x|z, y):
    `fit(x, y, validation_data=(x_val, y_val))`, `evaluate(x, y)`, `predict([x, y])`,
    `encoder([x, y])`, `decoder([z, y])`.

    Images are validated where they are arrays. A `tf.data.Dataset` gives batches of images, or of
    `((images, labels),)`, and is trusted.

    Parameters
    ----------
    latent_dim : numbers in a code
    hidden : units of the encoder's hidden layers; the decoder has them in reverse
    activation : of the hidden layers; None leaves them linear
    likelihood : "bernoulli", for pixels in [0, 1], or "gaussian"
    sigma : standard deviation of the Gaussian, in units of a pixel
    beta : weight of the KL (I. Higgins et al., 2017); a callback may set `vae.beta` in training
    n_classes : number of labels of a conditional model, or None
    pixels : the side of a square image, or height and width; all images are rows `(n, height * width)`
    **options : of any Keras model, such as `name`

    Attributes
    ----------
    pixels : height and width of an image
    n_pixels : their product, 784 unless `pixels` says otherwise
    encoder : images `(n, n_pixels)` -> [z_mean, z_log_var, z], each `(n, latent_dim)`
    decoder : codes `(n, latent_dim)` -> means of the pixels `(n, n_pixels)`, in [0, 1]
    decoder_logits : the same before the sigmoid

    Raises
    ------
    ValueError : a parameter, an image or a label is out of its range
    """

    def __init__(
        self,
        latent_dim=2,
        hidden=(512,),
        activation="relu",
        likelihood="bernoulli",
        sigma=None,
        beta=1.0,
        n_classes=None,
        pixels=28,
        **options,
    ):
        height, width = _validate_vae(
            latent_dim, hidden, activation, likelihood, sigma, beta, n_classes, pixels, options
        )
        super().__init__(**options)
        # NumPy's integers can't be saved.
        self.latent_dim, self.hidden, self.activation = int(latent_dim), tuple(map(int, hidden)), activation
        self.likelihood, self.sigma = likelihood, sigma
        self.n_classes = None if n_classes is None else int(n_classes)
        self.pixels, self.n_pixels = (height, width), height * width
        self.encoder, self.decoder_logits, self.decoder = self.build_networks()
        # A weight, because a number would be frozen into the compiled training step.
        self._beta = self.add_weight(name="beta", initializer=keras.initializers.Constant(beta), trainable=False)
        self._reconstruction_mean = keras.metrics.Mean(name="reconstruction")
        self._kl_mean = keras.metrics.Mean(name="kl")
        self.built = True  # it has all its weights, and may be saved before its first call

    def build_networks(self):
        """The three networks, untrained; a subclass may return others, such as convolutional ones.

        Returns
        -------
        encoder, decoder_logits, decoder : as the class has them
        """
        shape = (self.n_pixels, self.latent_dim, self.hidden, self.activation, self.n_classes)
        return _networks.build_encoder(*shape), *_networks.build_decoder(*shape)

    @property
    def beta(self):  # numpydoc ignore=RT01
        """The weight of the KL, 0 or more; it may be set between batches."""
        return self._beta

    @beta.setter
    def beta(self, value):
        _validate.number(value, "beta", at_least=0)
        self._beta.assign(value)

    def compile(self, optimizer="adam", loss=None, **options):
        """Choose how to train, as Keras' `compile` does; the loss is built in.

        Parameters
        ----------
        optimizer : of Keras
        loss : None, since the VAE brings its own
        **options : of Keras' `compile`

        Raises
        ------
        ValueError : there is a loss
        """
        if loss is not None:
            raise ValueError("the VAE brings its own loss: compile it with an optimizer and no loss")
        super().compile(optimizer, **options)
        self.optimizer.build(self.trainable_variables)  # or a first step that fails would spoil all later ones

    def compile_from_config(self, config):
        """Compile as when the model was saved; Keras asks for that where `compile` is its own."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def call(self, x):
        """Encode, draw a code and decode it: dict of `logits`, `z_mean` and `z_log_var`."""
        z_mean, z_log_var, z = self.encoder(x)
        code = z if self.n_classes is None else [z, x[1]]
        return {"logits": self.decoder_logits(code), "z_mean": z_mean, "z_log_var": z_log_var}

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Minus the ELBO with its KL weighed by beta, in nats, from what `call` returned."""
        _refuse_weights(sample_weight=sample_weight)  # a dataset may bring them
        images = x if self.n_classes is None else x[0]
        if self.likelihood == "bernoulli":
            reconstruction = bernoulli_reconstruction(images, y_pred["logits"])
        else:
            reconstruction = gaussian_reconstruction(images, ops.sigmoid(y_pred["logits"]), self.sigma)
        kl = kl_to_unit(y_pred["z_mean"], y_pred["z_log_var"])
        self._reconstruction_mean.update_state(reconstruction)
        self._kl_mean.update_state(kl)
        loss = ops.mean(reconstruction + self.beta * kl)
        return loss / self.distribute_strategy.num_replicas_in_sync  # the losses of several devices are added up

    def predict_step(self, data):
        """Decode the means of the codes of one batch."""
        x, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        z_mean = self.encoder(x)[0]
        return self.decoder(z_mean if self.n_classes is None else [z_mean, x[1]])

    def fit(self, x=None, y=None, *, validation_data=None, **options):
        """Train, as Keras' `fit` does, once images and labels have been validated.

        Parameters
        ----------
        x, y : as `validated` takes them
        validation_data : images, or the pair `(images, labels)` of a conditional VAE
        **options : of Keras' `fit`

        Returns
        -------
        history : Keras' `History`; its `history` is a dict of a log's name to its values in nats, one for each epoch

        Raises
        ------
        ValueError : a loss was compiled, or images or labels do not suit the VAE
        """
        _refuse_weights(**options)
        if validation_data is not None:
            pair = validation_data if isinstance(validation_data, tuple) else (validation_data,)
            if len(pair) > 2:
                raise ValueError("validation_data must be images, or (images, labels) of a conditional VAE")
            validation_data = (self.validated(*pair), None)  # the labels are an input, not Keras' target
        return super().fit(self.validated(x, y), validation_data=validation_data, **options)

    def evaluate(self, x=None, y=None, **options):
        """Measure the loss and its terms, as Keras' `evaluate` does, once images and labels have been validated.

        Parameters
        ----------
        x, y : as `validated` takes them
        **options : of Keras' `evaluate`

        Returns
        -------
        logs : loss, KL and reconstruction in nats, as Keras' `evaluate` returns them

        Raises
        ------
        ValueError : images or labels do not suit the VAE
        """
        _refuse_weights(**options)
        return super().evaluate(self.validated(x, y), **options)

    def predict(self, x, **options):
        """Reconstruct images by way of the means of their codes, as Keras' `predict` does.

        Parameters
        ----------
        x : images, or for a conditional VAE `[images, labels]`
        **options : of Keras' `predict`

        Returns
        -------
        x_hat : means of the pixels, `(n, n_pixels)` float32 in [0, 1]

        Raises
        ------
        ValueError : images or labels do not suit the VAE
        """
        return super().predict(self.validated(x), **options)

    def validated(self, x, y=None):
        """The networks' input, once it is known to suit them.

        Parameters
        ----------
        x : images `(n, n_pixels)`, the pair `(images, labels)`, or a dataset or a generator, which are trusted
        y : labels `(n,)` of a conditional VAE, where they are not in `x`

        Returns
        -------
        inputs : images as floats, or for a conditional VAE `(images, labels)`

        Raises
        ------
        ValueError : there are no images, or not of `n_pixels` finite numbers (in [0, 1] for the Bernoulli likelihood);
            labels are missing, too many, or not in 0 to `n_classes - 1`
        """
        if y is None and isinstance(x, tuple | list) and len(x) == 2 and np.ndim(x[0]) > 1:
            x, y = x
        if _networks.is_stream(x):
            return x
        if self.likelihood == "bernoulli":
            _validate.images(x, self.n_pixels)
        else:
            _validate.rows(x, self.n_pixels)
        x = _networks.as_floating(x)
        if self.n_classes is None:
            if y is not None:
                raise ValueError("this VAE takes images only: a VAE with n_classes takes labels too")
            return x
        _validate.labels(y, len(x), self.n_classes)
        return x, np.asarray(y)

    def train_on_batch(self, x, y=None, *, return_dict=False):
        """Take one step, as Keras' `train_on_batch` does, once images and labels have been validated.

        Parameters
        ----------
        x, y : as `validated` takes them
        return_dict : whether the logs come as a dict

        Returns
        -------
        logs : loss, KL and reconstruction in nats, as Keras' `train_on_batch` returns them

        Raises
        ------
        ValueError : images or labels do not suit the VAE
        """
        return super().train_on_batch(self.validated(x, y), return_dict=return_dict)

    def test_on_batch(self, x, y=None, *, return_dict=False):
        """Measure one batch, as Keras' `test_on_batch` does, once images and labels have been validated.

        Parameters
        ----------
        x, y, return_dict : as `train_on_batch` takes them

        Returns
        -------
        logs : as `train_on_batch` returns them

        Raises
        ------
        ValueError : as `train_on_batch` does
        """
        return super().test_on_batch(self.validated(x, y), return_dict=return_dict)

    def predict_on_batch(self, x):
        """Reconstruct one batch, as `predict` does.

        Parameters
        ----------
        x : as `predict` takes it

        Returns
        -------
        x_hat : as `predict` returns it

        Raises
        ------
        ValueError : as `predict` does
        """
        return super().predict_on_batch(self.validated(x))

    def save(self, filepath, **options):
        """Save weights, settings and optimizer, as Keras' `save` does, to load with `keras.models.load_model`.

        Parameters
        ----------
        filepath : ending in `.keras`
        **options : of Keras' `save`

        Raises
        ------
        ValueError : the file's name has another ending; Keras could not load it again
        """
        if not str(filepath).endswith(".keras"):
            raise ValueError(f"save a VAE to a file whose name ends in .keras, not to {filepath}")
        super().save(filepath, **options)

    def get_config(self):
        """What `VAE(**config)` needs to build the same networks, for Keras to save."""
        names = ("latent_dim", "hidden", "activation", "likelihood", "sigma", "n_classes", "pixels")
        return {name: getattr(self, name) for name in names} | {"beta": float(self.beta), "name": self.name}
