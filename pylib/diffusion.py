"""A diffusion model of codes: a network for the flow between codes and noise, and the prior that it makes.

An angle theta goes from 0, where there are codes, to pi/2, where there is noise, and between them
z_theta = cos(theta) z + sin(theta) eps. A point that moves with the mean velocity E[v | z_theta] of
v = d z_theta / d theta = cos(theta) eps - sin(theta) z keeps the density of all z_theta (J. Song et al., 2021;
T. Salimans, J. Ho, 2022). Lesson 06 teaches all of it.

A `field` is a function of points `(n, d)` and one angle in radians, and gives their velocity `(n, d)`; where its
divergence is asked for, it is made of TensorFlow's operations on both. Codes in it are standardised: less their mean,
over their standard deviation.
"""

import functools
import itertools

from pylib import _backend  # noqa: F401  # isort: skip
import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from pylib import _networks, _validate
from pylib.divergence import log_normal
from pylib.likelihood import blocks
from pylib.progress import Progress
from pylib.training import TrainingProgress, batches, compile_settings

WAVES = 8  # of the angle, each as a cosine and a sine
NO_LABEL = -1


def _validate_velocity(latent_dim, hidden, n_classes):
    _validate.positive_integer(latent_dim, "latent_dim")
    _validate.positive_integers(hidden, "hidden")
    _validate.count(n_classes, "n_classes")
    _networks.require_float32()
    # Keras takes no integers of NumPy.
    return {"latent_dim": int(latent_dim), "hidden": [int(size) for size in hidden], "n_classes": int(n_classes)}


@_validate.arguments(_validate_velocity)
def build_velocity(latent_dim, hidden=(256, 256, 256, 256), n_classes=0):
    """Build the network for the velocity, untrained: dense layers with silu, each beside the input once more.

    Taught in lesson 06.

    Parameters
    ----------
    latent_dim : numbers in a code
    hidden : units of the hidden layers
    n_classes : number of labels, 0 for none

    Returns
    -------
    network : a Keras model, [codes `(n, latent_dim)`, angles `(n,)`, labels `(n,)`] -> velocities `(n, latent_dim)`;
        a label is an integer from 0, or -1 for no label

    Raises
    ------
    ValueError : a number is none that it can be
    """
    z, theta = keras.Input((latent_dim,), name="code"), keras.Input((), name="angle")
    label = keras.Input((), dtype="int32", name="label")
    waves = ops.expand_dims(theta, 1) * np.arange(1, WAVES + 1, dtype="float32")
    one_hot = ops.one_hot(label + 1, n_classes + 1)
    row = h = layers.Concatenate(name="row")([z, ops.cos(waves), ops.sin(waves), one_hot])
    for size in hidden:
        h = layers.Dense(size, activation="silu")(h)
        h = layers.Concatenate()([h, row])
    return keras.Model([z, theta, label], layers.Dense(latent_dim)(h), name="velocity")


def _shape(network):
    """`latent_dim` and `n_classes` of a `build_velocity`; ValueError where it is none."""
    inputs = getattr(network, "inputs", None)
    if isinstance(network, type) or not inputs or [x.name for x in inputs] != ["code", "angle", "label"]:
        raise ValueError(f"network must be a build_velocity(), not {_validate.shown(network)}")
    latent_dim = inputs[0].shape[1]
    return latent_dim, network.get_layer("row").output.shape[1] - latent_dim - 2 * WAVES - 1


def _validate_trained(network):
    latent_dim, n_classes = _shape(network)
    weights = network.get_weights()
    if not any(np.any(weight) for weight in weights if weight.ndim == 1):  # Keras starts with zeros
        raise ValueError("network is untrained: its biases are all 0, so train it with fit_velocity first")
    if not all(np.isfinite(weight).all() for weight in weights):
        raise ValueError("network has a weight that is a NaN or infinity: its training failed")
    return latent_dim, n_classes


def _validate_label(label, n, n_classes):
    """Labels `(n,)` for one label, one for each row, or None, which is no label."""
    if label is None:
        return np.full(n, NO_LABEL)
    if n_classes == 0:
        raise ValueError("this network knows no labels: build_velocity(n_classes=10) makes one that does")
    label = _validate.numeric(label, "label")
    label = np.full(n, label) if label.ndim == 0 else label
    _validate.labels(label, n, n_classes)
    return label


def _validate_noised(z, label):
    _validate.same_shapes(z=z)
    _validate.same_shapes(label=label)
    if np.ndim(z) != 2 or np.shape(label) != np.shape(z)[:1]:
        shapes = f"{tuple(np.shape(z))} and {tuple(np.shape(label))}"
        raise ValueError(f"z must have shape (n, latent_dim) and label (n,), not {shapes}")
    label = tf.convert_to_tensor(label)
    if not label.dtype.is_integer:
        raise ValueError(f"label must hold integers, not {label.dtype.name}")
    return {"z": tf.cast(z, "float32"), "label": tf.cast(label, "int32")}


@_validate.arguments(_validate_noised)
def noised(z, label):
    """Pairs for training: codes on their way to noise, each at an angle of its own, and their velocity there.

    Taught in lesson 06.

    Parameters
    ----------
    z : standardised codes, a float32 tensor `(n, latent_dim)`
    label : an int32 tensor `(n,)`, of which about half are replaced by -1, for no label

    Returns
    -------
    inputs : of `build_velocity`
    velocity : `(n, latent_dim)`

    Raises
    ------
    ValueError : shapes do not fit
    """
    n = tf.shape(z)[0]
    theta, eps = tf.random.uniform([n], 0, np.pi / 2), tf.random.normal(tf.shape(z))
    cos, sin = tf.cos(theta)[:, None], tf.sin(theta)[:, None]
    label = tf.where(tf.random.uniform([n]) < 0.5, NO_LABEL, label)
    return (cos * z + sin * eps, theta, label), cos * eps - sin * z


def _validate_fit(network, z, label, callbacks):
    latent_dim, n_classes = _shape(network)
    z = _validate.numeric(z, "codes")
    _validate.rows(z, latent_dim, "codes")
    label = _validate_label(label, len(z), n_classes)
    _networks.require_callbacks(callbacks)
    return {"z": z.astype("float32"), "label": label.astype("int32")}


@_validate.arguments(_validate_fit)
def fit_velocity(network, z, label, epochs, learning_rate=6e-3, callbacks=()):
    """Train a `build_velocity` with Adam and batches of 512, each noised anew.

    Taught in lesson 06.

    Parameters
    ----------
    network : its weights change
    z : standardised codes `(n, latent_dim)`
    label : `(n,)` integers from 0, or None
    epochs : passes through the codes
    learning_rate : the largest step size, of `compile_settings`
    callbacks : Keras callbacks

    Returns
    -------
    history : dict of a log's name to its values, one for each epoch; the loss is the squared error of a velocity's
        number

    Raises
    ------
    ValueError : codes or labels do not suit the network, a callback is none, epochs or the step size are not above 0
    """
    network.compile(loss="mse", **compile_settings(len(z), epochs, learning_rate, 512))
    pairs = batches(z, label, batch_size=512).map(noised).prefetch(2)
    return network.fit(
        pairs, epochs=epochs, shuffle=False, verbose=0, callbacks=[TrainingProgress(), *callbacks]
    ).history


def _validate_guided(network, label, guidance):
    _, n_classes = _validate_trained(network)
    if label is not None:
        label = _validate.numeric(label, "label")
        _validate_label(label, label.size, n_classes)
    _validate_guidance(label, guidance)


def _validate_guidance(label, guidance):
    _validate.number(guidance, "guidance")
    if label is None and guidance != 0:
        raise ValueError("guidance needs a label, since it leads away from codes of no label in particular")


def _is_symbolic(x):
    """Whether it is a tensor without values yet, as inside `tf.function`."""
    return tf.is_tensor(x) and not hasattr(x, "numpy")


def _points_for(network, label):
    """What validates the points that a field is asked about: the network's width, and one for each label.

    Only their shape is looked at, since `divergence` gives tensors that it differentiates by.
    """
    latent_dim, labels = _shape(network)[0], 1 if label is None else np.size(label)

    def validate(z, theta):
        if not _is_symbolic(theta):
            _validate.number(theta, "theta")
        _validate.same_shapes(points=z)
        _validate.row_shape(z, latent_dim, "points")
        n = np.shape(z)[0]
        if labels != 1 and n != labels:
            n = "another number of" if n is None else n  # None in a program for any number, made once there were two
            raise ValueError(f"field has {labels} labels for {n} points: give one label, or one per point")

    return _validate.arguments(validate)


@functools.lru_cache(maxsize=4)
def _compiled(network):
    """The network as one program, kept, since compiling takes a moment. Taught in lesson 06."""
    return tf.function(network, reduce_retracing=True)


@_validate.arguments(_validate_guided)
def field(network, label=None, guidance=0.0):
    """The velocity that a network has learned, as a function of points and one angle.

    With a label it is that of codes of this label, and with guidance w it is (1 + w) times that less w times the one
    without a label (J. Ho, T. Salimans, 2022). Taught in lesson 06.

    Parameters
    ----------
    network : a `build_velocity`, trained
    label : an integer, or `(n,)` with one for each point
    guidance : w; -1 gives the velocity without a label, and what is neither 0 nor -1 was fitted to nothing

    Returns
    -------
    velocity : a function of points `(n, d)` and an angle that gives a tensor `(n, d)`

    Raises
    ------
    ValueError : the network is none or untrained, it knows no such label, or there is guidance and no label
    """
    compiled = _compiled(network)

    @_points_for(network, label)
    def velocity(z, theta):
        z, n = tf.cast(z, "float32"), tf.shape(z)[:1]
        angle, no_label = tf.fill(n, tf.cast(theta, "float32")), tf.fill(n, NO_LABEL)
        if label is None:
            return compiled([z, angle, no_label])
        asked_for = compiled([z, angle, tf.broadcast_to(tf.cast(label, "int32"), n)])
        return asked_for if guidance == 0 else (1 + guidance) * asked_for - guidance * compiled([z, angle, no_label])

    return velocity


@functools.lru_cache(maxsize=4)
def _of_points_shape(velocity):
    """A field that says so where its answer is not one velocity for each point, or can't be differentiated."""

    def checked(z, theta):
        try:
            v = velocity(z, theta)
        except NotImplementedError:  # NumPy asks a tensor for values that it doesn't have yet
            if not _is_symbolic(z):
                raise
            v = None
        if tf.is_tensor(z) and not tf.is_tensor(v):
            raise ValueError(
                "velocity must be made of TensorFlow's operations on points and angle, or it has no derivatives"
            )
        if tuple(np.shape(v)) != tuple(np.shape(z)):
            shapes = f"{tuple(np.shape(z))}, not {tuple(np.shape(v))}"
            raise ValueError(f"velocity must give an array of the same shape as its points, {shapes}")
        return v

    return checked


def _validate_flow(velocity, z, angles):
    _validate.function(velocity, "velocity", "of points and an angle")
    try:
        hash(velocity)
    except TypeError as error:
        raise ValueError(
            f"velocity must be hashable, since its program is kept ({error}): give a function that calls it"
        ) from error
    z = _validate.numeric(z, "points")
    if z.ndim != 2:
        raise ValueError(f"points must have shape (n, d), a row each, not {z.shape}")
    _validate.rows(z, z.shape[1], "points")
    angles = _validate.array(angles, ("n",), "angles")
    if len(angles) < 2:
        raise ValueError("angles must be two or more, the first where the points are")
    z = z if z.dtype.kind == "f" else z.astype("float64")  # there are no derivatives by integers
    return {"velocity": _of_points_shape(velocity), "z": z, "angles": angles}


@_validate.arguments(_validate_flow)
def follow(velocity, z, angles):
    """Follow a field from one angle to the next by the midpoint rule.

    Taught in lesson 06.

    Parameters
    ----------
    velocity : a field
    z : points `(n, d)` at the first angle
    angles : `(m,)`, rising or falling, in radians

    Returns
    -------
    path : `(m, n, d)`, the points at each angle

    Raises
    ------
    ValueError : there are no points, or fewer than two angles, or no field
    """
    path = np.empty((len(angles), *np.shape(z)))
    path[0] = z
    for i, (theta, then) in enumerate(itertools.pairwise(angles)):
        half_way = path[i] + (then - theta) / 2 * velocity(path[i], theta)
        path[i + 1] = path[i] + (then - theta) * np.asarray(velocity(half_way, (theta + then) / 2))
    return path


def _validate_divergence(velocity, z, theta):
    _validate.number(theta, "theta")
    arguments = _validate_flow(velocity, z, [0, theta])
    return {"velocity": arguments["velocity"], "z": arguments["z"]}


@functools.lru_cache(maxsize=4)
def _with_slopes(velocity):
    """A field with its Jacobian `(n, d, d)` at each point, as one program, kept. Taught in lesson 06."""

    def with_slopes(z, theta):
        with tf.GradientTape() as tape:
            tape.watch(z)
            v = velocity(z, theta)
        return v, tape.batch_jacobian(v, z)

    return tf.function(with_slopes, reduce_retracing=True, autograph=False)  # no loops of Python to translate


@_validate.arguments(_validate_divergence)
def divergence(velocity, z, theta):
    """The divergence of a field, the trace of its Jacobian.

    Taught in lesson 06.

    Parameters
    ----------
    velocity : a field, made of TensorFlow's operations; it is compiled at its first use, with the numbers it holds then
    z : points `(n, d)`
    theta : an angle, in radians

    Returns
    -------
    velocity : `(n, d)`
    divergence : `(n,)`

    Raises
    ------
    ValueError : there are no points, or no field
    """
    v, slopes = _with_slopes(velocity)(z, tf.constant(theta, z.dtype))
    return np.asarray(v), np.trace(slopes, axis1=1, axis2=2)


@_validate.arguments(_validate_flow)
def flow_log_density(velocity, z, angles):
    """The log-density of points whose flow ends in a unit normal: along it, log r changes by minus the divergence.

    Taught in lesson 06. R. T. Q. Chen et al. (2018), theorem 1; Y. Song et al. (2021), equation 39.

    Parameters
    ----------
    velocity : a field, made of TensorFlow's operations; it is compiled at its first use, with the numbers it holds then
    z : points `(n, d)` at the first angle
    angles : `(m,)`, rising to the one where the points are a unit normal's, in radians

    Returns
    -------
    log_density : `(n,)`, nats

    Raises
    ------
    ValueError : as `follow` does
    """
    change = 0
    for theta, then in itertools.pairwise(angles):
        half_way = z + (then - theta) / 2 * np.asarray(velocity(z, theta))
        v, trace = divergence(velocity, half_way, (theta + then) / 2)
        z, change = z + (then - theta) * v, change + (then - theta) * trace
    return log_normal(z) + change


def _validate_diffusion(network, mean, scale):
    latent_dim, _ = _validate_trained(network)
    arrays = {"mean": _validate.array(mean, (latent_dim,), "mean")}
    arrays["scale"] = _validate.array(scale, (latent_dim,), "scale")
    if not (arrays["scale"] > 0).all():
        raise ValueError("scale must be standard deviations above 0: a code's number that never varies has no density")
    return arrays


def _validate_log_density(self, z, steps, label):
    z = _validate.numeric(z, "codes")
    _validate.rows(z, self.latent_dim, "codes")
    _validate.positive_integer(steps, "steps")
    if label is not None:
        label = _validate_label(label, len(z), _shape(self.network)[1])
    return {"z": z.astype("float64"), "label": label}


def _validate_path(self, eps, steps, label, guidance):
    eps = _validate.numeric(eps, "eps")
    _validate.rows(eps, self.latent_dim, "eps")
    _validate.positive_integer(steps, "steps")
    if label is not None:
        label = _validate_label(label, len(eps), _shape(self.network)[1])
    _validate_guidance(label, guidance)
    return {"eps": eps.astype("float64"), "label": label}


def _validate_sample(n, seed):  # `path` looks at the rest
    _validate.positive_integer(n, "n")
    _validate.seed(seed)


class Diffusion:
    """A prior: noise that follows a trained field to codes, in a stated number of steps of the midpoint rule.

    Taught in lesson 06.

    Parameters
    ----------
    network : a `build_velocity`, trained on standardised codes
    mean, scale : `(latent_dim,)`, by which they were standardised

    Attributes
    ----------
    latent_dim : numbers in a code
    field : of standardised codes, without a label

    Raises
    ------
    ValueError : the network is none or untrained, or `mean` or `scale` don't suit it
    """

    @_validate.arguments(_validate_diffusion)
    def __init__(self, network, mean, scale):
        self.network, self.mean, self.scale = network, mean, scale
        self.latent_dim, self.field = len(mean), field(network)

    @_validate.arguments(_validate_log_density)
    def log_density(self, z, steps=20, label=None):
        """The log-density of codes, log r(z), or log r(z|label): the flow's, less the log of what was divided by.

        Parameters
        ----------
        z : codes `(n, latent_dim)`
        steps : of the midpoint rule; twice as many tell how exact the density is
        label : one integer, one for each code, or None

        Returns
        -------
        log_density : `(n,)`, nats

        Raises
        ------
        ValueError : codes have another width or hold a NaN, `steps` is not above 0, or there is no such label
        """
        angles, densities = np.linspace(0, np.pi / 2, steps + 1), []
        labels = itertools.repeat(None) if label is None else blocks(label, 500)
        for rows, of_rows in zip(Progress(blocks((z - self.mean) / self.scale, 500), "density"), labels, strict=False):
            velocity = self.field if label is None else field(self.network, of_rows)
            densities.append(flow_log_density(velocity, rows, angles))
        return np.concatenate(densities) - np.log(self.scale).sum()

    @_validate.arguments(_validate_path)
    def path(self, eps, steps=20, label=None, guidance=0.0):
        """The way from noise to codes.

        Parameters
        ----------
        eps : noise `(n, latent_dim)`
        steps : of the midpoint rule
        label : one integer, one for each row, or None
        guidance : as `field` takes it

        Returns
        -------
        path : `(steps + 1, n, latent_dim)`, from the noise to the codes, in units of codes

        Raises
        ------
        ValueError : the noise has another width or holds a NaN, `steps` is not above 0, there is no such label, or
            guidance without a label
        """
        angles = np.linspace(np.pi / 2, 0, steps + 1)
        return self.mean + self.scale * follow(field(self.network, label, guidance), eps, angles)

    @_validate.arguments(_validate_sample)
    def sample(self, n, seed, steps=20, label=None, guidance=0.0):
        """Draw codes.

        Parameters
        ----------
        n : how many
        seed : of the noise
        steps, label, guidance : as `path` takes them

        Returns
        -------
        codes : `(n, latent_dim)`

        Raises
        ------
        ValueError : `n` is not above 0, `seed` none of 0 or more; or as `path` does
        """
        eps = np.random.default_rng(seed).standard_normal((n, self.latent_dim))
        return self.path(eps, steps, label, guidance)[-1]
