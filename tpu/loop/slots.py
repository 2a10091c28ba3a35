"""An optimizer's slots: what it remembers of each variable from update to update."""

from __future__ import annotations

import tensorflow as tf


def reset_slots(optimizer: tf.keras.optimizers.Optimizer) -> None:
    """Sets the optimizer's moments to zero; its scalars stay as they are.

    The count of updates, the rate and the count of refused updates are scalars: the schedule goes
    on where it was. So does bias correction, which a restart with zero moments would need anew;
    the warm-up of the stage that begins stands in for it.
    """
    for variable in optimizer.variables:
        if variable.shape.rank:
            variable.assign(tf.zeros_like(variable))
