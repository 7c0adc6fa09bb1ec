# What the scripts share that install something for the tests; they set NAME and source this.
#
# A function get_PART returns 0 where the part is there in the end; else `why` says what is in the way.

say() { printf '%s: %s\n' "$NAME" "$*"; }
found() { command -v "$1" >/dev/null 2>&1; }
as_root() {
    if [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# obtain get_PART WORDS: without the part, tests are skipped by name; with CI=true that is a failure.
obtain() {
    if "$1"; then
        return
    elif [ "${CI:-}" = true ]; then
        say "$2: $why" >&2
        exit 1
    fi
    say "$2: $why; tests that need it will be skipped"
}

# from_debian WHAT PACKAGE...: installs Debian's packages.
from_debian() {
    what=$1
    shift
    if ! found apt-get; then
        why="there is no apt-get to install it with"
        return 1
    fi
    if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        why="installing it needs root (sudo apt-get install $*)"
        return 1
    fi
    say "installing $what by apt-get"
    why="apt-get could not install it"
    as_root apt-get update --quiet --quiet &&
        as_root apt-get install --quiet --quiet --yes --no-install-recommends "$@"
}

# from_npm FOLDER PACKAGE VERSION [PROGRAM...]: installs a package there, with the programs that it needs.
from_npm() {
    folder=$1 package=$2 version=$3
    shift 3
    [ "$(cat "$folder/version" 2>/dev/null || true)" = "$version" ] && return
    for program in npm "$@"; do
        if ! found "$program"; then
            why="there is no npm to install it with"
            return 1
        fi
    done
    say "installing $package $version by npm"
    why="npm could not install it"
    mkdir -p "$folder"
    npm install --silent --no-audit --no-fund --no-save --no-package-lock --ignore-scripts \
        --prefix "$folder" "$package@$version" && echo "$version" >"$folder/version"
}
