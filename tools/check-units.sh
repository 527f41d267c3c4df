#!/usr/bin/env bash
# Verifies the units of systemd/: no unknown key, no command that is missing, an exposure of at most 2.0.
set -euo pipefail
cd "$(dirname "$0")/.."

# robotd need not be installed where the unit expects it; a copy names a program that is there.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for unit in robotd robotd-user; do
    sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' systemd/$unit.service >"$folder/$unit.service"
done

# Without --recursive-errors=no, unknown keys pass.
systemd-analyze verify --recursive-errors=no "$folder/robotd.service"
XDG_RUNTIME_DIR=$folder systemd-analyze --user verify --recursive-errors=no "$folder/robotd-user.service"
systemd-analyze security --offline=true --threshold=20 --no-pager "$folder/robotd.service" | tail -n 1
