/* SPDX-License-Identifier: Apache-2.0
 * Names of the DNS, as detectors see them. */
#include "base/text.h"
#include "sensor/anomaly/anomaly_priv.h"

/* The part of name before its last n labels, without the dot; empty if there is none. */
static struct slice before_labels(struct slice name, unsigned n)
{
	for (size_t i = name.len; i > 0; i--)
		if (name.ptr[i - 1] == '.' && --n == 0)
			return slice_part(name, 0, i - 1);
	return (struct slice){NULL, 0};
}

bool anomaly_name_split(struct slice name, struct slice *out_said, struct slice *out_domain)
{
	struct slice top, two, said;

	if (slice_ends(name, SLICE(".")))
		name.len--;
	said = before_labels(name, 2);
	two = said.len ? slice_from(name, said.len + 1) : name;
	top = before_labels(two, 1);
	if (top.len == 0 || said.len == 0)
		return false;
	if (top.len <= 3 && two.len - top.len == 3)
		said = before_labels(name, 3);
	if (said.len == 0)
		return false;
	*out_said = said;
	*out_domain = slice_from(name, said.len + 1);
	return !slice_equal_nocase(slice_from(two, top.len + 1), SLICE("arpa"));
}

uint64_t anomaly_name_hash(const struct anomaly_room *r, struct slice s)
{
	uint8_t folded[ANOMALY_NAME_MAX];

	s = slice_part(s, 0, sizeof folded);
	for (size_t i = 0; i < s.len; i++)
		folded[i] = text_lower(s.ptr[i]);
	return anomaly_hash(r, (struct slice){folded, s.len});
}

bool anomaly_name_domain(struct slice name, struct slice *out_domain)
{
	struct slice said, top;

	if (slice_ends(name, SLICE(".")))
		name.len--;
	if (anomaly_name_split(name, &said, out_domain))
		return true;
	top = before_labels(name, 1);
	*out_domain = name;
	return top.len != 0 && slice_find(top, SLICE(".")) == SIZE_MAX;
}

/* [before][next], in sixteenths of a bit; 26 stands for what is no letter */
static const uint8_t pairs[27][27] = {
#include "sensor/anomaly/pairs.inc"
};

static unsigned symbol(uint8_t c)
{
	return text_is_alpha(c) ? text_lower(c) - (unsigned)'a' : 26;
}

uint64_t anomaly_name_surprise(struct slice label)
{
	uint64_t sum = 0;

	if (label.len < 2)
		return 0;
	for (size_t i = 1; i < label.len; i++)
		sum += pairs[symbol(label.ptr[i - 1])][symbol(label.ptr[i])];
	return sum * 1000 / 16 / (label.len - 1);
}
