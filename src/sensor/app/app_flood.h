/* SPDX-License-Identifier: Apache-2.0
 *
 * A peer that sends as much as it can and finishes nothing; shared by the flood tests, which are
 * built with tests/harness/meter.h.
 *
 * What must hold, whatever it sends and however it is cut:
 *  - the flow's memory, its transactions and its frames stay below a limit;
 *  - work is linear in bytes: the second half of a flood costs about what the first half did. What
 *    is read again from its beginning with every new byte would cost three times as much.
 */
#ifndef DEW_SENSOR_APP_FLOOD_H
#define DEW_SENSOR_APP_FLOOD_H

#include "meter.h"
#include "sensor/app/app_check.h"

enum { FLOOD_PACKET = 1448 }; /* bytes of a full TCP segment */

struct app_flood {
	struct app_talk talk;
	uint64_t bytes, units; /* said so far, and what that cost */
	uint64_t packets;
	uint64_t worst; /* units of the dearest packet */
	size_t memory;	/* most that was out at once */
	uint32_t txs;	/* most that were open at once */
};

static inline bool app_flood_open(struct app_flood *m, const struct app_protocol *p,
				  uint8_t transport)
{
	*m = (struct app_flood){0};
	return app_talk_open(&m->talk, transport, p->ports != NULL ? p->ports[0] : 0, 0);
}

/* Rules and the log are through with the frames, as they are after each packet. */
static inline void app_flood_frames_done(struct app_flow *f)
{
	for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		for (uint32_t i = 0; f->frames[d] != NULL && i < f->frames[d]->count; i++) {
			f->frames[d]->items[i].logged = true;
			f->frames[d]->items[i].seen = f->consumed[d] + app_held_bytes(f, d);
		}
}

/* One packet, and what the worker does behind each. */
static inline void app_flood_packet(struct app_flood *m, enum app_dir dir, struct slice bytes)
{
	struct app_flow *f = m->talk.f;
	uint64_t before = meter_units(), cost;

	app_data(f, dir, bytes);
	if (f->protocol != NULL)
		app_tx_sweep(f, app_check_swept);
	cost = meter_units() - before;
	app_flood_frames_done(f);
	m->units += cost;
	m->bytes += bytes.len;
	m->packets++;
	if (m->worst < cost)
		m->worst = cost;
	if (m->memory < m->talk.pool.out)
		m->memory = m->talk.pool.out;
	if (m->txs < f->open_txs)
		m->txs = f->open_txs;
}

/* Bytes in packets of at most `cut`; a datagram is never cut. */
static inline void app_flood_say(struct app_flood *m, enum app_dir dir, struct slice bytes,
				 size_t cut)
{
	if (m->talk.f->transport == APP_UDP)
		cut = bytes.len;
	for (size_t at = 0; at < bytes.len; at += cut)
		app_flood_packet(m, dir, slice_part(bytes, at, cut));
}

static inline void app_flood_close(struct app_flood *m)
{
	if (m->talk.f != NULL)
		app_talk_eof(&m->talk);
	app_talk_close(&m->talk);
}

#endif
