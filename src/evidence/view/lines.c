/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "evidence/view/view_priv.h"

bool view_number_line(struct slice line, struct slice word, uint64_t *out)
{
	struct slice n = slice_from(line, word.len + 1);

	return slice_starts(line, word) && line.len > word.len && line.ptr[word.len] == ' ' &&
	       n.len > 0 && text_is_digit(n.ptr[0]) && (n.ptr[0] != '0' || n.len == 1) &&
	       text_u64(n, 0, INT64_MAX, out);
}

enum status view_hashes_take(struct slice *rest, size_t most, struct arena *a,
			     const uint8_t (**out)[MERKLE_BYTES], size_t *out_count,
			     struct fail *why)
{
	uint8_t(*hashes)[MERKLE_BYTES] = arena_alloc(a, MERKLE_BYTES, 1, most);
	size_t n = 0;

	if (hashes == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a proof");
	while (rest->ptr != NULL) {
		struct slice line = slice_split(rest, '\n');
		size_t len;

		if (line.len == 0) {
			*out = (const uint8_t(*)[MERKLE_BYTES])hashes;
			*out_count = n;
			return ST_OK;
		}
		if (n == most)
			return fail_set(why, ST_INVALID, "a proof of more than %zu hashes", most);
		if (!crypto_base64_parse(CRYPTO_BASE64, line, MERKLE_BYTES, hashes[n], &len) ||
		    len != MERKLE_BYTES)
			return fail_set(why, ST_INVALID,
					"line %zu of the proof is no base64 of %d bytes", n + 1,
					MERKLE_BYTES);
		n++;
	}
	return fail_set(why, ST_INVALID, "the proof does not end in an empty line");
}

void view_hashes_add(const uint8_t (*hashes)[MERKLE_BYTES], size_t count, struct buf *out)
{
	for (size_t i = 0; i < count; i++) {
		crypto_base64_add(CRYPTO_BASE64, (struct slice){hashes[i], MERKLE_BYTES}, out);
		buf_add_byte(out, '\n');
	}
}
