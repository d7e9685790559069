/* See siphash.h. The names are those of the paper. */
#include "net/siphash.h"

static uint64_t rotate(uint64_t word, unsigned bits)
{
    return word << bits | word >> (64 - bits);
}

static void sip_rounds(uint64_t v[4], int count)
{
    for (; count > 0; count--) {
        v[0] += v[1];
        v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0];
        v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1];
        v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2];
        v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

/* Up to 8 octets, the lowest first. */
static uint64_t word_of(const unsigned char *octets, size_t length)
{
    uint64_t word = 0;

    while (length-- > 0)
        word = word << 8 | octets[length];
    return word;
}

static void compress(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
}

uint64_t siphash(const unsigned char key[SIPHASH_KEY], const void *octets, size_t length)
{
    const unsigned char *next = octets;
    const uint64_t k0 = word_of(key, 8), k1 = word_of(key + 8, 8);
    uint64_t v[4] = { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
                      k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) };
    size_t left;

    for (left = length; left >= 8; left -= 8, next += 8)
        compress(v, word_of(next, 8));
    compress(v, (uint64_t)length << 56 | word_of(next, left));
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
