/* The whole of the unit tests' framework. A main ends with: return check_status(); */
#ifndef TEST_CHECK_H
#define TEST_CHECK_H

#include <stdio.h>

static int check_failures;

/* Names the place and the expression when it is false, and goes on. */
#define CHECK(expression)                                                                          \
    do {                                                                                           \
        if (!(expression)) {                                                                       \
            check_failures++;                                                                      \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expression);                       \
        }                                                                                          \
    } while (0)

static inline int check_status(void)
{
    return check_failures == 0 ? 0 : 1;
}

#endif
