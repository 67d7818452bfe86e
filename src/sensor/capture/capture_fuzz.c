/* SPDX-License-Identifier: Apache-2.0
 * Any bytes as a capture file: every packet lies within the file, progress never goes back, and an
 * error or the end repeats. */
#include "sensor/capture/capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice file = {data, size};
	static struct capture c;
	struct capture_packet p;
	struct fail why;
	enum status st = capture_open(&c, file, &why);
	uint64_t n = 0;
	size_t at;

	if (st != ST_OK)
		return 0;
	do {
		at = c.at;
		st = capture_next(&c, &p, &why);
		if (st != ST_OK)
			break;
		ASSERT(c.at > at && c.at <= size);
		ASSERT(p.data.len == 0 || (p.data.ptr >= data && p.data.len <= size &&
					   p.data.ptr + p.data.len <= data + size));
		ASSERT(p.wire_bytes >= p.data.len && p.number == ++n);
	} while (true);
	ASSERT(capture_next(&c, &p, &why) == st);
	return 0;
}
