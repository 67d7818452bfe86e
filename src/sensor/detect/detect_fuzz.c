/* SPDX-License-Identifier: Apache-2.0
 * Rules up to the first line that is "--", then what a client and a server say by turns, each part
 * ended by NUL NUL. Nothing may crash, and every byte of memory comes back. */
#include "sensor/detect/detect_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = {data, size};
	size_t cut = slice_find(all, SLICE("\n--\n"));
	struct slice rules = slice_part(all, 0, cut == SIZE_MAX ? size : cut + 1);
	struct slice rest = cut == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(all, cut + 4);
	enum flow_dir dir = FLOW_TO_SERVER;
	struct fixture x;

	if (!fixture_rules(&x, rules, 0)) {
		fixture_done(&x);
		return 0;
	}
	fixture_flow(&x, size % 2 == 0 ? IP_PROTO_TCP : IP_PROTO_UDP, 80);
	fixture_app(&x, size % 2 == 0 ? APP_TCP : APP_UDP);
	if (size % 2 == 0)
		fixture_handshake(&x);
	while (rest.len != 0) {
		size_t end = slice_find(rest, SLICE("\0\0"));
		struct slice part = slice_part(rest, 0, end);

		rest = end == SIZE_MAX ? (struct slice){NULL, 0} : slice_from(rest, end + 2);
		part = slice_part(part, 0, 1400);
		if (size % 2 == 0)
			fixture_say(&x, dir, part);
		else
			fixture_datagram(&x, dir, part);
		dir = dir == FLOW_TO_SERVER ? FLOW_TO_CLIENT : FLOW_TO_SERVER;
	}
	fixture_done(&x);
	ASSERT(x.pool.out == 0 && x.fixed.out == 0);
	return 0;
}
