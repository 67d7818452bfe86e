/* SPDX-License-Identifier: Apache-2.0
 * Decoding, flows and reassembly of capture files, against reading them with libpcap: the
 * goal is at most 3 times its time. Both read from memory, in one run, in turns; times are the
 * least of the rounds.
 *
 *   stream_bench capture... [rounds]
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sensor/decode/decode.h"
#include "sensor/stream/stream.h"

enum { FILES_MAX = 4096, FILE_MOST = 1 << 30 };

struct totals {
	uint64_t packets, bytes, flows, released, gaps, anomalies;
};

struct run {
	struct stream_sink sink;
	struct totals t;
};

static void on_data(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset,
		    struct slice bytes)
{
	((struct run *)ctx)->t.released += bytes.len;
}

static void on_gap(void *ctx, struct flow *f, enum flow_dir dir, uint64_t offset, uint64_t missing)
{
	((struct run *)ctx)->t.gaps += missing;
}

static void on_eof(void *ctx, struct flow *f, enum flow_dir dir)
{
}

static void on_ended(void *ctx, struct flow *f, enum flow_end why)
{
	for (int d = 0; d < 2; d++)
		stream_flush(f, (enum flow_dir)d, &((struct run *)ctx)->sink);
	stream_end(f);
}

struct frame {
	struct slice bytes;
	uint32_t wire_bytes, link;
	struct wall_ns at;
};

struct frames {
	struct frame *all;
	size_t count, room, bytes;
};

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* always there */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static pcap_t *reader(struct slice file)
{
	char why[PCAP_ERRBUF_SIZE];
	FILE *f = fmemopen((void *)(uintptr_t)file.ptr, file.len, "rb");
	pcap_t *p = f == NULL ? NULL
			      : pcap_fopen_offline_with_tstamp_precision(
					f, PCAP_TSTAMP_PRECISION_NANO, why);

	if (p == NULL && f != NULL)
		(void)fclose(f);
	return p;
}

/* What libpcap takes; with `out`, keeps what it gave. */
static double read_all(const struct slice *files, size_t n, struct frames *out)
{
	double start = now_s();

	for (size_t i = 0; i < n; i++) {
		pcap_t *p = reader(files[i]);
		struct pcap_pkthdr *h;
		const u_char *data;

		if (p == NULL)
			continue;
		while (pcap_next_ex(p, &h, &data) == 1) {
			uint8_t *copy;

			if (out == NULL)
				continue;
			if (out->count == out->room) {
				out->room = out->room ? out->room * 2 : 4096;
				out->all = realloc(out->all, out->room * sizeof *out->all);
			}
			copy = malloc(h->caplen + 1u);
			if (out->all == NULL || copy == NULL)
				exit(2);
			memcpy(copy, data, h->caplen);
			out->bytes += h->caplen;
			out->all[out->count++] = (struct frame){
				{copy, h->caplen},
				h->len,
				(uint32_t)pcap_datalink(p),
				{(int64_t)h->ts.tv_sec * TIME_NS_PER_S + h->ts.tv_usec}};
		}
		pcap_close(p);
	}
	return now_s() - start;
}

static double follow_all(struct arena_pool *pool, const struct frames *frames, bool flows,
			 bool streams, struct totals *out)
{
	struct arena process = {.pool = pool};
	struct run run = {.sink = {&run, on_data, on_gap, on_eof}};
	struct stream_config config = {.pool = pool};
	struct flow_limits table_limits = {.pool = pool};
	struct decode_worker *w = decode_worker_new(NULL, &process, pool);
	struct flow_table *table =
		flow_table_new(&process, &table_limits, (struct flow_sink){&run, on_ended});
	double start = now_s();

	if (w == NULL || table == NULL)
		exit(2);
	for (size_t i = 0; i < frames->count; i++) {
		const struct frame *f = &frames->all[i];
		enum flow_dir dir = FLOW_TO_SERVER;
		struct decode_input in = {f->link, f->bytes, f->wire_bytes, f->at, i + 1};
		const struct packet *p = decode_frame(w, &in)->list[0];
		struct stream_result result;
		struct flow *flow;

		run.t.packets++;
		run.t.bytes += f->bytes.len;
		if (!flows)
			continue;
		flow_table_expire(table, p->at);
		flow = flow_table_packet(table, p, &dir);
		if (streams && flow != NULL && p->proto == IP_PROTO_TCP) {
			stream_packet(&config, flow, p, dir, &run.sink, &result);
			run.t.anomalies += stream_events_any(&result.events);
		}
	}
	run.t.flows = flow_table_counters(table)->flows;
	flow_table_free(table);
	decode_worker_free(w);
	arena_reset(&process);
	start = now_s() - start;
	*out = run.t;
	return start;
}

static struct slice load(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes;
	long size;
	struct slice s = {NULL, 0};

	if (f == NULL)
		return s;
	(void)fseek(f, 0, SEEK_END); /* a failure shows in ftell */
	size = ftell(f);
	rewind(f);
	bytes = size > 0 && size < FILE_MOST ? malloc((size_t)size) : NULL;
	if (bytes != NULL)
		s = (struct slice){bytes, fread(bytes, 1, (size_t)size, f)};
	(void)fclose(f);
	return s;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

int main(int argc, char **argv)
{
	static struct slice files[FILES_MAX];
	struct arena_pool pool = {.budget = (size_t)1
					    << 32}; /* blocks are used again, as in life */
	struct frames frames = {0};
	struct totals t = {0};
	size_t n = 0;
	unsigned rounds = 10;
	double y = 1e9, decode = 1e9, flow = 1e9, stream = 1e9;

	for (int i = 1; i < argc && n < FILES_MAX; i++)
		if (argv[i][0] >= '0' && argv[i][0] <= '9')
			rounds = (unsigned)strtoul(argv[i], NULL, 10);
		else if ((files[n] = load(argv[i])).len > 0)
			n++;
	(void)read_all(files, n, &frames);
	if (frames.count == 0) {
		(void)fprintf(stderr, "stream_bench: no packets\n");
		return 2;
	}
	for (unsigned i = 0; i < rounds; i++) {
		y = least(y, read_all(files, n, NULL));
		decode = least(decode, follow_all(&pool, &frames, false, false, &t));
		flow = least(flow, follow_all(&pool, &frames, true, false, &t));
		stream = least(stream, follow_all(&pool, &frames, true, true, &t));
	}
	printf("packets %llu, bytes %llu, flows %llu, released %llu, missing %llu, odd packets "
	       "%llu\n",
	       (unsigned long long)t.packets, (unsigned long long)t.bytes,
	       (unsigned long long)t.flows, (unsigned long long)t.released,
	       (unsigned long long)t.gaps, (unsigned long long)t.anomalies);
	printf("ns a packet: libpcap %.1f; decode %.1f, + flow %.1f, + stream %.1f\n",
	       y / (double)t.packets * 1e9, decode / (double)t.packets * 1e9,
	       flow / (double)t.packets * 1e9, stream / (double)t.packets * 1e9);
	printf("ratio to reading with libpcap: %.2f\n", stream / y);
	return 0;
}
