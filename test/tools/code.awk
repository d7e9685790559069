# C sources without what is no code, as FILE:LINE:TEXT: comments become a blank, and what stands between quotes goes.
# With -v keep=strings it stays; with -v keep=comments comments stay.
# awk -f code.awk [-v keep=WHAT] FILE...

FNR == 1 { where = "code" }

{
    out = ""
    length_of_line = length($0)
    for (i = 1; i <= length_of_line; i++) {
        c = substr($0, i, 1)
        two = substr($0, i, 2)
        if (where == "comment") {
            if (keep == "comments") out = out c
            if (two == "*/") {
                if (keep == "comments") out = out "/"
                where = "code"
                i++
            }
        } else if (where != "code") {
            if (c == "\\") {
                if (keep == "strings") out = out two
                i++
            } else if (c == where) {
                out = out c
                where = "code"
            } else if (keep == "strings") {
                out = out c
            }
        } else if (two == "/*") {
            out = out (keep == "comments" ? two : " ")
            where = "comment"
            i++
        } else if (two == "//") {
            if (keep == "comments") out = out substr($0, i)
            break
        } else {
            if (c == "\"" || c == "'") where = c
            out = out c
        }
    }
    print FILENAME ":" FNR ":" out
}
