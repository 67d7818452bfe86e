/* SPDX-License-Identifier: Apache-2.0
 *
 * 1. What the kernel lists is what holds: nothing is remembered here, so orders outlive us, and a
 *    new guardian finds them.
 * 2. A request comes from a process that reads strangers' packets: each is checked as if from one.
 */
#include "daemon/guard_orders.h"

#include <stdio.h>
#include <string.h>

#include "os/clock.h"
#include "os/nft.h"

enum { COMMANDS_MAX = 1 << 18 };

struct guard_orders {
	struct live *live;
	struct throttle_settings settings;
	struct os_nft *nft;  /* for commands; NULL: the kernel or we cannot */
	struct os_nft *list; /* for what is listed, as JSON */
	struct buf alive;    /* the commands of a sign of life; len 0: it is no bridge */
	bool deaf;	     /* it failed, which was said */
	struct mono_ns refreshed;
	uint32_t over[THROTTLE_ORDERS_MAX];
	struct throttle_order orders[THROTTLE_ORDERS_MAX];
	size_t count;
};

static const char *commands(const struct buf *b)
{
	return (const char *)b->ptr;
}

/* --- orders --- */

struct turn {
	struct arena_pool pool;
	struct arena arena;
};

static struct buf turn_begin(struct turn *t)
{
	*t = (struct turn){.pool = {.budget = COMMANDS_MAX}};
	t->arena.pool = &t->pool;
	return buf_in(&t->arena);
}

static enum status turn_end(struct turn *t, struct os_nft *n, const struct buf *b,
			    struct slice *out, struct fail *why)
{
	enum status st = b->full ? fail_set(why, ST_NOMEM, "no memory for commands")
				 : os_nft_run(n, commands(b), out, why);

	arena_reset(&t->arena);
	arena_pool_drain(&t->pool);
	return st;
}

/* What holds, into g->orders; what is over is taken away. */
static enum status look(struct guard_orders *g, struct fail *why)
{
	struct turn t;
	struct buf b = turn_begin(&t);
	struct slice listed;
	size_t over = 0;
	enum status st;

	daemon_throttle_list(&g->settings, &b);
	st = turn_end(&t, g->list, &b, &listed, why);
	g->count = 0;
	if (st == ST_NOTFOUND)
		return ST_OK; /* no table: there has never been an order */
	if (st != ST_OK)
		return st;
	g->count = daemon_throttle_read(listed, g->orders, g->over, &over);
	for (size_t i = 0; i < over; i++) {
		struct fail unused;

		b = turn_begin(&t);
		daemon_throttle_forget(&g->settings, g->over[i], &b);
		/* a chain that stays leads nowhere, and is taken away the next time */
		(void)turn_end(&t, g->nft, &b, NULL, &unused);
	}
	return ST_OK;
}

static enum status order_add(struct guard_orders *g, struct throttle_order *o, struct fail *why)
{
	struct turn t;
	struct buf b;
	enum status st = daemon_throttle_check(&g->settings, o, why);

	if (st == ST_OK)
		st = look(g, why);
	if (st == ST_OK && g->count == THROTTLE_ORDERS_MAX)
		st = fail_set(why, ST_LIMIT, "there are %d orders already", THROTTLE_ORDERS_MAX);
	if (st != ST_OK)
		return st;
	o->id = g->count != 0 ? g->orders[g->count - 1].id + 1 : 1;
	b = turn_begin(&t);
	daemon_throttle_table(&g->settings, &b);
	st = turn_end(&t, g->nft, &b, NULL, why);
	if (st != ST_OK)
		return st;
	b = turn_begin(&t);
	daemon_throttle_chain(&g->settings, o, &b);
	st = turn_end(&t, g->nft, &b, NULL, why);
	if (st != ST_OK)
		return st;
	b = turn_begin(&t);
	daemon_throttle_element(&g->settings, o, true, &b);
	st = turn_end(&t, g->nft, &b, NULL, why);
	if (st != ST_OK) {
		struct fail unused;

		(void)look(g, &unused); /* the chain goes */
		return fail_wrap(why, "%s (does another order hold there?)", o->target);
	}
	return ST_OK;
}

static enum status order_remove(struct guard_orders *g, uint32_t id, struct fail *why)
{
	enum status st = look(g, why);
	struct turn t;
	struct buf b;
	size_t i = 0;

	while (st == ST_OK && i < g->count && g->orders[i].id != id)
		i++;
	if (st == ST_OK && i == g->count)
		st = fail_set(why, ST_NOTFOUND, "there is no order %u, or it is over", id);
	if (st != ST_OK)
		return st;
	b = turn_begin(&t);
	daemon_throttle_element(&g->settings, &g->orders[i], false, &b);
	st = turn_end(&t, g->nft, &b, NULL, why);
	return st == ST_OK ? look(g, why) : st;
}

void daemon_orders_answer(struct guard_orders *g, struct throttle_request *r,
			  struct throttle_answer *out)
{
	struct fail why = {.status = ST_OK};
	enum status st;

	memset(out, 0, sizeof *out);
	if (g->nft == NULL) {
		st = fail_set(&why, ST_NOTFOUND, "this machine has no packet filter to ask");
	} else if (r->act == THROTTLE_ADD) {
		st = order_add(g, &r->order, &why);
		out->orders[0] = r->order;
		out->count = st == ST_OK;
	} else if (r->act == THROTTLE_REMOVE) {
		st = order_remove(g, r->order.id, &why);
	} else if (r->act == THROTTLE_LIST) {
		st = look(g, &why);
		memcpy(out->orders, g->orders, g->count * sizeof *g->orders);
		out->count = (uint32_t)g->count;
	} else {
		st = fail_set(&why, ST_INVALID, "not a request");
	}
	out->status = st;
	if (st != ST_OK)
		(void)snprintf(out->text, sizeof out->text, "%s", why.text);
}

/* --- a bridge that the kernel makes --- */

/* What comes in is for the other interface, unless somebody of us is there; then nobody else needs
 * to see it. (Packet sockets come before this hook.) */
static void bridge_commands(const struct throttle_settings *s, struct buf *out)
{
	buf_add_z(out,
		  "add table netdev dewline_bridge\n"
		  "delete table netdev dewline_bridge\n"
		  "add table netdev dewline_bridge\n"
		  "add set netdev dewline_bridge alive { type iface_index; flags timeout; }\n");
	for (size_t i = 0; i < s->device_count; i++)
		buf_add_fmt(out,
			    "add element netdev dewline_bridge alive { \"%.*s\" timeout 1s }\n"
			    "add chain netdev dewline_bridge in%zu { type filter hook ingress "
			    "device \"%.*s\" priority -500; policy accept; }\n"
			    "add rule netdev dewline_bridge in%zu meta iif @alive drop\n"
			    "add rule netdev dewline_bridge in%zu fwd to \"%.*s\"\n",
			    SLICE_ARG(s->devices[i]), i, SLICE_ARG(s->devices[i]), i, i,
			    SLICE_ARG(s->devices[i ^ 1])); /* they are in pairs */
	buf_add_byte(out, '\0');
}

static void alive_commands(const struct throttle_settings *s, struct buf *out)
{
	static const char *const acts[] = {"add", "delete",
					   "add"}; /* over; so that it begins anew */

	for (size_t k = 0; k < 3; k++) {
		buf_add_fmt(out, "%s element netdev dewline_bridge alive { ", acts[k]);
		for (size_t i = 0; i < s->device_count; i++) {
			buf_add_fmt(out, "%s\"%.*s\"", i == 0 ? "" : ", ",
				    SLICE_ARG(s->devices[i]));
			if (k != 1)
				buf_add_fmt(out, " timeout %dms", GUARD_ALIVE_MS);
		}
		buf_add_z(out, " }\n");
	}
	buf_add_byte(out, '\0');
}

void daemon_orders_alive(struct guard_orders *g)
{
	struct mono_ns now = os_clock_mono();
	struct fail why;

	if (g->alive.len == 0 || g->deaf ||
	    now.ns - g->refreshed.ns < GUARD_REFRESH_MS * TIME_NS_PER_MS)
		return;
	g->refreshed = now;
	if (os_nft_run(g->nft, commands(&g->alive), NULL, &why) == ST_OK)
		return;
	g->deaf = true;
	daemon_live_say(g->live, "%s: the kernel does not take over when nobody of us is left",
			why.text);
}

static void bridge_begin(struct guard_orders *g)
{
	struct turn t;
	struct buf b = turn_begin(&t);
	struct fail why;

	bridge_commands(&g->settings, &b);
	alive_commands(&g->settings, &g->alive);
	if (turn_end(&t, g->nft, &b, NULL, &why) == ST_OK && !g->alive.full)
		return;
	g->alive.len = 0;
	daemon_live_say(g->live, "%s: nobody takes over when nobody of us is left", why.text);
}

/* --- life --- */

static enum status devices(struct live *l, struct throttle_settings *s, struct fail *why)
{
	for (size_t i = 0; i < l->interface_count; i++) {
		const struct live_interface *f = &l->interfaces[i];

		if (f->kind != LIVE_BRIDGE || f->threads == 0)
			continue;
		if (s->device_count + 2 > THROTTLE_DEVICES_MAX)
			return fail_set(why, ST_LIMIT, "more than %d interfaces",
					THROTTLE_DEVICES_MAX);
		s->bridge = true;
		s->devices[s->device_count++] = f->name;
		s->devices[s->device_count++] = f->copy_to;
	}
	return ST_OK;
}

enum status daemon_orders_new(struct live *l, struct guard_orders **out, struct fail *why)
{
	struct guard_orders *g = ARENA_NEW(l->arena, struct guard_orders);
	enum status st;

	if (g == NULL)
		return fail_set(why, ST_NOMEM, "no memory for orders");
	g->live = l;
	g->alive = buf_in(l->arena);
	*out = g;
	st = devices(l, &g->settings, why);
	if (st == ST_OK)
		st = daemon_throttle_settings(l->o->config, l->arena, &g->settings, why);
	if (st != ST_OK)
		return st;
	if (os_nft_open(false, &g->nft, why) != ST_OK ||
	    os_nft_open(true, &g->list, why) != ST_OK) {
		daemon_live_say(l, "%s; going on without", why->text);
		daemon_orders_close(g);
		return ST_OK;
	}
	if (g->settings.bridge)
		bridge_begin(g);
	return ST_OK;
}

void daemon_orders_close(struct guard_orders *g)
{
	if (g == NULL)
		return;
	os_nft_close(g->nft);
	os_nft_close(g->list);
	g->nft = g->list = NULL;
}
