// Weights of a panel as codes of 4 bits that look up one of 16 levels in a register: [16 levels][steps][pairs of vectors], vector 2i in the low
// halves of the bytes, vector 2i + 1 in the high ones.
#ifndef MLQ_CONVOLUTION_CODEBOOK_PANEL_H
#define MLQ_CONVOLUTION_CODEBOOK_PANEL_H

namespace {

constexpr int kMostLevels = 16;

struct Panel {
  static constexpr int kValues = Simd::kLanes * Dot::kStep;  // of a vector; a byte holds one of each of two vectors
  static constexpr int kLevelBytes = 64;
  static constexpr int kStepBytes = kValues * Simd::kVectors / 2;

#if defined(__AVX512VNNI__)
  struct Levels {
    __m512i bytes;
    MLQ_INLINE void Read(const uint8_t* p) { bytes = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i*)p)); }
  };
  static MLQ_INLINE Simd::I Load(const uint8_t* step, int v, const Levels& levels) {
    const __m512i pair = _mm512_loadu_si512(step + v / 2 * kValues);
    return _mm512_shuffle_epi8(levels.bytes, _mm512_and_si512(v % 2 == 0 ? pair : _mm512_srli_epi16(pair, 4), _mm512_set1_epi8(15)));
  }
#elif defined(__AVX512BW__)
  struct Levels {
    __m256i bytes;
    MLQ_INLINE void Read(const uint8_t* p) { bytes = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i*)p)); }
  };
  static MLQ_INLINE Simd::I Load(const uint8_t* step, int v, const Levels& levels) {
    const __m256i pair = _mm256_loadu_si256((const __m256i*)(step + v / 2 * kValues));
    const __m256i codes = _mm256_and_si256(v % 2 == 0 ? pair : _mm256_srli_epi16(pair, 4), _mm256_set1_epi8(15));
    return _mm512_cvtepi8_epi16(_mm256_shuffle_epi8(levels.bytes, codes));
  }
#elif defined(__AVX2__)
  struct Levels {
    __m128i bytes;
    MLQ_INLINE void Read(const uint8_t* p) { bytes = _mm_loadu_si128((const __m128i*)p); }
  };
  static MLQ_INLINE Simd::I Load(const uint8_t* step, int v, const Levels& levels) {
    const __m128i pair = _mm_loadu_si128((const __m128i*)(step + v / 2 * kValues));
    const __m128i codes = _mm_and_si128(v % 2 == 0 ? pair : _mm_srli_epi16(pair, 4), _mm_set1_epi8(15));
    return _mm256_cvtepi8_epi16(_mm_shuffle_epi8(levels.bytes, codes));
  }
#else
  struct Levels {
    int8x16_t bytes;
    MLQ_INLINE void Read(const uint8_t* p) { bytes = vreinterpretq_s8_u8(vld1q_u8(p)); }
  };
  static MLQ_INLINE Simd::I Load(const uint8_t* step, int v, const Levels& levels) {
    const uint8x16_t pair = vld1q_u8(step + v / 2 * kValues);
    return vreinterpretq_s32_s8(vqtbl1q_s8(levels.bytes, v % 2 == 0 ? vandq_u8(pair, vdupq_n_u8(15)) : vshrq_n_u8(pair, 4)));
  }
#endif
};

}  // namespace

#endif
