/* SPDX-License-Identifier: Apache-2.0
 *
 * The helper of a ring of packets: makes indexes of segments that are done, and cuts the flows of
 * alerts out, once what came after the alert is on disk, too.
 *
 * 1. It works on copies taken under the lock, and never holds the lock while it reads or writes.
 * 2. However many alerts there are, a walk through the segments is made once a second at most, for
 *    PACKETS_CUTS_AT_ONCE flows: so the work is bounded. Alerts past PACKETS_PENDING_MAX are
 * counted, and their packets are still in the ring. */
#include "daemon/packets.h"

#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "os/clock.h"
#include "os/thread.h"

enum { INDEXES_AT_ONCE = 16, SETTLE_MS = 1000 /* more than a packet waits for its worker */ };

/* --- indexes --- */

static size_t without_index(struct daemon_packets *p, uint64_t out[INDEXES_AT_ONCE])
{
	size_t n = 0;

	(void)pthread_mutex_lock(&p->lock); /* it is a plain one */
	for (size_t i = p->segment_count; n < INDEXES_AT_ONCE && i-- > 0;)
		if (p->segments[i].index_bytes == 0)
			out[n++] = p->segments[i].number;
	(void)pthread_mutex_unlock(&p->lock);
	return n;
}

static void index_all(struct daemon_packets *p)
{
	uint64_t numbers[INDEXES_AT_ONCE];
	size_t n = without_index(p, numbers);

	for (size_t i = 0; i < n; i++)
		daemon_packets_index(p, numbers[i]);
}

/* --- what was cut out --- */

/* "20261122T123456.789012Z-1234.pcapng": sorted by time. */
static bool name_write(struct wall_ns at, uint64_t flow, struct slice dir, char *out)
{
	char text[TIME_TEXT_MAX], plain[TIME_TEXT_MAX];
	struct slice t = time_format_rfc3339(at, text);
	size_t n = 0;
	int len;

	for (size_t i = 0; i < t.len; i++)
		if (t.ptr[i] != '-' && t.ptr[i] != ':')
			plain[n++] = (char)t.ptr[i];
	plain[n] = '\0';
	len = snprintf(out, OS_PATH_MAX, "%.*s/cuts/%s-%llu.pcapng", SLICE_ARG(dir), plain,
		       (unsigned long long)flow);
	return len > 0 && len < OS_PATH_MAX;
}

/* The time in such a name; false: it is none of ours. */
static bool name_time(struct slice name, struct wall_ns *out)
{
	struct slice rest = name, t = slice_split(&rest, '-');
	char text[TIME_TEXT_MAX];
	int n;

	if (t.len != 23 || t.ptr[22] != 'Z' || !slice_ends(rest, SLICE(".pcapng")))
		return false;
	n = snprintf(text, sizeof text, "%.4s-%.2s-%.5s:%.2s:%.10s", (const char *)t.ptr,
		     (const char *)t.ptr + 4, (const char *)t.ptr + 6, (const char *)t.ptr + 11,
		     (const char *)t.ptr + 13);
	return n > 0 && time_parse((struct slice){(const uint8_t *)text, (size_t)n}, out);
}

struct cut_file {
	struct slice path;
	struct wall_ns at;
	uint64_t bytes;
};

/* Those of cuts/, oldest first; what a process that was killed left goes. */
static enum status cuts_list(struct daemon_packets *p, struct arena *a, struct cut_file **out,
			     size_t *out_count, uint64_t *out_bytes, struct fail *why)
{
	struct slice dir = daemon_path(a, p->set.dir, SLICE("cuts")), *names;
	struct cut_file *files;
	size_t n, count = 0;
	enum status st = os_dir_list(dir, a, &names, &n, why);

	if (st != ST_OK)
		return st;
	files = ARENA_ARRAY(a, struct cut_file, n + 1);
	if (files == NULL)
		return fail_set(why, ST_NOMEM, "no memory to list what was cut out");
	*out_bytes = 0;
	for (size_t i = 0; i < n; i++) {
		struct cut_file f = {.path = daemon_path(a, dir, names[i])};

		if (slice_ends(names[i], SLICE(".pcapng.new")) &&
		    os_file_remove(p->disk, f.path, why) != ST_OK)
			return why->status;
		if (!name_time(names[i], &f.at) || os_file_size(f.path, &f.bytes, why) != ST_OK)
			continue;
		*out_bytes += f.bytes;
		files[count++] = f;
	}
	*out = files;
	*out_count = count;
	return ST_OK;
}

static enum status cuts_bound(struct daemon_packets *p, struct fail *why)
{
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena a = {.pool = &pool};
	struct wall_ns now = daemon_packets_clock(p);
	struct cut_file *files = NULL;
	uint64_t bytes = 0;
	size_t n = 0;
	enum status st = cuts_list(p, &a, &files, &n, &bytes, why);

	for (size_t i = 0; st == ST_OK && i < n; i++) {
		bool old = p->set.cuts_age_ns != 0 && files[i].at.ns <= now.ns - p->set.cuts_age_ns;

		if (!old && bytes <= p->set.cuts_bytes)
			break;
		st = os_file_remove(p->disk, files[i].path, why);
		bytes -= files[i].bytes;
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return st;
}

/* --- cutting --- */

/* Alerts whose packets are all on disk, oldest first; at the end all. */
static size_t due(struct daemon_packets *p, bool end, struct packets_pending *out)
{
	int64_t settle = p->patient ? 0 : SETTLE_MS * TIME_NS_PER_MS;
	int64_t now = atomic_load(&p->settled_ns) - settle;
	size_t n = 0, left = 0;

	(void)pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->pending_count; i++) {
		bool is_due = end || now > p->pending[i].due.ns;

		if (is_due && n < PACKETS_CUTS_AT_ONCE)
			out[n++] = p->pending[i];
		else
			p->pending[left++] = p->pending[i];
	}
	p->pending_count = left;
	(void)pthread_mutex_unlock(&p->lock);
	return n;
}

static void count_cuts(struct daemon_packets *p, const struct packets_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (jobs[i].packets != 0)
			atomic_fetch_add(&p->cuts, 1);
		else
			atomic_fetch_add(&p->cuts_skipped, 1); /* its packets are not there */
}

/* False: nothing was due. */
static bool cut(struct daemon_packets *p, bool end)
{
	struct arena_pool pool = {.budget = 64 << 20};
	struct arena a = {.pool = &pool};
	struct packets_pending alerts[PACKETS_CUTS_AT_ONCE];
	size_t n = due(p, end, alerts);
	struct packets_job *jobs = ARENA_ARRAY(&a, struct packets_job, n);
	struct fail why = {0};
	enum status st = ST_OK;

	for (size_t i = 0; jobs != NULL && i < n; i++) {
		char path[OS_PATH_MAX];

		jobs[i].query.flow = alerts[i].flow;
		jobs[i].query.from.ns = alerts[i].at.ns - p->set.before_ns;
		jobs[i].query.until = alerts[i].due;
		if (name_write(alerts[i].at, alerts[i].flow, p->set.dir, path))
			jobs[i].out = arena_copy(&a, slice_of(path));
		if (jobs[i].out.ptr == NULL)
			st = fail_set(&why, ST_NOMEM, "no memory to cut flows out");
	}
	if (st == ST_OK && jobs != NULL && n != 0)
		st = daemon_packets_cut_jobs(p->set.dir, p->disk, jobs, n, &why);
	if (jobs != NULL)
		count_cuts(p, jobs, n);
	if (st == ST_OK && n != 0)
		st = cuts_bound(p, &why);
	if (st != ST_OK) {
		(void)pthread_mutex_lock(&p->lock);
		daemon_packets_error(p, &why);
		(void)pthread_mutex_unlock(&p->lock);
	}
	arena_reset(&a);
	arena_pool_drain(&pool);
	return n != 0;
}

/* --- the thread --- */

static bool wait_a_moment(struct daemon_packets *p)
{
	bool stop;

	(void)pthread_mutex_lock(&p->lock);
	if (!p->help_stop)
		os_thread_wait(&p->work, &p->lock, TIME_NS_PER_S);
	stop = p->help_stop;
	(void)pthread_mutex_unlock(&p->lock);
	return stop;
}

void *daemon_packets_help(void *packets)
{
	struct daemon_packets *p = packets;
	struct mono_ns cut_at = {0}, bound_at = {0};
	struct fail why;
	bool stop;

	do {
		struct mono_ns now = os_clock_mono();

		stop = wait_a_moment(p);
		if (!atomic_load(&p->ready))
			continue;
		index_all(p);
		if (!stop && now.ns - cut_at.ns >= TIME_NS_PER_S) {
			(void)cut(p, false);
			cut_at = now;
		}
		if (now.ns - bound_at.ns >= 60 * TIME_NS_PER_S) {
			if (cuts_bound(p, &why) != ST_OK)
				atomic_fetch_add(&p->errors, 1);
			bound_at = now;
		}
	} while (!stop);
	while (cut(p, true))
		;
	return NULL;
}
