"""What a result file says of how a run ended."""

from __future__ import annotations

from typing import Any

from largebatch.experiments.records.provenance import today
from largebatch.experiments.rows.row import Row

# Curves in a result file: enough points for a picture, few enough to commit.
CURVE_POINTS = 200
LAYER_POINTS = 6  # iterations at which each layer's norms and trust ratio are kept
_CURVE_FIELDS = ("step", "epoch", "progress", "loss", "learning_rate")


def outcome_record(outcome: Any, row: Row, folder: Any) -> dict[str, Any]:
    records = folder.metrics()
    train = [_without(record, "kind") for record in records if record["kind"] == "train"]
    layers = [_without(r, "kind", "seconds") for r in records if r["kind"] == "layers"]
    return {
        "status": outcome.status,
        "metrics": dict(outcome.metrics),
        "steps": row.steps,
        "last_step": outcome.last_step,
        "last_loss": outcome.last_loss,
        "refused_steps": outcome.refused_steps,
        "wall_seconds": outcome.wall_seconds,
        "date": today(),
        "history": [_without(r, "kind", "seconds") for r in records if r["kind"] == "eval"],
        "train_history": _thinned(train),
        "layers": spread(layers, LAYER_POINTS),
    }


def _thinned(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most CURVE_POINTS of the training records; a point's loss is the mean since the last."""
    size = max(1, -(-len(records) // CURVE_POINTS))
    points = []
    for start in range(0, len(records), size):
        block = records[start : start + size]
        mean = sum(record["loss"] for record in block) / len(block)
        points.append({**{k: v for k, v in block[-1].items() if k in _CURVE_FIELDS}, "loss": mean})
    return points


def spread(records: list, count: int) -> list:
    """`count` of the records at even distances, the first and the last among them."""
    if len(records) <= count:
        return records
    last = len(records) - 1
    return [records[round(i * last / (count - 1))] for i in range(count)]


def _without(record: dict[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in fields}


def headline(result: dict[str, Any]) -> str:
    if result["status"] != "finished":
        loss = result["last_loss"]
        text = "none" if loss is None else f"{loss:.5f}"
        return f"step {result['last_step']} of {result['steps']}, last finite loss {text}"
    figures = [f"{k} {v:.4f}" for k, v in result["metrics"].items() if isinstance(v, float)]
    return f"{', '.join(figures)} after {result['steps']} steps, {result['wall_seconds']:.0f} s"
