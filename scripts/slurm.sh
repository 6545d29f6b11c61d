#!/usr/bin/env bash
# An example for Slurm: a sweep in shards, one a task of an array, and a job behind it that puts their files together.
#
#   bash scripts/slurm.sh grid.toml 20 [options of gradsim sweep]
#
# submits both. A task that is ended by its time limit, preempted or whose node fails is put back into the queue and goes on
# where it was: 60 s before the limit gradsim gets SIGTERM, has all that is finished on the disk, and ends with exit code 143.
# SIGTERM itself, as scancel and preemption send it, ends gradsim the same way; whether a task comes back is Slurm's then.
# Set what your cluster wants (account, partition, time, environment) in the lines that begin with #SBATCH.
#SBATCH --job-name=gradsim
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --signal=B:USR1@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x.%A.%a.log
set -euo pipefail

fail() {
    echo "slurm.sh: $*" >&2
    exit 2
}

submit() {
    local grid=$1 count=$2 array
    [ -f "$grid" ] || fail "there is no file '$grid'"
    [[ $count =~ ^[1-9][0-9]*$ ]] || fail "'$count' is not a number of shards"
    [[ " $* " != *" --out"* ]] || fail "every shard has an output of its own, named after the sweep file; leave --out away"
    array=$(sbatch --parsable --export=ALL,GRADSIM_STEP=shard --array="1-$count" "$0" "$@")
    array=${array%%;*} # a federation adds the name of its cluster
    sbatch --export=ALL,GRADSIM_STEP=combine --dependency="afterok:$array" --kill-on-invalid-dep=yes "$0" "$@"
}

# One shard. The shell waits beside it, so that it hears the signal that Slurm sends, and hands it on.
shard() {
    local grid=$1 count=$2 child told='' code=0 again=0
    shift 2
    gradsim sweep "$grid" --shard "$SLURM_ARRAY_TASK_ID/$count" --threads "${SLURM_CPUS_PER_TASK:-1}" "$@" &
    child=$!
    trap 'told=yes; kill -TERM "$child" 2> /dev/null || true' USR1
    trap 'told=${told:-no}; kill -TERM "$child" 2> /dev/null || true' TERM
    wait "$child" || code=$?
    if [ -n "$told" ]; then # the signal ended the waiting: once more, for how gradsim ended
        wait "$child" 2> /dev/null || again=$?
        [ "$again" -eq 127 ] || code=$again
    fi
    if [ "$told" = yes ] && [ "$code" -eq 143 ]; then
        scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
    fi
    exit "$code"
}

combine() {
    local stem
    stem=$(basename "$1" .toml)
    gradsim combine "$stem".*-of-"$2".h5 -o "$stem.h5"
}

[ $# -ge 2 ] || fail "give a sweep file and how many shards: bash scripts/slurm.sh grid.toml 20"
"${GRADSIM_STEP:-submit}" "$@"
