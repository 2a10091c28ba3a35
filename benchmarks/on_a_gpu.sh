#!/usr/bin/env bash
# The paper's small tables, BERT over batch sizes and step times on one GPU, in about ten minutes.
#
#   benchmarks/on_a_gpu.sh pack PACK --mnist=DIR --cifar10=DIR --text=DIR    (needs TensorFlow)
#   benchmarks/on_a_gpu.sh check PACK OUT [--seconds=150]                    (needs a GPU)
#   benchmarks/on_a_gpu.sh main PACK OUT [--seconds=530]
#   benchmarks/on_a_gpu.sh results OUT/results.tar [DIR]                     (needs TensorFlow)
#
# pack     exports the rows of benchmarks/gpu_plan.py and packs the data: under 60 MiB, half an hour
#          on two cores. `make environment pjrt-environment` makes what it needs. The folders of data
#          are those of --data_dir: MNIST's .gz files, CIFAR-10 as TFDS has it, .txt files.
#          --small packs small models for a rehearsal, --only='table7/*' some of the rows.
# check    compiles every program, makes some updates of each, prints how long each run will take, and
#          measures step times against the device's own ceilings and beside optax.
# main     makes the runs in the order of their worth until the time is over, and step times after
#          them where time is left. Stops before --seconds, counted from its start.
# results  writes what came back to results/gpu (DIR), where `report --runs=results/gpu` reads it.
#
# The machine with the GPU needs Python 3.10 or later with jax, numpy and optax (made with jax 0.11.2),
# this checkout and PACK: no TensorFlow, no network. PYTHON names its interpreter, python3 otherwise.
# Whenever the call is stopped, finished runs are in OUT/results.tar; OUT/log.txt has a line for each.
# float32 is computed as the device does by default: on NVIDIA's GPUs products are rounded to TF32, as
# TPUs round them to bfloat16.
set -euo pipefail

started=$(date +%s.%N)
here=$(cd "$(dirname "$0")/.." && pwd)
usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0"; }
what=${1:-}
[ $# -gt 0 ] && shift

# Outside an installation the checkout is the package, whatever its folder is called.
link=$(mktemp -d)
trap 'rm -rf "$link"' EXIT
ln -s "$here" "$link/largebatch"
export PYTHONPATH="$link${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1

case "$what" in
pack)
    export TF_CPP_MIN_LOG_LEVEL=3
    pack=${1:?the folder to write is missing}
    shift
    "${PYTHON:-$here/.venv/bin/python}" -m largebatch.benchmarks.gpu_pack --output="$pack" "$@"
    ;;
check | main)
    pack=${1:?the packed folder is missing} out=${2:?the folder for the results is missing}
    shift 2
    seconds=530
    [ "$what" = check ] && seconds=150
    for flag in "$@"; do case "$flag" in --seconds=*) seconds=${flag#*=} ;; esac; done
    # Most of the memory for one process; and no waiting for a TPU or another platform.
    export XLA_PYTHON_CLIENT_MEM_FRACTION=${XLA_PYTHON_CLIENT_MEM_FRACTION:-0.9}
    # A process that a signal ended (128 and more: a crash of the device's compiler) is begun again
    # while time is left; what was done is not done again, and the run that it was in is left out.
    while :; do
        code=0
        "${PYTHON:-python3}" -m largebatch.benchmarks.gpu_run --part="$what" --pack="$pack" \
            --output="$out" --started="$started" --seconds="$seconds" "$@" || code=$?
        now=$(date +%s)
        [ "$code" -ge 128 ] && [ $((${started%.*} + ${seconds%.*} - now)) -gt 60 ] || exit "$code"
        echo "ended by signal $((code - 128)); begun again" | tee -a "$out/log.txt"
    done
    ;;
results)
    "${PYTHON:-$here/.venv/bin/python}" -m largebatch.benchmarks.gpu_results \
        --from="${1:?the archive is missing}" --output="${2:-$here/results/gpu}"
    ;;
*)
    usage
    [ "$what" = --help ] || exit 2
    ;;
esac
