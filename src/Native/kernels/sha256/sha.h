// SHA-256 in the instructions of x86 processors that have them.
#ifndef MLQ_SHA256_SHA_H
#define MLQ_SHA256_SHA_H

#include <stdint.h>

extern "C" void mlq_sha_sha256(const uint8_t* data, int64_t length, uint8_t* hash);

#endif
