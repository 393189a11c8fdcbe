/* Causal attention in bf16 for x86 with AVX-512 BF16: out = softmax(q k' / sqrt(width)) v, on one thread.

   Both products are one micro-kernel: ROWS queries by up to 64 columns stay in registers while pairs of bf16 stream past. The
   softmax is taken block by block of keys with a running maximum (Milakov & Gimelshein 2018, arXiv:1805.02867), so that
   the largest weight is 1, which bf16 holds exactly. NaN stays NaN. */
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16, KEYS = 64, ROWS = 6, MAX_VECTORS = KEYS / LANES };

typedef uint32_t __attribute__((may_alias)) pair; /* two bf16 that follow each other */

/* c += a b, with a [ROWS][pairs] and b [pairs][vectors * LANES] of pairs, c [ROWS][vectors] of fp32 vectors. */
INLINE void multiply(const pair *a, const pair *b, int pairs, int vectors, __m512 c[ROWS][MAX_VECTORS]) {
    __m512 sum[ROWS][MAX_VECTORS];
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < vectors; j++) sum[r][j] = c[r][j];
    for (int p = 0; p < pairs; p++) {
        __m512bh columns[MAX_VECTORS];
        for (int j = 0; j < vectors; j++) columns[j] = (__m512bh)_mm512_loadu_si512(b + (p * vectors + j) * LANES);
#pragma GCC unroll 8
        for (int r = 0; r < ROWS; r++) {
            __m512bh row = (__m512bh)_mm512_set1_epi32((int)a[r * pairs + p]);
#pragma GCC unroll 8
            for (int j = 0; j < vectors; j++) sum[r][j] = _mm512_dpbf16_ps(sum[r][j], row, columns[j]);
        }
    }
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < vectors; j++) c[r][j] = sum[r][j];
}

/* 2^x: 2^round(x) times the Taylor series of the rest, to 2.4e-6; 0 below 2^-126, fp32's smallest normal number. */
INLINE __m512 power_of_two(__m512 x) {
    static const float terms[] = {9.6181291e-3f, 5.5504109e-2f, 0.24022651f, 0.69314718f, 1.0f}; /* ln(2)^n / n! */
    __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 rest = _mm512_sub_ps(x, whole), y = _mm512_set1_ps(1.3333558e-3f);
    for (int i = 0; i < 5; i++) y = _mm512_fmadd_ps(y, rest, _mm512_set1_ps(terms[i]));
    __mmask16 is_not_tiny = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-126.0f), _CMP_NLT_UQ); /* or no number */
    return _mm512_maskz_scalef_ps(is_not_tiny, y, whole);
}

/* Put k [tokens][width] into tiles [width / 2][KEYS] of pairs along the width, and v [tokens][width] into tiles
   [KEYS / 2][width] of pairs along the tokens; zeros behind the last token. */
static void pack(const uint16_t *k, const uint16_t *v, long tokens, int width, pair *k_tiles, pair *v_tiles) {
    long padded = (tokens + KEYS - 1) / KEYS * KEYS, tile = width / 2 * KEYS;
    for (long i = 0; i < padded; i++)
        for (int p = 0; p < width / 2; p++)
            k_tiles[i / KEYS * tile + p * KEYS + i % KEYS] = i < tokens ? ((const pair *)k)[i * (width / 2) + p] : 0;
    for (long i = 0; i < padded; i += 2)
        for (int j = 0; j < width; j++) {
            pair first = i < tokens ? v[i * width + j] : 0, second = i + 1 < tokens ? v[(i + 1) * width + j] : 0;
            v_tiles[i / KEYS * tile + i % KEYS / 2 * width + j] = first | second << 16;
        }
}

/* Compute ROWS queries from `first` on, over all keys up to their own. */
INLINE void rows(const pair *q, const pair *k_tiles, const pair *v_tiles, long first, int width, uint16_t *out) {
    const __m512 scale = _mm512_set1_ps(1.44269504f / sqrtf((float)width)); /* e^x = 2^(x / ln 2) */
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const int pairs = width / 2, vectors = width / LANES;
    __m512 sums[ROWS][MAX_VECTORS] = {0}, total[ROWS] = {0}, most[ROWS];
    for (int r = 0; r < ROWS; r++) most[r] = _mm512_set1_ps(-INFINITY);
    for (long block = 0; block * KEYS < first + ROWS; block++) {
        __m512 scores[ROWS][MAX_VECTORS] = {0};
        pair weights[ROWS * KEYS / 2];
        multiply(q + first * pairs, k_tiles + block * pairs * KEYS, pairs, MAX_VECTORS, scores);
        for (int r = 0; r < ROWS; r++) {
            __m512 high = most[r];
            for (int j = 0; j < MAX_VECTORS; j++) {
                __m512i last = _mm512_set1_epi32((int)(first + r - block * KEYS - LANES * j));
                __mmask16 past = _mm512_cmple_epi32_mask(lanes, last);
                scores[r][j] = _mm512_mask_mul_ps(_mm512_set1_ps(-INFINITY), past, scores[r][j], scale);
                high = _mm512_max_ps(high, scores[r][j]);
            }
            high = _mm512_set1_ps(_mm512_reduce_max_ps(high));
            __m512 shrink = power_of_two(_mm512_sub_ps(most[r], high));
            most[r] = high;
            total[r] = _mm512_mul_ps(total[r], shrink);
            for (int j = 0; j < vectors; j++) sums[r][j] = _mm512_mul_ps(sums[r][j], shrink);
            for (int j = 0; j < MAX_VECTORS; j++) {
                __m512 y = power_of_two(_mm512_sub_ps(scores[r][j], high));
                total[r] = _mm512_add_ps(total[r], y);
                __m256i rounded = (__m256i)_mm512_cvtneps_pbh(y);
                _mm256_storeu_si256((__m256i *)(weights + r * KEYS / 2 + j * LANES / 2), rounded);
            }
        }
        multiply(weights, v_tiles + block * pairs * KEYS, KEYS / 2, vectors, sums);
    }
    for (int r = 0; r < ROWS; r++) {
        __m512 share = _mm512_set1_ps(1.0f / _mm512_reduce_add_ps(total[r]));
        for (int j = 0; j < vectors; j++)
            _mm256_storeu_si256((__m256i *)(out + (first + r) * width + j * LANES),
                                (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(sums[r][j], share)));
    }
}

INLINE void head(const pair *q, const pair *k_tiles, const pair *v_tiles, long tokens, int width, uint16_t *out) {
    for (long first = 0; first < tokens; first += ROWS) /* the last ones overlap */
        rows(q, k_tiles, v_tiles, first <= tokens - ROWS ? first : tokens - ROWS, width, out);
}

/* q and out [heads][tokens][width], k and v [kv_heads][tokens][width]: bf16, contiguous; tokens >= ROWS; width 16, 32,
   48 or 64. Returns 0 on success, 1 if memory runs out. */
int golfcheck_attention(const uint16_t *q, const uint16_t *k, const uint16_t *v, uint16_t *out, long heads,
                        long kv_heads, long tokens, long width) {
    long tiles = (tokens + KEYS - 1) / KEYS * KEYS * width / 2, size = tokens * width, group = heads / kv_heads;
    pair *k_tiles = aligned_alloc(64, 2 * tiles * sizeof(pair)), *v_tiles = k_tiles + tiles;
    if (k_tiles == NULL) return 1;
    for (long h = 0; h < heads; h++) {
        if (h % group == 0) pack(k + h / group * size, v + h / group * size, tokens, width, k_tiles, v_tiles);
        const pair *queries = (const pair *)(q + h * size);
        switch (width) { /* a constant width keeps every tile in registers */
            case 16: head(queries, k_tiles, v_tiles, tokens, 16, out + h * size); break;
            case 32: head(queries, k_tiles, v_tiles, tokens, 32, out + h * size); break;
            case 48: head(queries, k_tiles, v_tiles, tokens, 48, out + h * size); break;
            default: head(queries, k_tiles, v_tiles, tokens, 64, out + h * size);
        }
    }
    free(k_tiles);
    return 0;
}
