"""What a result file says of how a run ended."""

from __future__ import annotations

from typing import Any

from largebatch.experiments.records.provenance import today

# Curves in a result file: enough points for a picture, few enough to commit.
CURVE_POINTS = 200
LAYER_POINTS = 6  # iterations at which each layer's norms and trust ratio are kept
_CURVE_FIELDS = ("step", "epoch", "progress", "loss", "learning_rate")


def outcome_record(outcome: Any, steps: int, folder: Any) -> dict[str, Any]:
    """How training for `steps` updates ended, with its curves from the folder."""
    records = folder.metrics()
    train = [_without(record, "kind") for record in records if record["kind"] == "train"]
    layers = [_without(r, "kind", "seconds") for r in records if r["kind"] == "layers"]
    return {
        "status": outcome.status,
        "metrics": dict(outcome.metrics),
        "steps": steps,
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
    """The end of a run in a line: of its fine-tuning, where there was one, too."""
    squad = result.get("squad")
    alone = squad is not None and "init_checkpoint" in (result.get("data") or {})
    if result["status"] != "finished":
        part, where = (result, "") if squad is None else (squad, "fine-tuning, ")
        loss = part["last_loss"]
        text = "none" if loss is None else f"{loss:.5f}"
        steps = part.get("steps", "?")  # of a result from before they were kept
        return f"{where}step {part['last_step']} of {steps}, last finite loss {text}"
    figures = [f"{k} {v:.4f}" for k, v in result["metrics"].items() if isinstance(v, float)]
    line = f"{', '.join(figures)} after {result['steps']} steps, {result['wall_seconds']:.0f} s"
    if squad is None or alone:
        return f"{line} of fine-tuning" if alone else line
    return f"{line}; {squad['last_step']} of fine-tuning, {squad['wall_seconds']:.0f} s"
