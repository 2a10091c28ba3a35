"""The pre-training stream: masked-LM and next-sentence examples, a pure function of (seed, step).

Legend: B the global batch, b a micro-batch of one replica, M micro-batches a host and update, L the
sequence length, P predictions a sequence.
"""

from __future__ import annotations

import tensorflow as tf

from largebatch.data.pretraining.read.examples import RecordReader, widened
from largebatch.data.pretraining.read.files import PretrainingFiles
from largebatch.data.streams.shard_order import ShardOrder
from largebatch.data.streams.updates import Updates

# A block holds up to twice so many tokens: 65,536 to 131,072 sequences of 128. A host holds about
# three blocks, of 8 bytes a token.
BLOCK_TOKENS = 1 << 23


@tf.autograph.experimental.do_not_convert
def pretraining_dataset(
    files: PretrainingFiles, updates: Updates, *, block: int | None = None
) -> tf.data.Dataset:
    """This host's micro-batches of the updates.

    Each host reads an endless list of its own: epoch after epoch a fresh permutation of the shards,
    of which hosts have disjoint parts, their examples shuffled in blocks (`ShardOrder`). Its slice
    of global batch s is examples s B / H, ..., (s + 1) B / H - 1 of its list, so it depends on the
    number of hosts H, and on neither replicas nor micro-batches nor the step at which a run
    resumes.

    An element is one micro-batch of one replica, all int32 unless said: input_word_ids, input_mask
    (1 = a token), input_type_ids [b, L]; masked_lm_positions, masked_lm_ids, masked_lm_weights
    float32 [b, P]; next_sentence_labels [b] (1 = a random next); weight float32 [b], ones;
    update_masked, update_sequences float32 []: this replica's part of the sums of masked_lm_weights
    and of sequences over the whole update (the host's sum / its replicas); dropout_seed [2], drawn
    from (seed, step) for each micro-batch of the global batch.

    Args:
      updates: What comes before first_step is skipped by the manifest's counts; the first block
        that is needed is the first that is read.
      block: about how many examples are shuffled together; None: as many as make 2^23 tokens.

    Raises:
      ValueError: batches that would have to be filled up, fewer examples than hosts. A damaged
        record is an error while iterating: see `reading_error`.
    """
    slices, context = updates.slices(may_pad=False), updates.context
    if block is not None and block < 1:
        raise ValueError(f"the block is {block} examples, wanted at least 1")
    hosts = context.num_input_pipelines
    replicas = context.num_replicas_in_sync // hosts  # on this host
    block = block_size(files) if block is None else block
    order = ShardOrder(files.train, updates.seed, hosts, context.input_pipeline_id, block)
    reader = RecordReader(files)

    def examples(planned):
        def shuffled(read):
            return {name: tf.gather(value, planned["order"]) for name, value in read.items()}

        runs = [planned[name] for name in ("run_path", "run_first", "run_count", "run_total")]
        return (
            tf.data.Dataset.from_tensor_slices(tuple(runs))
            .map(reader.read)
            .rebatch(planned["count"])
            .map(shuffled)
        )

    def plan(step, compact):
        """[B / H, ...] -> [M, b, ...], and what the update as a whole says to each micro-batch."""
        masked = tf.reduce_sum(compact["masked_lm_weights"]) / replicas
        every = tf.ones([slices.pieces], tf.float32)
        return {
            **{name: slices.micro_batches(value) for name, value in compact.items()},
            "update_masked": masked * every,
            "update_sequences": slices.per_host / replicas * every,
            "dropout_seed": slices.dropout_seeds(updates.seed, step),
        }

    def finish(compact):
        return {**widened(compact), "weight": tf.ones([updates.micro_batch], tf.float32)}

    batches = (
        order.blocks(updates.first_step * slices.per_host)
        .flat_map(examples)
        .prefetch(1)  # the next block is read while this one is used
        .rebatch(slices.per_host, drop_remainder=True)
        .take(updates.left)
    )
    numbered = tf.data.Dataset.zip((updates.numbers, batches))
    return numbered.map(plan).unbatch().map(finish).prefetch(2)


def block_size(files: PretrainingFiles) -> int:
    """About the number of examples of a block of `files`."""
    return max(BLOCK_TOKENS // files.sequence_length, 1)
