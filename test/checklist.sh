#!/usr/bin/env bash
# Tells which lines of the checklist a server deviates from: the codes of its replies, over TCP. The server may be any.
#
#   test/checklist.sh [-d DOMAIN] [-r USER] HOST PORT
#
#   -d DOMAIN   a domain that the server takes mail for (localhost)
#   -r USER     a user that is there (postmaster, whom every server must have); USER@DOMAIN gets some dozens of mails
#
# What needs our settings, our logs or our Maildir is left out, and said. Ends with 0 when nothing deviates, 1 when
# something does, 2 when it could not be told.
set -u
cd "$(dirname "$0")/.." || exit 2

usage() {
    sed -n 's/^#   test/usage: test/p' test/checklist.sh >&2
    exit 2
}

TARGET_DOMAIN=localhost TARGET_USER=postmaster
while getopts d:r: option; do
    case $option in
        d) TARGET_DOMAIN=$OPTARG ;;
        r) TARGET_USER=$OPTARG ;;
        *) usage ;;
    esac
done
shift $((OPTIND - 1))
[ $# = 2 ] || usage
TARGET_HOST=$1 TARGET_PORT=$2
PATIENCE=${PATIENCE:-10}
# A python3 that is a script of a version manager would be looked up anew by every test.
PYTHON=$(command -v /usr/bin/python3 || python3 -c 'import sys; print(sys.executable)') || exit 2
export PYTHON TARGET_HOST TARGET_PORT TARGET_DOMAIN TARGET_USER PATIENCE

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
bats --tap test/checklist-*.bats >"$work/tap" 2>&1

# ok N line 9: ..., not ok N line 9: ..., ok N line 9: ... # skip REASON; behind a failure its output.
awk '
    /^(not )?ok [0-9]+ line [0-9]+:/ {
        skipped = /# skip/
        good = /^ok/
        title = $0
        sub(/^(not )?ok [0-9]+ /, "", title)
        sub(/ # skip.*/, "", title)
        n = title
        gsub(/^line |:.*/, "", n)
        lines[n] = 1
        if (!skipped) judged[n] = 1
        if (!good) { deviates[n] = 1; print title }
        next
    }
    !good && sub(/^# FAILED /, "    ")
    END {
        for (n = 1; n <= 100; n++) {
            if (n in judged) { all++; if (!(n in deviates)) kept++; else bad = bad " " n }
            else if (n in lines) left = left " " n
        }
        if (!all) { print "nothing could be told"; exit 2 }
        print "left out:" (left == "" ? " none" : left)
        print "deviating:" (bad == "" ? " none" : bad)
        print kept + 0 " of " all " lines as the checklist says"
        exit bad != ""
    }' "$work/tap"
status=$?
[ "$status" != 2 ] || sed 20q "$work/tap" >&2
exit "$status"
