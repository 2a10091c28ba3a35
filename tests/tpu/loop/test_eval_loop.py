import pytest
import tensorflow as tf

from largebatch.tpu.loop.eval_loop import EvalLoop


@pytest.fixture
def evaluate(regression):
    """Evaluates a task that must count `wanted`, on examples of weight 1 of which one is left
    out."""

    def evaluated(wanted, left_out=True, subset=False):
        class Counted(regression):
            eval_examples = wanted

        def batch(place):
            weight = tf.cast(place + tf.range(4) < 7, tf.float32)
            element = {"x": tf.ones([4, 5]), "y": tf.ones([4, 2]), "weight": weight}
            if left_out:
                element["left_out"] = tf.one_hot(3, 4) * tf.cast(place == 4, tf.float32)
            if subset:
                element["subset"] = tf.cast(place + tf.range(4) < 5, tf.float32)
            return element

        task = Counted()
        dataset = tf.data.Dataset.from_tensor_slices([0, 4]).map(batch)
        strategy = tf.distribute.get_strategy()
        return EvalLoop(task, task.build_model(), strategy, dataset).evaluate()

    return evaluated


def test_examples_and_those_left_out_are_counted(evaluate):
    results = evaluate(8)
    assert (results["examples"], results["left_out"]) == (7, 1)
    results = evaluate(7, left_out=False)
    assert results["examples"] == 7 and "left_out" not in results
    assert evaluate(None)["examples"] == 7


def test_the_examples_of_a_subset_are_counted(evaluate):
    results = evaluate(7, left_out=False, subset=True)
    assert (results["examples"], results["subset_examples"]) == (7, 5)
    assert isinstance(results["subset_examples"], int)
    assert "subset_examples" not in evaluate(8)


@pytest.mark.parametrize("wanted", [7, 9])
def test_another_number_of_examples_is_an_error(evaluate, wanted):
    with pytest.raises(ValueError, match=f"counted 7 examples and left out 1; wanted {wanted}"):
        evaluate(wanted)
