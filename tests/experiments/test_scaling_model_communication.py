"""The costs of an all-reduce, against the algorithms themselves run on lists of numbers."""

import pytest

from largebatch.experiments.costs import all_reduce, chips
from largebatch.experiments.costs.all_reduce import all_reduce_seconds, grid, span


class Network:
    """Chips that each hold a vector; counts rounds, and the numbers that each chip sends."""

    def __init__(self, count, numbers):
        self.vectors = [[(chip + 1) * (k + 1) for k in range(numbers)] for chip in range(count)]
        self.sums = [sum(column) for column in zip(*self.vectors)]
        self.rounds = 0
        self.sent = [0] * count

    def round(self, messages):
        """All at once: {sender: (receiver, positions, whether the receiver adds)}."""
        values = {s: [self.vectors[s][k] for k in m[1]] for s, m in messages.items()}
        for sender, (receiver, positions, add) in messages.items():
            self.sent[sender] += len(positions)
            for k, value in zip(positions, values[sender]):
                self.vectors[receiver][k] = value + (self.vectors[receiver][k] if add else 0)
        self.rounds += 1


def ring_phase(network, rings, parts_of, add):
    """One reduce-scatter (add) or all-gather on each of the rings at once."""
    size = len(rings[0])
    for turn in range(size - 1):
        messages = {}
        for ring in rings:
            parts = parts_of(ring)
            for place, chip in enumerate(ring):
                part = parts[(place - turn + (0 if add else 1)) % size]
                messages[chip] = (ring[(place + 1) % size], part, add)
        network.round(messages)


def split(positions, count):
    size = len(positions) // count
    return [positions[i * size : (i + 1) * size] for i in range(count)]


def run_ring(network):
    count = len(network.vectors)
    numbers = list(range(len(network.sums)))
    for add in (True, False):
        ring_phase(network, [list(range(count))], lambda ring: split(numbers, count), add)


def run_torus(network, rows, columns):
    """One direction's half: along the rows, along the columns, and back."""
    numbers = list(range(len(network.sums)))
    across = [[r * columns + c for c in range(columns)] for r in range(rows)]
    down = [[r * columns + c for r in range(rows)] for c in range(columns)]

    def of_row(ring):
        return split(numbers, columns)

    def of_column(ring):
        # After the first phase the chip at place c of its row holds the sum of part c + 1.
        return split(split(numbers, columns)[(ring[0] + 1) % columns], rows)

    ring_phase(network, across, of_row, True)
    ring_phase(network, down, of_column, True)
    ring_phase(network, down, of_column, False)
    ring_phase(network, across, of_row, False)


def run_halving(network):
    count = len(network.vectors)
    held = [list(range(len(network.sums)))] * count
    distance, history = count // 2, []
    while distance:
        messages, kept = {}, []
        for chip in range(count):
            low, high = split(held[chip], 2)
            upper = bool(chip & distance)
            messages[chip] = (chip ^ distance, low if upper else high, True)
            kept.append(high if upper else low)
        network.round(messages)
        history.append((distance, held))
        held, distance = kept, distance // 2
    for distance, before in reversed(history):
        network.round({c: (c ^ distance, held[c], False) for c in range(count)})
        held = before


@pytest.mark.parametrize(
    ("topology", "algorithm", "count"),
    [
        ("ring", run_ring, 8),
        ("ring", run_ring, 5),
        ("halving", run_halving, 16),
        ("torus", lambda network: run_torus(network, 4, 4), 16),
        ("torus", lambda network: run_torus(network, 2, 4), 8),
    ],
)
def test_span_and_bytes_are_those_of_the_algorithm(topology, algorithm, count):
    numbers = 16 * count
    network = Network(count, numbers)
    algorithm(network)
    assert all(vector == network.sums for vector in network.vectors)
    assert network.rounds == span(topology, count)
    share = 2 * (count - 1) / count * numbers
    assert network.sent == [share] * count
    # alpha = 1 and beta = 0, then the reverse; a ring has half of a 2-D torus' links.
    assert all_reduce_seconds(topology, count, numbers, 1, 1e30) == pytest.approx(network.rounds)
    links = 2 if topology == "ring" else 1
    assert all_reduce_seconds(topology, count, numbers, 0, 1) == pytest.approx(links * share)


def test_on_a_square_the_ring_grows_with_its_area_and_the_torus_with_its_side():
    for side in (4, 8, 16, 32):
        chips_ = side * side
        assert span("torus", chips_) == 4 * (side - 1)
        assert span("ring", chips_) == 2 * (side * side - 1)
    assert span("halving", 1024) == 20


def test_a_mesh_is_a_torus_on_the_whole_pod_and_half_closed_on_half_of_it():
    assert span("mesh", 1024, 2, 1024) == span("torus", 1024)
    assert span("mesh", 512, 2, 1024) == 2 * (2 * 15 + 31)
    assert span("mesh", 256, 2, 1024) == 2 * span("torus", 256)
    assert span("mesh", 4, 2, 1024) == span("torus", 4)


def test_one_chip_sends_nothing():
    for topology in all_reduce.TOPOLOGIES:
        assert all_reduce_seconds(topology, 1, 1e9, 1e-6, 1e9) == 0


def test_shapes_are_as_cubic_as_can_be():
    assert grid(512, 2) == (16, 32)
    assert grid(4096, 3) == (16, 16, 16)
    assert grid(6144, 3) == (16, 16, 24)
    assert grid(7, 2) == (1, 7)


def test_an_unknown_topology_is_named():
    with pytest.raises(ValueError, match="'star'.*ring, halving, torus, mesh"):
        span("star", 4)


def test_the_links_of_tpu_v3_agree_with_the_pods_all_reduce_bandwidth():
    """Two public figures for one thing: 4 links of 656 Gbit/s, and 340 TB/s for 1024 chips."""
    assert chips.find("tpu-v3").link_bandwidth == pytest.approx(340e12 / 1024, rel=0.02)


@pytest.mark.parametrize("chip", chips.CHIPS.values(), ids=list(chips.CHIPS))
def test_every_chip_has_a_source_with_its_peak_in_it(chip):
    assert f"{chip.peak / 1e12:g} teraflops" in chip.source
    assert f"{chip.memory_bandwidth / 1e9:g} GB/s" in chip.source
    assert (chip.node is None) == (chip.network_bandwidth is None) == (chip.latency is None)
    assert chip.topology in all_reduce.TOPOLOGIES
