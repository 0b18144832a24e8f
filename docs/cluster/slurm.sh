#!/usr/bin/env bash
# A run of `stalemap check` or `compare` as a Slurm job array: each task is a part.
#
#   mkdir -p parts
#   job=$(sbatch --parsable --array=1-64 slurm.sh check races/wall.toml)
#   sbatch --dependency="afterok:$job" --wrap='stalemap merge parts/part-*.json'
#
# The folder is shared by the nodes. Tasks that failed are run again alone, with the number of all parts:
#
#   PARTS=64 sbatch --array=7,12 slurm.sh check races/wall.toml
#
#SBATCH --job-name=stalemap
#SBATCH --array=1-16
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=4G
#SBATCH --time=04:00:00
#SBATCH --output=parts/%A_%a.log
set -euo pipefail

part=$SLURM_ARRAY_TASK_ID
of=${PARTS:-$SLURM_ARRAY_TASK_COUNT}
out=${OUT:-parts}
mkdir -p "$out"
# Three quarters of what the task has; the limit is of the run, so it must be the same for all tasks.
memory=$(( ${SLURM_MEM_PER_NODE:-4096} * 3 / 4 ))m
"${STALEMAP:-stalemap}" "$@" --partition "$part/$of" --states "$out/part-$part.states" \
    --jobs "${SLURM_CPUS_PER_TASK:-1}" --limit-memory "$memory" --format json --quiet > "$out/part-$part.json.new"
# What is there is whole.
mv "$out/part-$part.json.new" "$out/part-$part.json"
