/* SPDX-License-Identifier: Apache-2.0
 * The compiler calls __sanitizer_cov_trace_pc() at each basic block (-fsanitize-coverage=trace-pc);
 * the linker sends libc's loops over memory through here (--wrap). */
#include "meter.h"

#include <string.h>

enum { UNIT_BYTES = 16 };

static uint64_t units;

uint64_t meter_units(void)
{
	return units;
}

void __sanitizer_cov_trace_pc(void);
void __sanitizer_cov_trace_pc(void)
{
	units++;
}

#define WRAP(type, name, decl, call, bytes)                                                        \
	type __real_##name decl;                                                                   \
	type __wrap_##name decl;                                                                   \
	type __wrap_##name decl                                                                    \
	{                                                                                          \
		units += (bytes) / UNIT_BYTES;                                                     \
		return __real_##name call;                                                         \
	}

WRAP(void *, memcpy, (void *to, const void *from, size_t n), (to, from, n), n)
WRAP(void *, memmove, (void *to, const void *from, size_t n), (to, from, n), n)
WRAP(void *, memset, (void *to, int c, size_t n), (to, c, n), n)
WRAP(int, memcmp, (const void *a, const void *b, size_t n), (a, b, n), n)

/* A search is charged for what it passed. */
void *__real_memchr(const void *p, int c, size_t n);
void *__wrap_memchr(const void *p, int c, size_t n);
void *__wrap_memchr(const void *p, int c, size_t n)
{
	void *at = __real_memchr(p, c, n);

	units += (at == NULL ? n : (size_t)((const char *)at - (const char *)p)) / UNIT_BYTES;
	return at;
}

void *__real_memmem(const void *p, size_t n, const void *what, size_t k);
void *__wrap_memmem(const void *p, size_t n, const void *what, size_t k);
void *__wrap_memmem(const void *p, size_t n, const void *what, size_t k)
{
	void *at = __real_memmem(p, n, what, k);

	units += (at == NULL ? n : (size_t)((const char *)at - (const char *)p)) / UNIT_BYTES;
	return at;
}
