#!/usr/bin/env bash
# What `make check` runs: the static checks of scripts, C sources and manual pages. Leaves nothing behind.
#
#   scripts/check.sh                       all
#   scripts/check.sh check_scripts ...     some: check_scripts check_compile check_cppcheck check_tidy check_manuals
set -u
cd "$(dirname "$0")/.." || exit 1

JOBS=$(getconf _NPROCESSORS_ONLN)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# need TOOL PACKAGE: the tool is there, or what to install is said.
need() {
    command -v "$1" >/dev/null && return
    echo "check.sh: $1 is missing: apt-get install $2" >&2
    exit 1
}

c_files() { find servidor cliente test/unit test/fuzz test/relay -name '*.c' -print0; }

# In a bats file each test is a subshell (SC2030, SC2031), helper.bash reads what it sets (SC2034), and text between
# single quotes is often meant for another program (SC1003, SC2016).
check_scripts() {
    need shellcheck shellcheck
    find scripts test .ci -type f \( -name '*.sh' -o -name '*.bash' -o -path .ci/run \) -exec shellcheck {} + &&
        find test -name '*.bats' -exec shellcheck -e SC1003,SC2016,SC2030,SC2031,SC2034 {} +
}

# Every C file, those of the tests too, with the Makefile's warnings as errors, by both compilers.
check_compile() {
    local compiler file objects
    need make make
    for compiler in gcc clang; do
        need "$compiler" "$compiler"
        objects=()
        while IFS= read -r -d '' file; do
            objects+=("$work/$compiler/${file%.c}.o")
        done < <(c_files)
        make --no-print-directory CC="$compiler" CFLAGS='-O2 -Werror' B="$work/$compiler" "${objects[@]}" \
            >"$work/compiled" 2>&1 || { grep -v '^  CC ' "$work/compiled"; return 1; }
    done
}

check_cppcheck() {
    need cppcheck cppcheck
    cppcheck --quiet -j "$JOBS" --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --suppress=missingIncludeSystem -D_POSIX_C_SOURCE=200809L -Iservidor -Icliente \
        servidor cliente test/unit test/fuzz test/relay
}

# What it looks for stands in .clang-tidy. Its count of the warnings of system headers is of no use.
check_tidy() {
    need clang-tidy clang-tidy
    c_files | xargs -0 -P "$JOBS" -I {} clang-tidy -quiet {} -- \
        -std=c11 -D_POSIX_C_SOURCE=200809L -Iservidor -Icliente 2> >(grep -v 'warnings generated' >&2)
}

check_manuals() {
    local pages
    mapfile -d '' pages < <(find servidor cliente test/relay -name '*.[1-8]' -print0)
    [ "${#pages[@]}" != 0 ] || return 0
    need mandoc mandoc
    mandoc -T lint -W warning "${pages[@]}"
}

[ $# != 0 ] || set -- check_scripts check_compile check_cppcheck check_tidy check_manuals
failed=()
for check; do
    since=$SECONDS
    if "$check" </dev/null; then
        echo "ok      $check, $((SECONDS - since)) s"
    else
        echo "FAILED  $check"
        failed+=("$check")
    fi
done
[ "${#failed[@]}" = 0 ]
