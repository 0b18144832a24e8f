#!/usr/bin/env bash
# A run of `stalemap check` or `compare` on several machines, over ssh, by GNU parallel.
#
#   parallel.sh HOSTS PARTS COMMAND...
#   parallel.sh one,two,4/three 24 check races/wall.toml
#
# HOSTS is what parallel's --sshlogin takes; `:` is this machine. Each of them needs stalemap (the same build; STALEMAP says
# where), rsync, and a key that is taken without a question. Scenario files that are named are sent along. The parts come into the
# folder OUT (parts/), from which the same command goes on where it was stopped. Options of `merge` are in MERGE. The exit
# code is that of the undivided run.
set -euo pipefail

if [ $# -lt 3 ]; then
    echo "usage: $0 HOSTS PARTS COMMAND..." >&2
    exit 2
fi
hosts=$1 parts=$2
shift 2
stalemap=${STALEMAP:-stalemap}
out=${OUT:-parts}
mkdir -p "$out"
this=$(printf '%q ' "$parts" "$@")
if [ -e "$out/command" ] && [ "$(cat "$out/command")" != "$this" ]; then
    echo "$0: $out has parts of another run: $(cat "$out/command")" >&2
    exit 2
fi
echo "$this" > "$out/command"

send=()
for argument in "$@"; do
    # Names of the catalogue are no files here.
    if [ -e "$argument" ]; then send+=(--basefile "$argument"); fi
done

# A part has one thread, so that each processor has a part of its own. A part without a slice writes no states, and parallel wants
# a file to fetch.
work=/tmp/stalemap-$(uname -n)-$$
mkdir -p "$work"
run=$(printf '%q ' "$stalemap" "$@")
# shellcheck disable=SC2016 # The other shell is to see the dollars.
parallel --sshlogin "$hosts" --workdir "$work" --cleanup "${send[@]}" \
    --return part-{}.json --return part-{}.states \
    --joblog "$out/log" --resume-failed --retries 3 --halt soon,fail=1 \
    "$run --partition {}/$parts --states part-{}.states --jobs 1 --format json --quiet > part-{}.json && touch part-{}.states" \
    ::: $(seq "$parts") >&2
# They are fetched into the folder that this was called in; those of `:` stay where they were made.
for part in $(seq "$parts"); do
    for folder in . "$work"; do
        if [ -e "$folder/part-$part.json" ]; then mv "$folder/part-$part.json" "$folder/part-$part.states" "$out/"; fi
    done
done
rm -rf "$work"

read -r -a options <<< "${MERGE:-}"
exec "$stalemap" merge "${options[@]}" "$out"/part-*.json
