#!/bin/bash
# taskkit workers as a job array: each of its jobs is one worker. docs/deploy/slurm.md.
#SBATCH --job-name=taskkit-worker
#SBATCH --array=0-3
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
# SIGTERM to this shell, which has become the worker by then, a minute before the end of its time: what
# runs is given back, and others begin it again. The same comes by preemption and scancel.
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=taskkit-worker-%A-%a.log
# Nothing of the shell that submits: its variables may hold secrets, and `scontrol` shows them.
#SBATCH --export=NONE
set -euo pipefail

# A folder of mode 0700 with what docs/deploy/slurm.md puts there: `sbatch taskkit-workers.sh FOLDER`.
config=${1:-$HOME/.config/taskkit-worker}
set -a
# shellcheck source=/dev/null
. "$config/worker.env"
set +a

for secret in redis.url signing.keys; do
    file=$config/$secret
    if [ ! -r "$file" ]; then
        echo "taskkit-workers: $file cannot be read" >&2
        exit 2
    fi
    if [ -n "$(find "$file" -perm /077)" ]; then
        echo "taskkit-workers: $file can be read by others: chmod 600" >&2
        exit 2
    fi
done

export TASKKIT_REDIS_URL_FILE=$config/redis.url
export TASKKIT_SIGNING_KEYS_FILE=$config/signing.keys
[ ! -f "$config/worker.token" ] || export TASKKIT_TOKEN_FILE=$config/worker.token
[ ! -f "$config/ca.crt" ] || export TASKKIT_REDIS_CA_FILE=$config/ca.crt
export TASKKIT_WORKER_CONCURRENCY=${TASKKIT_WORKER_CONCURRENCY:-${SLURM_CPUS_PER_TASK:-1}}
# Copies of large values on the node's own disk, where there is one.
TASKKIT_WORKER_BLOBS_CACHE=${SLURM_TMPDIR:-${TMPDIR:-/tmp}}/taskkit-$(id -un)-${SLURM_JOB_ID:-0}
export TASKKIT_WORKER_BLOBS_CACHE
# Within the minute that there is: time to end by itself, then a few seconds to give back.
export TASKKIT_WORKER_FINISH_S=${TASKKIT_WORKER_FINISH_S:-30}

# `exec`: the signal is for the worker itself. Without srun, which would pass it on to all processes.
exec "${TASKKIT:-taskkit}" worker --log-format json
