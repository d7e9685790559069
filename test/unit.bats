#!/usr/bin/env bats
# The programs of test/unit, which make units builds. Each says itself what failed.

load helper

@test "every program of test/unit passes" {
    local source name failed=() passed=0
    for source in "$ROOT"/test/unit/*.c; do
        name=${source##*/} name=${name%.c}
        if timeout 120 "$ROOT/.build/test/unit/$name" >said 2>&1 3>&- 4>&-; then
            passed=$((passed + 1))
        else
            failed+=("$name")
            echo "--- test/unit/$name:"
            cat said
        fi
    done
    echo "# $passed programs of test/unit" >&3
    same "" "${failed[*]}"
    ((passed > 0))
}
