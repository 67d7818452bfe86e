/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/fast.h"

#include <inttypes.h>

#include "base/addr.h"
#include "base/time.h"

/* "2026-11-22T03:04:05.678901+0000" -> "11/22/2026-03:04:05.678901" */
static void add_time(struct wall_ns at, struct buf *out)
{
	enum { YEAR = 4, DAY = 10, CLOCK = 11, END = 26 };
	char text[TIME_TEXT_MAX];
	struct slice s = time_format_eve(at, text);

	buf_add(out, slice_part(s, YEAR + 1, 2));
	buf_add_byte(out, '/');
	buf_add(out, slice_part(s, DAY - 2, 2));
	buf_add_byte(out, '/');
	buf_add(out, slice_part(s, 0, YEAR));
	buf_add_byte(out, '-');
	buf_add(out, slice_part(s, CLOCK, END - CLOCK));
}

static void add_end(const struct record *r, bool source, struct buf *out)
{
	char text[ADDR_TEXT_MAX];
	unsigned port = source ? r->sport : r->dport;

	if (r->has_icmp)
		port = source ? r->icmp_type : r->icmp_code;
	buf_add(out, addr_format_full(source ? &r->src : &r->dst, text));
	buf_add_fmt(out, ":%u", port);
}

void daemon_fast_line(const struct record *r, struct buf *out)
{
	const struct record_alert *a = &r->u.alert;
	char proto[4];

	add_time(r->at, out);
	buf_add_z(out, "  ");
	if (r->type.len != 0)
		buf_add_fmt(out, "[%.*s] ", SLICE_ARG(r->type));
	buf_add_fmt(out, "[**] [%" PRIu64 ":%" PRIu64 ":%" PRIu64 "] ", a->gid, a->sid, a->rev);
	buf_add(out, a->signature);
	buf_add_z(out, " [**] [Classification: ");
	buf_add(out, a->category.len != 0 ? a->category : SLICE("(null)"));
	buf_add_fmt(out, "] [Priority: %" PRIu64 "] {", a->severity);
	buf_add(out, r->src.family != 0 ? record_proto_name(r->proto, proto) : SLICE("PROTO:000"));
	buf_add_byte(out, '}');
	if (r->src.family == 0)
		return;
	buf_add_byte(out, ' ');
	add_end(r, true, out);
	buf_add_z(out, " -> ");
	add_end(r, false, out);
}
