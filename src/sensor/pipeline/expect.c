/* SPDX-License-Identifier: Apache-2.0
 *
 * Flows that another flow announced (FTP's data connections). The table is made with the first
 * announcement; when it is full the oldest makes room.
 *
 * An announced flow is one between the same two hosts, in either direction, to the announced port,
 * within EXPECT_SECONDS.
 */
#include "sensor/pipeline/pipeline_priv.h"

enum { EXPECT_MAX = 256, EXPECT_SECONDS = 30 /* Suricata's */ };

struct pipeline_expects {
	struct expect {
		struct addr a, b;
		struct wall_ns at;
		uint64_t flow; /* who announced it */
		bool used;
		struct app_expected what;
	} items[EXPECT_MAX];
	size_t next; /* the oldest, which is overwritten */
};

void pipeline_expect_take(struct pipeline *p, struct flow *f)
{
	struct app_expects *from = f->app->expects;

	if (from == NULL || from->count == 0)
		return;
	if (p->expects == NULL)
		p->expects = ARENA_NEW(&p->fixed, struct pipeline_expects);
	for (uint32_t i = 0; p->expects != NULL && i < from->count; i++) {
		struct expect *e = &p->expects->items[p->expects->next++ % EXPECT_MAX];

		*e = (struct expect){.a = f->client,
				     .b = f->server,
				     .at = f->last,
				     .flow = f->id,
				     .used = true,
				     .what = from->items[i]};
	}
	from->count = 0;
}

void pipeline_expect_begin(struct pipeline *p, struct flow *f)
{
	for (size_t i = 0; p->expects != NULL && i < EXPECT_MAX; i++) {
		struct expect *e = &p->expects->items[i];
		bool same = (addr_equal(&e->a, &f->client) && addr_equal(&e->b, &f->server)) ||
			    (addr_equal(&e->b, &f->client) && addr_equal(&e->a, &f->server));

		if (!e->used || !same || e->what.port != f->server_port)
			continue;
		e->used = false;
		if (f->first.ns - e->at.ns > EXPECT_SECONDS * TIME_NS_PER_S)
			continue;
		f->parent = e->flow;
		app_begin(f->app, &e->what);
		return;
	}
}
