"""The ratios psi of appendix C, and what they promise LARS over SGD.

With h layers, d weights, L_i and sigma_i of the layers (section 2), the appendix defines

    (sum_i |grad_i f|)^2 = psi_g d |grad f|^2 / h      (psi_g: the smallest over the iterates)
    |L|_1^2              = psi_L d^2 |L|_inf^2 / h^2
    |sigma|_1^2          = psi_sigma d |sigma|^2 / h

and says that LARS converges at the rate

    (E |grad f|)^2 <= O((f(x_1) - f*) L_inf psi_L / (T psi_g^2)
                        + |sigma|^2 psi_sigma^2 / (T psi_g^2))

"If psi_L << psi_g^2 and psi_sigma << psi_g^2", LARS gains over SGD, whose rate has 1 in place of
the two quotients. Two things to know when reading it:

- Put into Theorem 2, the definitions give sqrt(psi_L) / psi_g and psi_sigma / psi_g, the square
  roots of the printed quotients (which are below 1 where their roots are). In these the d and h of
  the definitions cancel.
- So the condition on the noise is psi_sigma < psi_g. The printed one, psi_sigma << psi_g^2, depends
  on d: since a sum over h layers is at most sqrt(h) times their norm, psi_g is at most h^2 / d, and
  psi_g^2 is tiny in a network of many weights whatever its gradients are.

The densities phi are the same ratios without d: phi = (sum_i v_i)^2 / (h sum_i v_i^2) lies between
1/h, all in one layer, and 1, the same in each. Bernstein et al. 2018 compare sign SGD with SGD so,
by coordinates in place of layers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


def density(values: Sequence[float]) -> float:
    """phi of one value of at least 0 a layer: (sum v)^2 / (h sum v^2); nan where all are 0."""
    v = np.asarray(values, float)
    squares = len(v) * float((v**2).sum())
    return float(v.sum()) ** 2 / squares if squares else float("nan")


def evenness(values: Sequence[float]) -> float:
    """The mean over the largest, L_avg / L_inf of a smoothness: 1/h to 1; nan where all are 0."""
    v = np.asarray(values, float)
    largest = float(v.max())
    return float(v.mean()) / largest if largest else float("nan")


class Psi(NamedTuple):
    """The ratios of one training. `gradient` is the density's least, over the iterates."""

    layers: int  # h
    weights: int  # d
    gradient_density: float
    smoothness_evenness: float
    noise_density: float

    @property
    def psi_g(self) -> float:
        return self.gradient_density * self.layers**2 / self.weights

    @property
    def psi_l(self) -> float:
        return self.smoothness_evenness**2 * self.layers**4 / self.weights**2

    @property
    def psi_sigma(self) -> float:
        return self.noise_density * self.layers**2 / self.weights

    @property
    def curvature_factor(self) -> float:
        """sqrt(psi_L) / psi_g: of the first term of the rate, LARS over SGD, by Theorem 2."""
        return self.smoothness_evenness / self.gradient_density

    @property
    def noise_factor(self) -> float:
        """psi_sigma / psi_g: of the second term."""
        return self.noise_density / self.gradient_density


def of_training(
    weights: int, gradients: np.ndarray, smoothness: np.ndarray, noise: np.ndarray
) -> Psi:
    """The ratios over a training's looks, whose constants hold at every look.

    Args:
      weights: d.
      gradients: [looks, h], |grad_i f|. psi_g is the least over the looks.
      smoothness: [looks, h], L_i; the largest over the looks is taken of each layer.
      noise: [looks, h], sigma_i; likewise.
    """
    return Psi(
        layers=gradients.shape[1],
        weights=weights,
        gradient_density=min(density(norms) for norms in gradients),
        smoothness_evenness=evenness(smoothness.max(axis=0)),
        noise_density=density(noise.max(axis=0)),
    )
