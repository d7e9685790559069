/*
 * SipHash-2-4 against the vectors that its authors publish with their code: key 00 01 .. 0f,
 * text 00 01 .. of each length. The one of 15 octets is worked out in the paper's appendix A.
 */
#include "net/siphash.h"

#include "check.h"

static const uint64_t vectors[] = {
    UINT64_C(0x726fdb47dd0e0e31), UINT64_C(0x74f839c593dc67fd), UINT64_C(0x0d6c8009d9a94f5a),
    UINT64_C(0x85676696d7fb7e2d), UINT64_C(0xcf2794e0277187b7), UINT64_C(0x18765564cd99a68d),
    UINT64_C(0xcbc9466e58fee3ce), UINT64_C(0xab0200f58b01d137), UINT64_C(0x93f5f5799a932462),
    UINT64_C(0x9e0082df0ba9e4b0), UINT64_C(0x7a5dbbc594ddb9f3), UINT64_C(0xf4b32f46226bada7),
    UINT64_C(0x751e8fbc860ee5fb), UINT64_C(0x14ea5627c0843d90), UINT64_C(0xf723ca908e7af2ee),
    UINT64_C(0xa129ca6149be45e5), UINT64_C(0x3f2acc7f57c29bdb),
};

enum { VECTORS = sizeof vectors / sizeof vectors[0] };

int main(void)
{
    unsigned char key[SIPHASH_KEY], text[VECTORS];
    unsigned i;

    for (i = 0; i < SIPHASH_KEY; i++)
        key[i] = (unsigned char)i;
    for (i = 0; i < VECTORS; i++)
        text[i] = (unsigned char)i;
    for (i = 0; i < VECTORS; i++) {
        if (siphash(key, text, i) != vectors[i])
            fprintf(stderr, "of %u octets\n", i);
        CHECK(siphash(key, text, i) == vectors[i]);
    }
    key[15] ^= 1;
    CHECK(siphash(key, text, 15) != vectors[15]);
    return check_status();
}
