/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/guard_mark.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/text.h"
#include "os/clock.h"
#include "os/file.h"

enum {
	MARK_BYTES = 96, /* of the file: one line, with blanks before its end */
	EVERY_MS = 1000,
	NUMBERS = 4,
};

/* The next word between blanks; len 0: there is none. */
static struct slice word(struct slice *s)
{
	size_t from = 0, to;

	while (from < s->len && text_is_space(s->ptr[from]))
		from++;
	for (to = from; to < s->len && !text_is_space(s->ptr[to]); to++)
		;
	{
		struct slice w = slice_part(*s, from, to - from);

		*s = slice_from(*s, to);
		return w;
	}
}

bool daemon_mark_received(struct slice text, struct slice name, uint64_t *out)
{
	while (text.len != 0) {
		struct slice first = word(&text), rest = text;
		size_t n = name.len;

		/* "eth0:" and bytes, packets; in old kernels without a blank between */
		if (n == 0 || first.len <= n || first.ptr[n] != ':' ||
		    !slice_equal(slice_part(first, 0, n), name))
			continue;
		if (first.len == n + 1)
			(void)word(&rest); /* bytes */
		return text_u64(word(&rest), 0, UINT64_MAX, out);
	}
	return false;
}

bool daemon_mark_read(struct slice text, struct wall_ns now, uint64_t received,
		      struct pipeline_gap *out)
{
	uint64_t v[NUMBERS];

	for (size_t i = 0; i < NUMBERS; i++)
		if (!text_u64(word(&text), 0, INT64_MAX, &v[i]))
			return false;
	if (v[0] != 1 || v[2] > 1 || (int64_t)v[1] >= now.ns)
		return false;
	*out = (struct pipeline_gap){
		.from = {(int64_t)v[1]}, .to = now, .reason = v[2] == 1 ? "stopped" : "absent"};
	if (received != 0 && v[3] != 0 && received >= v[3]) { /* else it began anew meanwhile */
		out->packets = received - v[3];
		out->counter = "interfaces";
	}
	return true;
}

/* By all interfaces of bridges, and 1; 0: not known, or there are none. */
static uint64_t received(const struct live *l, const struct guard_mark *m)
{
	uint8_t text[4096]; /* more than that is not looked through */
	ssize_t n = m->dev >= 0 ? pread(m->dev, text, sizeof text, 0) : -1;
	uint64_t sum = 0, one;
	bool known = false;

	for (size_t i = 0; n > 0 && i < l->interface_count; i++)
		if (l->interfaces[i].kind == LIVE_BRIDGE &&
		    daemon_mark_received((struct slice){text, (size_t)n}, l->interfaces[i].name,
					 &one)) {
			sum += one;
			known = true;
		}
	return sum + known;
}

void daemon_mark_write(const struct live *l, struct guard_mark *m, bool ended)
{
	struct mono_ns now = os_clock_mono();
	char text[MARK_BYTES + 1];

	if (m->fd < 0 || (!ended && now.ns - m->written.ns < EVERY_MS * TIME_NS_PER_MS))
		return;
	m->written = now;
	(void)snprintf(text, sizeof text, "1 %lld %d %-60llu", (long long)os_clock_wall().ns, ended,
		       (unsigned long long)received(l, m));
	text[MARK_BYTES - 1] = '\n';
	/* a disk that is full has the old one: the gap is then told longer than it was */
	(void)!pwrite(m->fd, text, MARK_BYTES, 0);
}

static bool bridges(const struct live *l)
{
	for (size_t i = 0; i < l->interface_count; i++)
		if (l->interfaces[i].kind == LIVE_BRIDGE)
			return true;
	return false;
}

bool daemon_mark_open(struct live *l, struct guard_mark *m, struct pipeline_gap *out)
{
	struct slice dir = daemon_log_dir(l->o->config, l->o->dir);
	char *path = arena_copy_z(l->arena, daemon_path(l->arena, dir, SLICE("line.mark")));
	uint8_t text[MARK_BYTES];
	struct fail why;
	ssize_t n;

	m->fd = -1;
	m->dev = bridges(l) ? open("/proc/self/net/dev", O_RDONLY | O_CLOEXEC) : -1;
	if (os_dir_make(NULL, dir, NULL, &why) == ST_OK && path != NULL)
		m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (m->fd < 0) {
		daemon_live_say(l, "cannot write %s: a time without us will not be known",
				path != NULL ? path : "line.mark");
		return false;
	}
	n = pread(m->fd, text, sizeof text, 0);
	return n > 0 && daemon_mark_read((struct slice){text, (size_t)n}, os_clock_wall(),
					 received(l, m), out);
}
