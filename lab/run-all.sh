#!/bin/sh
# Runs what docs/lab.md shows: plans of the catalogue on the kernels of the lab, a guest each. Lines of results are added to a
# file; of several runs of the same the last one counts. All of it takes an hour or two, and is no part of the tests.
#
#   sh lab/run-all.sh [-k KERNELS] [-o RESULTS] [STALEMAP] [SCENARIO...]
#
# KERNELS: "6.1 6.12 7.3" without it. RESULTS: lab/results.jsonl of this checkout. STALEMAP: the program, `stalemap` without it.
# SCENARIO: of lab/scenarios only the lines that begin with these names.
set -u
lab=$(cd "$(dirname "$0")" && pwd) || exit 2
kernels="6.1 6.12 7.3"
results=$lab/results.jsonl
while getopts k:o: option; do
    case $option in
    k) kernels=$OPTARG ;;
    o) results=$OPTARG ;;
    *) sed -n '5,8s/^# *//p' "$lab/run-all.sh" >&2; exit 2 ;;
    esac
done
shift $((OPTIND - 1))
stalemap=${1:-stalemap}
[ $# -gt 0 ] && shift
if ! command -v "$stalemap" >/dev/null; then
    echo "$stalemap: there is no such program; the first argument is stalemap's path" >&2
    exit 2
fi

# As it stands, or with more options. What cannot be forced on a kernel is passed over, and said.
run() {
    for kernel in $kernels; do
        echo "$* on $kernel" >&2
        "$stalemap" lab run "$@" --kernel "$kernel" --format jsonl > "$results.new"
        grep '^{' "$results.new" >> "$results"
    done
    rm -f "$results.new"
}

# Whether a line of lab/scenarios is wanted: of those that are named, or of all.
wanted() {
    line=$1
    shift
    [ $# -eq 0 ] && return 0
    for name; do [ "$name" = "$line" ] && return 0; done
    return 1
}

for kernel in $kernels; do
    "$stalemap" lab fetch "$kernel" --design none --design chinner-cow --design iomap_valid || exit
done

while read -r name options; do
    case $name in ''|'#'*) continue ;; esac
    wanted "$name" "$@" || continue
    # What runs reads no line of the list.
    # shellcheck disable=SC2086
    run "$name" $options < /dev/null
done < "$lab/scenarios"
