#!/bin/sh
# Pulls an image on the four workers, one after the other, and says how long each took.
set -eu
image=${1:-alpine:3.19}
pull() {
  began=$(date +%s%N)
  docker exec "$1" crictl pull "$image" >/dev/null
  printf '%-10s %-34s %6.2f s\n' "$1" "$2" "$(awk -v a="$began" -v b="$(date +%s%N)" 'BEGIN { print (b - a) / 1e9 }')"
}
pull damselfly-worker "cluster A, first pull"
pull damselfly-worker2 "cluster A, hit at a remote peer"
pull damselfly-worker3 "cluster B, first pull"
pull damselfly-worker4 "cluster B, hit at a remote peer"
