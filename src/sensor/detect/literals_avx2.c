/* SPDX-License-Identifier: Apache-2.0
 *
 * Eight windows, or 32 bytes, at once, with AVX2.
 *
 * 1. What is left at the end is copied and filled up with zeros. A window that reaches into these
 * is no window of a literal that ends within the bytes; detect_literals_compare() knows the bounds.
 */
#include <immintrin.h>

#include "sensor/detect/literals_priv.h"

enum { VECTOR = 32, STEP = VECTOR + 4 /* bytes that a step may read */ };

struct lanes { /* of an index, for all eight */
	__m256i low5;
	__m128i word, bit;
	const int *filter;
};

#define AVX2 __attribute__((target("avx2"))) static
#define AVX2_INLINE AVX2 inline __attribute__((always_inline))

AVX2_INLINE struct lanes lanes_of(const struct literal_index *x)
{
	return (struct lanes){.low5 = _mm256_set1_epi32(31),
			      .word = _mm_cvtsi32_si128(x->filter_shift),
			      .bit = _mm_cvtsi32_si128(x->filter_shift - 5),
			      .filter = (const void *)x->filter};
}

AVX2_INLINE __m256i fold8(__m256i v)
{
	return _mm256_or_si256(
		v, _mm256_and_si256(_mm256_srli_epi32(v, 1), _mm256_set1_epi32(0x20202020)));
}

/* literal_may_be(), one bit for each. */
AVX2_INLINE unsigned may_be8(const struct lanes *l, __m256i hash)
{
	__m256i words = _mm256_i32gather_epi32(l->filter, _mm256_srl_epi32(hash, l->word), 4);
	__m256i bits = _mm256_and_si256(_mm256_srl_epi32(hash, l->bit), l->low5);

	return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(_mm256_sllv_epi32(words, bits)));
}

/* --- tables --- */

/* The step, and what the literals that have windows in it may reach, is one byte repeated. No
 * literal of a table is. */
static bool in_run(const struct literal_look *k, size_t at)
{
	const uint8_t *p = k->bytes.ptr + at - LITERAL_BYTES_MAX;
	size_t n = LITERAL_BYTES_MAX + STEP + LITERAL_BYTES_MAX;

	return at >= LITERAL_BYTES_MAX && k->bytes.len - at + LITERAL_BYTES_MAX >= n &&
	       memcmp(p, p + 1, n - 1) == 0;
}

/* The windows of one step: 32 bytes from p, which is offset `at` of the bytes. */
AVX2_INLINE void step(const struct literal_look *k, const struct literal_table *t,
		      const struct lanes *l, const uint8_t *p, size_t at, size_t stride)
{
	__m256i multiplier = _mm256_set1_epi32((int)t->multiplier);

	for (size_t shift = 0; shift < 4; shift += stride) {
		__m256i v = fold8(_mm256_loadu_si256((const void *)(p + shift)));
		unsigned pass = may_be8(l, _mm256_mullo_epi32(v, multiplier));

		if (pass == 0xff && t->no_runs && in_run(k, at))
			return;
		while (__builtin_expect(pass != 0, 0)) {
			size_t i = shift + 4 * (size_t)__builtin_ctz(pass);
			uint32_t one = literal_fold(literal_load(p + i));

			pass &= pass - 1;
			detect_literals_windows(k, &t->index, one * t->multiplier, one & t->mask,
						at + i);
		}
	}
}

AVX2_INLINE void sweep(const struct literal_look *k, const struct literal_table *t, size_t n,
		       size_t stride)
{
	const struct lanes l = lanes_of(&t->index);
	uint8_t rest[STEP + VECTOR];
	size_t at = 0;

	for (; n - at >= STEP; at += VECTOR)
		step(k, t, &l, k->bytes.ptr + at, at, stride);
	if (n - at < t->width)
		return;
	memset(rest, 0, sizeof rest);
	memcpy(rest, k->bytes.ptr + at, n - at);
	step(k, t, &l, rest, at, stride);
	if (n - at > VECTOR)
		step(k, t, &l, rest + VECTOR, at + VECTOR, stride);
}

AVX2 void table_avx2(const struct literal_look *k, const struct literal_table *t, size_t n)
{
	switch (t->stride) {
	case 4:
		sweep(k, t, n, 4);
		break;
	case 2:
		sweep(k, t, n, 2);
		break;
	default:
		sweep(k, t, n, 1);
	}
}

/* --- few --- */

/* One bit for each of 32 starts from p. */
AVX2_INLINE unsigned starts32(const struct literal_few *f, const uint8_t *p)
{
	__m256i a = _mm256_loadu_si256((const void *)(p + f->at[0]));
	__m256i b = _mm256_loadu_si256((const void *)(p + f->at[1]));

	a = _mm256_or_si256(a, _mm256_set1_epi8((char)f->fold[0]));
	b = _mm256_or_si256(b, _mm256_set1_epi8((char)f->fold[1]));
	a = _mm256_cmpeq_epi8(a, _mm256_set1_epi8((char)f->value[0]));
	b = _mm256_cmpeq_epi8(b, _mm256_set1_epi8((char)f->value[1]));
	return (unsigned)_mm256_movemask_epi8(_mm256_and_si256(a, b));
}

/* True: it need not be looked for any more. */
AVX2_INLINE bool starts_ask(const struct literal_look *k, uint32_t literal, unsigned pass,
			    size_t at)
{
	for (; pass != 0; pass &= pass - 1)
		detect_literals_compare(k, literal, at + (size_t)__builtin_ctz(pass));
	return k->all[literal].once && k->seen->scan[literal] == k->seen->now;
}

AVX2 void few_avx2(const struct literal_look *k, const struct literal_few *f, size_t from, size_t n)
{
	const uint8_t *p = k->bytes.ptr;
	size_t at = from;
	uint8_t rest[3 * VECTOR];

	for (; n - at >= 2 * VECTOR; at += VECTOR) {
		unsigned pass = starts32(f, p + at);

		if (__builtin_expect(pass != 0, 0) && starts_ask(k, f->literal, pass, at))
			return;
	}
	memset(rest, 0, sizeof rest);
	memcpy(rest, p + at, n - at);
	for (size_t i = 0; i < n - at; i += VECTOR) {
		unsigned pass = starts32(f, rest + i);

		if (__builtin_expect(pass != 0, 0) && starts_ask(k, f->literal, pass, at + i))
			return;
	}
}

/* --- places --- */

AVX2 void places_avx2(const struct literal_look *k, const struct literal_places *p)
{
	const struct lanes l = lanes_of(&p->index);

	if (k->base != 0 || k->bytes.len < p->reach + 4) {
		detect_literals_plain.places(k, p);
		return;
	}
	for (uint32_t i = 0; i < p->count; i += 8) {
		__m256i at = _mm256_loadu_si256((const void *)&p->at[i]);
		__m256i v = fold8(_mm256_i32gather_epi32((const void *)k->bytes.ptr, at, 1));
		__m256i hash = _mm256_add_epi32(
			_mm256_mullo_epi32(v, _mm256_loadu_si256((const void *)&p->multiplier[i])),
			_mm256_loadu_si256((const void *)&p->salt[i]));
		unsigned pass = may_be8(&l, hash);

		if (p->count - i < 8) /* lanes without a place */
			pass &= (1U << (p->count - i)) - 1;
		for (; pass != 0; pass &= pass - 1) {
			uint32_t n = i + (uint32_t)__builtin_ctz(pass);
			uint32_t one = literal_fold(literal_load(k->bytes.ptr + p->at[n]));

			detect_literals_place(k, p, n, one);
		}
	}
}

/* --- runs --- */

AVX2 size_t run_avx2(struct slice bytes, size_t from)
{
	for (; from + VECTOR + 2 <= bytes.len; from += VECTOR) {
		__m256i a = _mm256_loadu_si256((const void *)(bytes.ptr + from));
		__m256i b = _mm256_loadu_si256((const void *)(bytes.ptr + from + 1));
		__m256i c = _mm256_loadu_si256((const void *)(bytes.ptr + from + 2));
		unsigned same = (unsigned)_mm256_movemask_epi8(
			_mm256_and_si256(_mm256_cmpeq_epi8(a, b), _mm256_cmpeq_epi8(a, c)));

		if (same != 0)
			return from + (size_t)__builtin_ctz(same);
	}
	return detect_literals_plain.run(bytes, from);
}

struct literal_lookers detect_literals_here(void)
{
	if (!__builtin_cpu_supports("avx2"))
		return detect_literals_plain;
	return (struct literal_lookers){table_avx2, few_avx2, places_avx2, run_avx2};
}
