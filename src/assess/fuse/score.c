/* SPDX-License-Identifier: Apache-2.0 */
#include "assess/fuse/score.h"

void fuse_score_add(struct fuse_score *s, const int32_t *milli, size_t n, size_t truth)
{
	struct fuse_bin *bin;
	size_t top = 0;

	for (size_t i = 0; i < n; i++) {
		int64_t miss = milli[i] - (i == truth ? CLAIM_CERTAIN : 0);

		s->brier += (uint64_t)(miss * miss);
		top = milli[i] > milli[top] ? i : top;
	}
	bin = &s->bins[milli[top] >= CLAIM_CERTAIN ? FUSE_BINS - 1
						   : milli[top] * FUSE_BINS / CLAIM_CERTAIN];
	bin->cases++;
	bin->right += top == truth;
	bin->claimed += (uint64_t)(uint32_t)milli[top];
	s->cases++;
	s->right += top == truth;
	s->sure += milli[top] >= FUSE_SURE;
	s->sure_wrong += milli[top] >= FUSE_SURE && top != truth;
}

int32_t fuse_score_brier(const struct fuse_score *s)
{
	return s->cases == 0 ? 0 : (int32_t)(s->brier / s->cases);
}

int32_t fuse_score_ece(const struct fuse_score *s)
{
	uint64_t off = 0;

	for (size_t b = 0; b < FUSE_BINS; b++) {
		uint64_t right = s->bins[b].right * CLAIM_CERTAIN;

		off += right > s->bins[b].claimed ? right - s->bins[b].claimed
						  : s->bins[b].claimed - right;
	}
	return s->cases == 0 ? 0 : (int32_t)((off + s->cases / 2) / s->cases);
}

static uint64_t root(unsigned __int128 v)
{
	uint64_t low = 0, high = UINT64_C(1) << 62;

	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;

		if ((unsigned __int128)mid * mid <= v)
			low = mid;
		else
			high = mid;
	}
	return low;
}

/* (2 r + z^2 -+ z sqrt(z^2 + 4 r (n - r) / n)) / (2 (n + z^2)), in millionths; z = 1.96. */
struct interval fuse_wilson(uint64_t right, uint64_t cases)
{
	const uint64_t z = 1960000, one = 1000000, zz = 3841600;
	unsigned __int128 under, mid, reach, all;

	if (cases == 0)
		return INTERVAL_UNKNOWN;
	under = (unsigned __int128)zz * one +
		(unsigned __int128)4 * right * (cases - right) * one * one / cases;
	reach = (unsigned __int128)z * root(under) / one;
	mid = (unsigned __int128)2 * right * one + zz;
	all = 2 * ((unsigned __int128)cases * one + zz);
	return (struct interval){
		mid < reach ? 0 : (int32_t)((mid - reach) * CLAIM_CERTAIN / all),
		mid + reach > all ? CLAIM_CERTAIN : (int32_t)((mid + reach) * CLAIM_CERTAIN / all)};
}
