#!/bin/bash
# taskkit workers as a job array of PBS Pro or OpenPBS. docs/deploy/slurm.md says what it needs.
#PBS -N taskkit-worker
#PBS -J 0-3
#PBS -l select=1:ncpus=4:mem=8gb
#PBS -l walltime=04:00:00
#PBS -r y
#PBS -j oe
# PBS sends SIGTERM at the end of the time and by qdel, and SIGKILL after the queue's kill_delay (10 s
# unless it is set): so little time to end is given here.
set -euo pipefail

config=${TK_FOLDER:-$HOME/.config/taskkit-worker}
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
export TASKKIT_WORKER_CONCURRENCY=${TASKKIT_WORKER_CONCURRENCY:-${NCPUS:-1}}
TASKKIT_WORKER_BLOBS_CACHE=${TMPDIR:-/tmp}/taskkit-$(id -un)-${PBS_JOBID:-0}
export TASKKIT_WORKER_BLOBS_CACHE
export TASKKIT_WORKER_FINISH_S=${TASKKIT_WORKER_FINISH_S:-1}

exec "${TASKKIT:-taskkit}" worker --log-format json
