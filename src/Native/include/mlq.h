/* C ABI of the native kernel library `mlq`.
 *
 * Two exports. Only C types; sizes are int32_t or int64_t; no ownership changes hands; no callbacks; no threads; no state.
 * Kernels read and write nothing outside the spans they are given and check no lengths: the caller has done so.
 * Data are channels-last. The formulas are those of the managed class KernelSet; results are equal bit for bit. */
#ifndef MLQ_H
#define MLQ_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define MLQ_EXPORT __declspec(dllexport)
#else
#define MLQ_EXPORT __attribute__((visibility("default")))
#endif

#define MLQ_ABI_VERSION 12u

typedef enum mlq_status {
  MLQ_OK = 0,
  MLQ_ABI_MISMATCH = 1,    /* struct_size or abi_version of the caller's table differ */
  MLQ_ISA_UNAVAILABLE = 2, /* not compiled in, or not supported by this processor and operating system */
} mlq_status;

/* Bit numbers of mlq_available_isas. */
typedef enum mlq_isa {
  MLQ_ISA_AVX2 = 0,       /* AVX2, FMA */
  MLQ_ISA_AVX512 = 1,     /* AVX-512 F, BW, VL, DQ */
  MLQ_ISA_AVX512VNNI = 2, /* the same and AVX-512 VNNI */
  MLQ_ISA_NEON = 3,       /* Armv8.2 with the dot product instructions */
} mlq_isa;

/* Sizes of a convolution, a depthwise convolution or a pool: [batch, depth, height, width, channels]. */
typedef struct mlq_geometry {
  int32_t batch;
  int32_t in_depth, in_height, in_width, in_channels;
  int32_t out_depth, out_height, out_width, out_channels;
  int32_t kernel_depth, kernel_height, kernel_width;
  int32_t stride_depth, stride_height, stride_width;
  int32_t dilation_depth, dilation_height, dilation_width;
  int32_t pad_depth, pad_height, pad_width; /* before the first element; behind follows from the output size */
  int32_t groups;
  int32_t weight_bits; /* 7: no weight of this integer convolution is larger than 64 in size; 0: any of 8 bits; 0 elsewhere */
} mlq_geometry;

typedef enum mlq_output {
  MLQ_OUTPUT_UINT8 = 0,
  MLQ_OUTPUT_INT16 = 1,
  MLQ_OUTPUT_INT32 = 2,
  MLQ_OUTPUT_FLOAT32 = 3,
} mlq_output;

/* What follows the codes of an epilogue in the same pass, for all channels of a layer alike:
 *   sum  = tail(fl(fl(float(code - its zero point) * own_multiplier) + fl(float(other - other_zero_point) * other_multiplier)))   or the code itself, without `other`
 *   byte = tail(fl(fl(float(sum - zero_point) * byte_multiplier) + byte_offset))
 *   reached[n] = (table[n][channel] > sum) ^ rising[channel], and planes of the number of those reached.
 * The sum is written where the epilogue's codes would have been and has their type. */
typedef struct mlq_join {
  const void* other;      /* codes of the same type, [pixel][channels], or null */
  const uint8_t* stream;  /* pixel 0, channel 0 of the epilogue's codes */
  uint8_t* bytes;         /* [pixel][channels], or null */
  uint8_t* planes;        /* [pixel][plane_bits][words of the channels], or null */
  const int32_t* table;   /* [threshold_count][words of the channels * 32] */
  const uint32_t* rising; /* [words of the channels]; set behind the last channel, where thresholds are INT32_MAX */
  float own_multiplier, other_multiplier;
  int32_t other_zero_point;
  int32_t zero_point, minimum, maximum; /* of the sum */
  float byte_multiplier, byte_offset;
  int32_t byte_zero_point, byte_minimum, byte_maximum;
  int32_t threshold_count; /* at most 3 */
  int32_t plane_bits;      /* 1 or 2 */
  int32_t channels;
} mlq_join;

/* What follows the integer products of output channel c: accumulator += bias[c]; then the accumulator itself, or
 * t = fl(fl(float(accumulator) * multipliers[c]) + offsets[c]), clamped to [low, high] as a float, or as a code
 * halfToEven(clamp(t, minimum - zero_point, maximum - zero_point)) + zero_point. */
typedef struct mlq_epilogue {
  const int32_t* bias;
  const float* multipliers;
  const float* offsets;
  int32_t output; /* mlq_output */
  int32_t zero_point;
  int32_t minimum;
  int32_t maximum;
  float low;
  float high;
  const mlq_join* join; /* null for none; else the output is uint8 or int16 */
} mlq_epilogue;

/* Residual add of codes and other element-wise parameters. */
typedef struct mlq_add {
  float left_multiplier;
  float right_multiplier;
  int32_t left_zero_point;
  int32_t right_zero_point;
  int32_t zero_point;
  int32_t minimum;
  int32_t maximum;
} mlq_add;

typedef struct mlq_average {
  float multiplier;
  int32_t count_padding;
  int32_t input_zero_point;
  int32_t zero_point;
  int32_t minimum;
  int32_t maximum;
} mlq_average;

/* A dense layer with weights of `bits` bits in groups of `group_size` along its inputs. Groups = ceil(inputs / group_size).
 * Row codes lie group after group, each group padded with zero codes to a multiple of 16. */
typedef struct mlq_grouped {
  int32_t rows, inputs, outputs;
  int32_t group_size;
  int32_t bits;
  int32_t scale_bits; /* 32: float scales; 16: half scales, and all of them must be halves */
} mlq_grouped;

/* Part of a dense layer whose weights of `bits` bits stay narrow in memory: some rows times neighbouring panels of 16 outputs. rows holds the codes of the
 * row less 128, zeros behind the last one, row_stride being a multiple of 32; row_sums the sums of its codes. The layout of a panel stands in
 * kernels/dense_narrow/generic.h. A multiple of 4 panels precedes the first one. */
typedef struct mlq_narrow_tile {
  const int8_t* rows;
  const int32_t* row_sums;
  const uint8_t* panels; /* the first panel */
  const mlq_epilogue* epilogue;
  uint8_t* destination; /* [row_count][out_channels], the first row of this part */
  int64_t panel_bytes;  /* from one panel to the next */
  int32_t row_count;    /* at most 8 */
  int32_t row_stride;
  int32_t panel_count;
  int32_t channel;      /* first output of the first panel */
  int32_t out_channels;
  int32_t bits;         /* 1 to 7 */
  int32_t step;         /* between neighbouring values of a weight */
} mlq_narrow_tile;

/* One word of a source in bit planes that meets the words of 32 outputs. */
typedef struct mlq_plane_step {
  int64_t source;  /* words from a pixel's first word */
  int64_t weights; /* bytes from the beginning of a plane of weights */
} mlq_plane_step;

/* How words meet before their bits are counted. */
typedef enum mlq_plane_operation {
  MLQ_PLANE_XOR = 0,    /* a ^ w */
  MLQ_PLANE_AND = 1,    /* a & w */
  MLQ_PLANE_MASKED = 2, /* (a ^ z) & w; the 32 words z of a step stand behind its 32 words w */
} mlq_plane_operation;

/* Part of a layer over bit planes: pixels that read the same steps, and neighbouring panels of 32 outputs of one group; the parts of one call have the same panels. The accumulator of an output is
 * count * (1 + doubles) + constants + bias; count = sum over planes i of the source and r of the weights of 2^(i + r) * popcount, the top plane of the
 * weights negative if so said. With thresholds its code is the number of thresholds that it is not below (direction >= 0 or no directions) or not above. */
typedef struct mlq_plane_tile {
  const uint32_t* source;
  const uint8_t* panels; /* the first panel */
  const mlq_plane_step* steps;
  const int64_t* sources;   /* first word of each pixel */
  const int64_t* outputs;   /* each pixel's place in the output */
  const int32_t* constants; /* [panel_count][32] */
  uint8_t* destination;     /* the whole output: values or codes [pixel][out_channels], or words [pixel][plane_bits][(out_channels + 31) / 32] */
  const mlq_epilogue* epilogue;
  const int32_t* thresholds; /* [threshold_count][out_channels] */
  const int32_t* directions; /* [out_channels], or null */
  int64_t panel_bytes;       /* from one panel to the next */
  int64_t plane_bytes;       /* from one plane of a panel to the next */
  int32_t words_begin;       /* bytes of a panel before its words */
  int32_t source_words;      /* words from one plane of a pixel to the next */
  int32_t step_count;
  int32_t pixels;
  int32_t panel_count;
  int32_t channel;     /* first output channel */
  int32_t channel_end; /* behind the last one of the group */
  int32_t out_channels;
  int32_t operation;   /* mlq_plane_operation */
  int32_t source_bits; /* 1 or 2 */
  int32_t weight_planes; /* 1 or 2 */
  int32_t doubles;
  int32_t top_is_negative;
  int32_t threshold_count; /* 0 for none, at most 15 */
  int32_t plane_bits;      /* 0: codes are bytes; 1 or 2: planes, of at most 3 thresholds */
} mlq_plane_tile;

/* The order of the weights of one output that are to be packed. Part i of n of a packing writes a share of the packed bytes; n parts write all of them. */
typedef enum mlq_weight_order {
  MLQ_TAPS_FIRST = 0,     /* [taps][channels] */
  MLQ_CHANNELS_FIRST = 1, /* [channels][taps] */
} mlq_weight_order;

/* One row for each kernel: X(name, result, parameters). The order is part of the ABI. */
#define MLQ_KERNELS(X)                                                                                                 \
  X(convolution_float_packed_size, int64_t, (const mlq_geometry* geometry))                                            \
  X(convolution_float_pack, void,                                                                                      \
    (const mlq_geometry* geometry, const float* weights, int32_t order, void* packed, int32_t part, int32_t parts))    \
  X(convolution_float_tiles, int32_t, (const mlq_geometry* geometry))                                                  \
  X(convolution_float, void,                                                                                           \
    (const mlq_geometry* geometry, const float* source, const void* packed, const float* bias, float low, float high,  \
     float* destination, int32_t tile_begin, int32_t tile_end))                                                        \
  X(convolution_byte_packed_size, int64_t, (const mlq_geometry* geometry))                                             \
  X(convolution_byte_pack, void,                                                                                       \
    (const mlq_geometry* geometry, const int8_t* weights, int32_t order, void* packed, int32_t part, int32_t parts))   \
  X(convolution_byte_tiles, int32_t, (const mlq_geometry* geometry))                                                   \
  X(convolution_byte, void,                                                                                            \
    (const mlq_geometry* geometry, const uint8_t* source, uint8_t padding, const void* packed,                         \
     const mlq_epilogue* epilogue, void* destination, int32_t tile_begin, int32_t tile_end))                           \
  X(depthwise_float, void,                                                                                             \
    (const mlq_geometry* geometry, const float* source, const float* weights, const float* bias, float low,            \
     float high, float* destination, int32_t row_begin, int32_t row_end))                                              \
  X(depthwise_byte, void,                                                                                              \
    (const mlq_geometry* geometry, const uint8_t* source, uint8_t padding, const int8_t* weights,                      \
     const mlq_epilogue* epilogue, void* destination, int32_t row_begin, int32_t row_end))                             \
  X(max_pool_byte, void,                                                                                               \
    (const mlq_geometry* geometry, const uint8_t* source, uint8_t* destination, int32_t row_begin, int32_t row_end))   \
  X(average_pool_byte, void,                                                                                           \
    (const mlq_geometry* geometry, const mlq_average* average, const uint8_t* source, uint8_t* destination,            \
     int32_t row_begin, int32_t row_end))                                                                              \
  X(quantize_float, void,                                                                                              \
    (const float* source, int64_t count, float scale, int32_t zero_point, int32_t minimum, int32_t maximum,            \
     uint8_t* destination))                                                                                            \
  X(dequantize_byte, void,                                                                                             \
    (const uint8_t* source, int64_t count, float scale, int32_t zero_point, float* destination))                       \
  X(add_byte, void,                                                                                                    \
    (const uint8_t* left, const uint8_t* right, int64_t count, const mlq_add* add, uint8_t* destination))               \
  X(grouped_dense_packed_size, int64_t, (const mlq_grouped* geometry))                                                 \
  X(grouped_dense_pack, void,                                                                                          \
    (const mlq_grouped* geometry, const int8_t* weights, const float* scales, void* packed))                           \
  X(grouped_dense_tiles, int32_t, (const mlq_grouped* geometry))                                                       \
  X(grouped_dense, void,                                                                                               \
    (const mlq_grouped* geometry, const int8_t* codes, const int32_t* sums, const float* row_scales,                   \
     const void* packed, const float* bias, float low, float high, float* destination, int32_t tile_begin,             \
     int32_t tile_end))                                                                                                \
  X(grouped_dense_float_tiles, int32_t, (const mlq_grouped* geometry))                                                 \
  X(grouped_dense_float, void,                                                                                         \
    (const mlq_grouped* geometry, const float* source, const void* packed, const float* bias, float low, float high,   \
     float* destination, int32_t tile_begin, int32_t tile_end))                                                        \
  X(plane_tiles, void, (const mlq_plane_tile* tiles, int32_t count))                                                   \
  X(convolution_codebook_packed_size, int64_t, (const mlq_geometry* geometry))                                         \
  X(convolution_codebook_pack, void,                                                                                   \
    (const mlq_geometry* geometry, const uint8_t* codes, const int8_t* levels, void* packed))                          \
  X(convolution_codebook, void,                                                                                        \
    (const mlq_geometry* geometry, const uint8_t* source, uint8_t padding, const void* packed,                         \
     const mlq_epilogue* epilogue, void* destination, int32_t tile_begin, int32_t tile_end))        \
  X(max_pool_float, void, /* kernels of at most 64 taps */                                                             \
    (const mlq_geometry* geometry, const float* source, float* destination, int32_t row_begin, int32_t row_end)) \
  X(dense_narrow, void, (const mlq_narrow_tile* tile))

typedef struct mlq_kernel_table {
  uint32_t struct_size; /* set by the caller: sizeof(mlq_kernel_table) */
  uint32_t abi_version; /* set by the caller: MLQ_ABI_VERSION */
#define MLQ_FIELD(name, result, parameters) result(*name) parameters;
  MLQ_KERNELS(MLQ_FIELD)
#undef MLQ_FIELD
} mlq_kernel_table;

/* Bit mask (1 << mlq_isa) of the sets that are compiled in and that this machine can run. */
MLQ_EXPORT uint32_t mlq_available_isas(void);

/* Fills the table with the kernels of one set. On any status but MLQ_OK the table is untouched. */
MLQ_EXPORT int32_t mlq_get_kernels(int32_t isa, mlq_kernel_table* table);

#ifdef __cplusplus
}
#endif

#endif
