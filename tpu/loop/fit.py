"""The outer loop of a run: stages, evaluation, checkpoints, records, and how it ends."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

import orbit
import tensorflow as tf
from absl import logging

from largebatch.tpu.folder.checkpoints import Checkpoints
from largebatch.tpu.folder.run_folder import RunFolder
from largebatch.tpu.hosts.agreement import Hosts
from largebatch.tpu.hosts.tensorflow_internals import log_orbit_to
from largebatch.tpu.loop.batch_plan import BatchPlan, plans_of
from largebatch.tpu.loop.eval_loop import EvalLoop
from largebatch.tpu.loop.fit_options import FitOptions, Outcome
from largebatch.tpu.loop.inputs import distributed_dataset
from largebatch.tpu.loop.profiler import Profiler
from largebatch.tpu.loop.progress import Progress
from largebatch.tpu.loop.signals import StopRequest
from largebatch.tpu.loop.slots import reset_slots
from largebatch.tpu.loop.summaries import layer_statistics, write_graph, write_hparams, write_layers
from largebatch.tpu.loop.task import Task
from largebatch.tpu.loop.train_loop import Diverged, TrainLoop
from largebatch.tpu.loop.without_autograph import without_autograph

log_orbit_to(logging.debug)


class _Interrupted(Exception):
    """A signal or `max_steps` asked for the end, and a checkpoint has been written."""


def fit(
    task: Task,
    make_optimizer: Callable[[], tf.keras.optimizers.Optimizer],
    strategy: tf.distribute.Strategy,
    folder: RunFolder,
    options: FitOptions,
) -> Outcome:
    """Runs a task to its end, from its newest checkpoint if there is one.

    A run that was killed at any update and is started again ends in the same weights as one
    that was not: data are a function of (seed, step), and all the rest is in the checkpoint.

    Raises:
      ValueError: If the batch does not divide, or no checkpoint of several is whole.
      PeerLost: If another host of the run is gone.
    """
    hosts = Hosts(strategy)
    with StopRequest() as stop:
        try:
            return _Run(task, make_optimizer, strategy, folder, options, stop, hosts).run()
        except tf.errors.OpError as error:
            lost = hosts.lost(error)
            if lost is None:
                raise
            raise lost from error


class _Run:
    def __init__(self, task, make_optimizer, strategy, folder, options, stop, hosts):
        self._task = task
        self._strategy = strategy
        self._folder = folder
        self._options = options
        self._stop = stop
        self._hosts = hosts
        self._signum: int | None = None
        self._total = sum(stage.steps for stage in task.stages)
        batches, replicas = [s.batch_size for s in task.stages], strategy.num_replicas_in_sync
        self._plans = plans_of(batches, replicas, options.micro_batch, task.pads_batches)
        with strategy.scope():
            self._step = orbit.utils.create_global_step()
            self._model = without_autograph(task.build_model)()
            self._optimizer = make_optimizer()
            self._optimizer.build(self._model.trainable_variables)
        folder.check_shared()
        if options.observer:
            options.observer.begin(self._model)
        self._notes: list[str] = []
        self._checkpoints = self._new_checkpoints()
        clip = (options.clip_norm, options.clip_batch)
        self._loop = TrainLoop(task, self._model, self._optimizer, strategy, self._step, *clip)
        evaluator = self._evaluator = self._new_evaluator()
        with strategy.scope():
            self._checkpoints.restore_or_initialize()
        # Orbit runs loops and writes TensorBoard's files; it takes no checkpoints but TensorFlow's.
        self._controller = orbit.Controller(
            global_step=self._step,
            trainer=self._loop,
            evaluator=evaluator,
            strategy=strategy,
            steps_per_loop=self._steps_to_boundary,
            summary_dir=str(folder.events),
            eval_summary_dir=str(folder.events / "eval"),
            train_actions=[self._after_loop, lambda _: self._checkpoints.save(self._steps_done)],
        )
        self._take_up_records()
        self._writer = self._controller.summary_manager.summary_writer()
        if not self._steps_done:
            write_hparams(self._writer, options.hparams)
        # Told of the run's own end, where it is asked to end before.
        self._last = min(self._total, options.max_steps or self._total)
        self._profiler = Profiler(options.profile, folder.events)
        self._progress = Progress(self._last, self._steps_done, quiet=options.quiet)

    def _new_checkpoints(self) -> Checkpoints:
        return Checkpoints(
            tf.train.Checkpoint(
                model=self._model, optimizer=self._optimizer, global_step=self._step
            ),
            self._folder.checkpoints,
            interval=self._options.checkpoint_every,
            keep=self._options.keep_checkpoints,
            variables=[*self._model.variables, *self._optimizer.variables],
            say=self._notes.append,
            scratch=self._folder.scratch,
            agree=lambda step: self._hosts.check_same("the step to resume at", step or 0),
        )

    def _new_evaluator(self) -> EvalLoop | None:
        batch = self._options.eval_batch
        if not batch:
            return None
        dataset = distributed_dataset(
            self._strategy, lambda context: self._task.eval_dataset(context, batch)
        )
        return EvalLoop(self._task, self._model, self._strategy, dataset)

    def _take_up_records(self) -> None:
        """Goes on from what the folder's records say, up to the step that was restored."""
        first = self._steps_done
        records = self._folder.keep_metrics(lambda record: record["step"] <= first)
        self._seconds_before = max((record["seconds"] for record in records), default=0.0)
        self._began = self._loop_began = time.monotonic()
        self._last_recorded = first
        self._evaluations = {r["step"]: r for r in records if r["kind"] == "eval"}
        self._recorded = {(record["kind"], record["step"]) for record in records}
        self._last_loss = next((r["loss"] for r in reversed(records) if r["kind"] == "train"), None)
        self._loop.last_step, self._loop.last_loss = first, self._last_loss

    @property
    def _steps_done(self) -> int:
        # numpy() first: a mirrored variable has no conversion of its own to an integer.
        return int(self._step.numpy())

    def run(self) -> Outcome:
        try:
            for note in self._notes:
                self._progress.warn(note)
            if self._steps_done:
                self._progress.say(f"resumed at step {self._steps_done} of {self._total}")
            self._observe()
            self._train_all_stages()
            return self._outcome("finished", self._evaluations.get(self._total))
        except Diverged as end:
            self._progress.warn(str(end))
            return dataclasses.replace(
                self._outcome("diverged"), last_step=end.last_step, last_loss=end.last_loss
            )
        except _Interrupted:
            why, how = "interrupted", ""
            if self._signum is None:
                why, how = "max_steps reached", " without it"
            self._progress.warn(
                f"{why}: checkpoint of step {self._steps_done} written; the same command{how} "
                "goes on from there"
            )
            return self._outcome("interrupted")
        finally:
            self._profiler.stop()
            self._progress.stop()

    def _train_all_stages(self) -> None:
        begin = 0
        for index, (stage, plan) in enumerate(zip(self._task.stages, self._plans)):
            end = begin + stage.steps
            if begin < end and self._steps_done < end:
                self._end_where_asked()
                self._start_stage(index, plan, self._steps_done - begin)
                self._train_until(end)
            begin = end
        self._checkpoints.save(self._steps_done, check_interval=False)
        self._evaluate()

    def _start_stage(self, index: int, plan: BatchPlan, first_step: int) -> None:
        if index and not first_step and not self._options.keep_moments:
            reset_slots(self._optimizer)
        dataset = distributed_dataset(
            self._strategy,
            lambda context: self._task.train_dataset(index, context, plan.micro_batch, first_step),
        )
        self._plan = plan
        self._progress.phase("compiling" if not index else f"compiling stage {index + 1}")
        self._loop.start_stage(plan, dataset)

    def _train_until(self, end: int) -> None:
        every = self._options.eval_every
        while self._steps_done < end:
            step = self._steps_done
            if every and step and step % every == 0:
                self._evaluate()
            target = min(end, (step // every + 1) * every) if every else end
            self._loop_began = time.monotonic()
            self._controller.train(target, checkpoint_at_completion=False)

    def _steps_to_boundary(self, step: int) -> int:
        """Loops end at fixed steps, so that a resumed run writes the records of an unbroken one."""
        step, observer = int(step), self._options.observer
        intervals = (self._options.steps_per_loop, self._options.checkpoint_every)
        ends = [step - step % interval + interval for interval in intervals]
        others = (self._last, self._profiler.boundary(step))
        ends += [end for end in others if end is not None and end > step]
        if observer:
            ends += [looked for looked in observer.steps if looked > step]
        return min(ends) - step

    def _after_loop(self, output: Mapping[str, float]) -> None:
        step, now = self._steps_done, time.monotonic()
        examples = (step - self._last_recorded) * self._plan.batch_size
        speed = examples / max(now - self._loop_began, 1e-9)
        self._loop_began, self._last_recorded = now, step
        self._last_loss = output["loss"]
        self._record(
            "train",
            loss=output["loss"],
            learning_rate=output["learning_rate"],
            examples_per_second=round(speed, 1),
        )
        self._progress.update(step, output["loss"], output["learning_rate"], speed)
        profiled = self._profiler.after_loop(step)
        if profiled:
            self._progress.say(profiled)
        self._observe()
        # On all hosts, in the same loop: the weights of one step are saved.
        self._signum = self._hosts.first_signal(self._stop.signum)
        if self._signum is not None:
            self._checkpoints.save(step, check_interval=False)
            raise _Interrupted
        self._end_where_asked()

    def _end_where_asked(self) -> None:
        """Raises _Interrupted at `max_steps`, unless the run ends there by itself."""
        if self._last <= self._steps_done < self._total:
            self._checkpoints.save(self._steps_done, check_interval=False)
            raise _Interrupted

    def _observe(self) -> None:
        """Lets the observer look, if it wants to at this step and the records have it not yet."""
        step, observer = self._steps_done, self._options.observer
        if observer and step in observer.steps and (observer.kind, step) not in self._recorded:
            self._record(observer.kind, **observer.observe(step, self._model))
            self._loop_began = time.monotonic()  # Its time is no part of the training's speed.

    def _evaluate(self) -> None:
        """Evaluates at the present step, unless the records have it from before."""
        step = self._steps_done
        if step in self._evaluations or not self._options.eval_batch:
            return
        layers = layer_statistics(self._optimizer)
        if layers:
            write_layers(self._writer, layers, step)
            self._record("layers", layers=layers)
        results = self._controller.evaluate()
        if not self._evaluations:
            write_graph(self._writer, self._evaluator.graph)
        self._evaluations[step] = self._record("eval", **results)
        figures = "  ".join(
            f"{k} {v:.4f}" for k, v in sorted(results.items()) if not isinstance(v, int)
        )
        per_epoch = self._options.steps_per_epoch
        epoch = f"epoch {step / per_epoch:.2f}  " if per_epoch else ""
        self._progress.say(
            f"step {step}/{self._total}  {epoch}{figures}  ({results['examples']} examples)"
        )

    def _record(self, kind: str, **values) -> dict[str, Any]:
        step = self._steps_done
        record = {
            "kind": kind,
            "step": step,
            **self._place(step),
            **values,
            "seconds": round(self._seconds(), 2),
        }
        self._folder.append_metrics(record)
        return record

    def _place(self, step: int) -> dict[str, float]:
        """How far the run is, in what rows with other batch sizes can be compared by."""
        if self._options.steps_per_epoch:
            return {"epoch": round(step / self._options.steps_per_epoch, 4)}
        seen = whole = begin = 0
        for stage in self._task.stages:
            seen += min(max(step - begin, 0), stage.steps) * stage.batch_size
            whole += stage.steps * stage.batch_size
            begin += stage.steps
        return {"progress": round(seen / whole, 5)}

    def _seconds(self) -> float:
        return self._seconds_before + time.monotonic() - self._began

    def _outcome(self, status: str, evaluation: Mapping[str, Any] | None = None) -> Outcome:
        bookkeeping = ("kind", "step", "epoch", "progress", "seconds")
        return Outcome(
            status=status,
            metrics={k: v for k, v in (evaluation or {}).items() if k not in bookkeeping},
            last_step=self._steps_done,
            last_loss=self._last_loss,
            refused_steps=int(tf.convert_to_tensor(getattr(self._optimizer, "refused_steps", 0))),
            wall_seconds=round(self._seconds(), 2),
            signum=self._signum,
        )
