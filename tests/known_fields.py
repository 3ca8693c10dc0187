"""Fields between codes and noise that are known in closed form: oracles for tests of `pylib.diffusion`.

The velocity is E[cos(theta) eps - sin(theta) z | z_theta], of z_theta = cos(theta) z + sin(theta) eps. Given z_theta,
eps is (z_theta - cos(theta) z) / sin(theta), so that E[z | z_theta] is all that has to be known.
"""

import numpy as np
import tensorflow as tf
from scipy import special, stats


class GaussianCodes:
    """Codes of N(m, C): z and z_theta are jointly Gaussian, so that the velocity is linear in z_theta."""

    mean = np.array([1.0, -0.5, 0.3])
    covariance = np.array([[1.5, 0.6, -0.2], [0.6, 0.7, 0.1], [-0.2, 0.1, 0.3]])

    def slope(self, theta):
        """The Jacobian: z_theta has the covariance S = cos^2 C + sin^2, and with it z has cos C and eps has sin."""
        cos, sin = tf.cos(theta), tf.sin(theta)
        total = cos**2 * self.covariance + sin**2 * np.eye(3)
        return cos * sin * (np.eye(3) - self.covariance) @ tf.linalg.inv(total)

    def __call__(self, z, theta):
        theta = tf.convert_to_tensor(theta, tf.float64)
        off = tf.convert_to_tensor(z, tf.float64) - tf.cos(theta) * self.mean
        return off @ tf.transpose(self.slope(theta)) - tf.sin(theta) * self.mean

    def codes(self, eps):
        """Where noise ends: all z_theta share the axes of C, so that along each only the width changes."""
        values, axes = np.linalg.eigh(self.covariance)
        return self.mean + eps @ (axes * np.sqrt(values)) @ axes.T

    def log_density(self, z):
        return stats.multivariate_normal(self.mean, self.covariance).logpdf(z)


class PointCodes:
    """Codes that are these points and no others, so that at theta there is a Gaussian of width sin(theta) for each."""

    def __init__(self, points):
        self.points = points
        self.compiled = tf.function(self.velocity, reduce_retracing=True)

    def __call__(self, z, theta):
        return self.compiled(tf.convert_to_tensor(z, tf.float64), tf.convert_to_tensor(theta, tf.float64))

    def velocity(self, z, theta):
        cos, sin = tf.cos(theta), tf.sin(theta)
        # The squared distances to cos * points, but for what all points share.
        logits = (cos * z @ self.points.T - 0.5 * cos**2 * np.sum(self.points**2, axis=1)) / sin**2
        return (cos * z - tf.nn.softmax(logits, axis=-1) @ self.points) / sin

    def log_density(self, z, theta):
        parts = stats.norm.logpdf(z[:, None], np.cos(theta) * self.points, np.sin(theta)).sum(axis=-1)
        return special.logsumexp(parts, axis=-1) - np.log(len(self.points))


def spiral():
    """The points of lesson 02's spiral."""
    angle = np.linspace(0.5, 3, 60) * np.pi
    return np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / 5
