// SHA-256 (FIPS 180-4) with the instructions that do two rounds at once.
#include <immintrin.h>
#include <string.h>

#include "kernels/common.h"
#include "kernels/sha256/sha.h"

namespace {

constexpr int kBlock = 64;   // bytes
constexpr int kGroups = 16;  // of four rounds

// The first 32 bits of the fractions of the cube roots of the first 64 primes.
alignas(16) const uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// Lanes from the highest to the lowest: a b e f, and c d g h.
struct State {
  __m128i abef, cdgh;
};

MLQ_INLINE void Blocks(State& state, const uint8_t* data, int64_t count) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  for (int64_t block = 0; block < count; block++, data += kBlock) {
    const State before = state;
    __m128i w[4];
    MLQ_UNROLL for (int group = 0; group < kGroups; group++) {
      __m128i& own = w[group % 4];
      if (group < 4) {
        own = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i*)(const void*)(data + group * 16)), big_endian);
      } else {
        const __m128i last = w[(group + 3) % 4];
        own = _mm_add_epi32(_mm_sha256msg1_epu32(own, w[(group + 1) % 4]), _mm_alignr_epi8(last, w[(group + 2) % 4], 4));
        own = _mm_sha256msg2_epu32(own, last);
      }
      const __m128i sum = _mm_add_epi32(own, _mm_load_si128((const __m128i*)(const void*)(kRound + group * 4)));
      state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, sum);
      state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, _mm_shuffle_epi32(sum, 0x0E));
    }
    state.abef = _mm_add_epi32(state.abef, before.abef);
    state.cdgh = _mm_add_epi32(state.cdgh, before.cdgh);
  }
}

}  // namespace

extern "C" void mlq_sha_sha256(const uint8_t* data, int64_t length, uint8_t* hash) {
  State state = {_mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c), _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19)};
  const int64_t whole = length / kBlock;
  Blocks(state, data, whole);
  const int left = (int)(length % kBlock);
  alignas(16) uint8_t tail[2 * kBlock] = {};
  memcpy(tail, data + whole * kBlock, (size_t)left);
  tail[left] = 0x80;
  const int blocks = left + 9 <= kBlock ? 1 : 2;
  for (int i = 0; i < 8; i++) {
    tail[blocks * kBlock - 1 - i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
  }
  Blocks(state, tail, blocks);
  alignas(16) uint32_t abef[4], cdgh[4];
  _mm_store_si128((__m128i*)(void*)abef, state.abef);
  _mm_store_si128((__m128i*)(void*)cdgh, state.cdgh);
  const uint32_t words[8] = {abef[3], abef[2], cdgh[3], cdgh[2], abef[1], abef[0], cdgh[1], cdgh[0]};
  for (int i = 0; i < 32; i++) {
    hash[i] = (uint8_t)(words[i / 4] >> (24 - i % 4 * 8));
  }
}
