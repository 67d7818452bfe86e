/* SPDX-License-Identifier: Apache-2.0
 * Every protocol of the table under floods: messages that never end, that come byte by byte, that
 * are asked and never answered. Grown from the fuzzer's seeds, so a parser is well inside a message
 * when it does not end; what a protocol has of its own to be hostile with comes after that. */
#include "sensor/app/app_flood.h"
#include "test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
enum { TRICKLE_UNITS_MOST = 500 }; /* its checks are blocks, too */
#else
enum { TRICKLE_UNITS_MOST = 400 }; /* basic blocks (meter.h) a byte, in packets of one byte */
#endif

enum {
	SEED_BYTES_MAX = 4096,
	TRICKLE_BYTES = 4096,	/* said byte by byte, behind a seed */
	FLOOD_BYTES = 96 << 10, /* said in full packets */
	MEMORY_MOST = 8 << 20,	/* of one flow: what is held, and APP_TXS_MAX transactions */
	FLOOD_UNITS_MOST = 250, /* a byte, in full packets */
	REPEATED = -1,
};

struct seed {
	uint8_t bytes[SEED_BYTES_MAX];
	struct app_says says[APP_CHECK_SAYS_MAX];
	size_t count;
};

/* After the first `at` messages of a seed and `eighths` of the next one: one byte again and again,
 * or (REPEATED) that next one. */
struct shape {
	size_t at, eighths, total, cut;
	int fill;
};

/* Not the seeds called talk: whole conversations, too many messages to flood with each. */
static bool seed_read(struct seed *s, const char *folder, const char *name)
{
	char path[1024];
	FILE *f;
	size_t n;

	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	f = name[0] == '.' || strncmp(name, "talk", 4) == 0 ? NULL : fopen(path, "rbe");
	if (f == NULL)
		return false;
	n = fread(s->bytes, 1, sizeof s->bytes, f);
	(void)fclose(f);
	s->count = app_check_says((struct slice){s->bytes, n}, s->says);
	return s->count != 0;
}

static struct slice filling(const struct shape *h, struct slice message, uint8_t *room, size_t most)
{
	size_t n = 0;

	if (h->fill != REPEATED) {
		memset(room, h->fill, most);
		return (struct slice){room, most};
	}
	for (; n + message.len <= most; n += message.len)
		memcpy(room + n, message.ptr, message.len);
	return (struct slice){room, n};
}

static void play(struct test *t, const struct app_protocol *p, uint8_t transport,
		 const struct seed *s, const struct shape *h)
{
	static uint8_t room[FLOOD_BYTES / 2];
	struct slice message = s->says[h->at].bytes, piece;
	enum app_dir dir = s->says[h->at].dir;
	struct app_flood m;
	uint64_t half;

	EXPECT(t, app_flood_open(&m, p, transport));
	for (size_t i = 0; i < h->at; i++)
		app_flood_say(&m, s->says[i].dir, s->says[i].bytes, FLOOD_PACKET);
	if (h->fill != REPEATED)
		app_flood_say(&m, dir, slice_part(message, 0, message.len * h->eighths / 8),
			      FLOOD_PACKET);
	piece = filling(h, message, room, transport == APP_UDP ? FLOOD_PACKET : h->total / 2);
	m.bytes = m.units = 0;
	while (m.bytes < h->total / 2)
		app_flood_say(&m, dir, slice_part(piece, 0, h->total / 2 - m.bytes), h->cut);
	half = m.units;
	while (m.bytes < h->total)
		app_flood_say(&m, dir, slice_part(piece, 0, h->total - m.bytes), h->cut);
	if (m.memory > MEMORY_MOST || m.txs > APP_TXS_MAX ||
	    m.units / m.bytes > (h->cut == 1 ? TRICKLE_UNITS_MOST : FLOOD_UNITS_MOST) ||
	    (h->cut == 1 && m.units - half > half + half / 3))
		test_fail(t, __FILE__, __LINE__,
			  "%s over %u: message %zu, %zu/8 of it, byte %d, cut %zu: %llu units for "
			  "%llu bytes, %llu for their first half; %zu bytes, %u transactions",
			  p->name, transport, h->at, h->eighths, h->fill, h->cut,
			  (unsigned long long)m.units, (unsigned long long)m.bytes,
			  (unsigned long long)half, m.memory, m.txs);
	app_flood_close(&m);
}

static void play_shapes(struct test *t, const struct app_protocol *p, uint8_t transport,
			const struct seed *s)
{
	static const int fills[] = {REPEATED, 0, 0xff, ' ', '\n'};

	for (size_t at = 0; at < s->count; at++)
		for (size_t i = 0; i < sizeof fills / sizeof fills[0]; i++)
			for (size_t eighths = 4; eighths <= 8;
			     eighths += fills[i] == REPEATED ? 8 : 4) {
				struct shape h = {at, eighths, FLOOD_BYTES, FLOOD_PACKET, fills[i]};

				play(t, p, transport, s, &h);
				h.total = TRICKLE_BYTES;
				h.cut = 1;
				if (transport == APP_TCP)
					play(t, p, transport, s, &h);
			}
}

static void every_protocol_stays_small_and_linear(struct test *t)
{
	const char *root = getenv("DEW_SOURCE_ROOT");
	static struct seed s;

	for (size_t i = 0; app_protocols[i] != NULL; i++) {
		const struct app_protocol *p = app_protocols[i];
		char folder[512];
		struct dirent **list;
		size_t seeds = 0;
		int n, head;

		head = snprintf(folder, sizeof folder, "%s/tests/corpus/app_", root ? root : ".");
		(void)snprintf(folder + head, sizeof folder - (size_t)head, "%s", p->name);
		for (char *c = folder + head; *c != '\0'; c++)
			*c = *c == '-' ? '_' : *c;
		n = scandir(folder, &list, NULL, alphasort);
		for (int k = 0; k < n; k++) {
			if (seed_read(&s, folder, list[k]->d_name)) {
				seeds++;
				for (uint8_t over = APP_TCP; over <= APP_UDP; over++)
					if ((p->transports & over) != 0)
						play_shapes(t, p, over, &s);
			}
			free(list[k]);
		}
		if (n >= 0)
			free(list);
		EXPECT(t, seeds != 0);
	}
}

TESTS(T(every_protocol_stays_small_and_linear))
