/* SPDX-License-Identifier: Apache-2.0
 * What all sources have. */
#include "sensor/source/source.h"

enum status source_start(struct source *s, struct fail *why)
{
	return s->ops->start != NULL ? s->ops->start(s, why) : ST_OK;
}

enum status source_take(struct source *s, int timeout_ms, struct source_batch *out,
			struct fail *why)
{
	enum status st;

	*out = (struct source_batch){0};
	st = s->ops->take(s, timeout_ms, out, why);
	s->counters.taken += out->count;
	return st;
}

void source_count(struct source *s)
{
	if (s->ops->count != NULL)
		s->ops->count(s);
}

void source_wake(struct source *s)
{
	if (s->ops->wake != NULL)
		s->ops->wake(s);
}

void source_close(struct source *s)
{
	if (s != NULL)
		s->ops->close(s);
}
