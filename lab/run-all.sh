#!/bin/sh
# Runs what docs/lab.md shows: plans of the catalogue on all kernels of the lab, a guest each. Lines of results are added to lab/results.jsonl;
# of several runs of the same the last one counts. It takes an hour or two, and is no part of the tests.
#
#   sh lab/run-all.sh [STALEMAP]        STALEMAP: the program, `stalemap` without it
set -u
cd "$(dirname "$0")/.." || exit 2
stalemap=${1:-stalemap}
results=lab/results.jsonl
kernels="6.1 6.12 7.3"

# As it stands, or with more options. What cannot be forced on a kernel is passed over, and said.
run() {
    for kernel in $kernels; do
        echo "$* on $kernel" >&2
        "$stalemap" lab run "$@" --kernel "$kernel" --format jsonl > "$results.new"
        grep '^{' "$results.new" >> "$results"
    done
    rm -f "$results.new"
}

for kernel in $kernels; do
    "$stalemap" lab fetch "$kernel" --design none --design chinner-cow --design iomap_valid || exit
done

while read -r name options; do
    case $name in ''|'#'*) continue ;; esac
    # shellcheck disable=SC2086
    run "$name" $options
done < lab/scenarios
