/*
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash of 64 bits that nobody without
 * the key can foretell. Pure.
 */
#ifndef NET_SIPHASH_H
#define NET_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY = 16 };

/* The hash of `length` octets under `key`. */
uint64_t siphash(const unsigned char key[SIPHASH_KEY], const void *octets, size_t length);

#endif
