"""Held-out digits and trained models, read when an answer first needs them, rather than at import."""

import functools

from pylib import pretrained
from pylib.tf_utils import mnist_train


@functools.cache
def held_out():
    images, labels = mnist_train()
    return images[50_000:], labels[50_000:]


@functools.cache
def training_images(n):
    return mnist_train()[0][:n].copy()


def held_out_images():
    return held_out()[0]


def held_out_labels():
    return held_out()[1]


@functools.cache
def vae_2():
    return pretrained.load("vae_2")


@functools.cache
def vae_20():
    return pretrained.load("vae_20")


@functools.cache
def conditional_2():
    return pretrained.load("conditional_2")


@functools.cache
def diffusion():
    return pretrained.load_diffusion()


def reconstruct(images):
    return vae_20().decoder(vae_20().encoder(images)[0])
