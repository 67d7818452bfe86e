/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptions of sessions: RFC 4566 5. Lines of one letter, "=" and a value, in a fixed order; a
 * line that stands elsewhere than it may ends the reading, as in Suricata.
 */
#include "sensor/app/sip_priv.h"

struct sdp_reader {
	struct slice rest;
	struct arena *arena;
	bool bad;
};

/* The value of the next line if it is of that kind. False: it is not. */
static bool line(struct sdp_reader *r, char kind, struct slice *out)
{
	size_t end = slice_find(r->rest, SLICE("\n"));
	struct slice s = slice_part(r->rest, 0, end);

	if (s.len < 2 || s.ptr[0] != (uint8_t)kind || s.ptr[1] != '=')
		return false;
	r->rest = slice_from(r->rest, end == SIZE_MAX ? r->rest.len : end + 1);
	if (slice_ends(s, SLICE("\r")))
		s.len--;
	*out = slice_from(s, 2);
	return true;
}

static void lines(struct sdp_reader *r, char kind, struct sip_texts *out)
{
	struct slice s;

	while (line(r, kind, &s))
		if (out->count == SIP_SDP_LISTS_MAX ||
		    !ARENA_PUSH(r->arena, out->list, out->count, out->room, s))
			r->bad = r->bad || r->arena->exhausted;
}

static void times(struct sdp_reader *r, struct sip_sdp *out)
{
	struct sip_time t = {0};

	while (line(r, 't', &t.time)) {
		(void)line(r, 'r', &t.repeat);
		if (out->time_count < SIP_SDP_LISTS_MAX)
			(void)ARENA_PUSH(r->arena, out->times, out->time_count, out->time_room, t);
		t = (struct sip_time){0};
	}
}

static void media(struct sdp_reader *r, struct sip_sdp *out)
{
	struct sip_media m = {0};

	while (out->media_count < SIP_SDP_LISTS_MAX && line(r, 'm', &m.media)) {
		(void)line(r, 'i', &m.info);
		(void)line(r, 'c', &m.connection);
		lines(r, 'b', &m.bandwidths);
		(void)line(r, 'k', &m.key);
		lines(r, 'a', &m.attributes);
		(void)ARENA_PUSH(r->arena, out->media, out->media_count, out->media_room, m);
		m = (struct sip_media){0};
	}
}

struct sip_sdp *app_sip_sdp_parse(struct arena *a, struct slice body)
{
	struct sdp_reader r = {.rest = body, .arena = a};
	struct slice version;
	struct sip_sdp *s;

	if (!line(&r, 'v', &version) || !slice_equal(version, SLICE("0")))
		return NULL;
	s = ARENA_NEW(a, struct sip_sdp);
	if (s == NULL || !line(&r, 'o', &s->origin) || !line(&r, 's', &s->name))
		return NULL;
	(void)line(&r, 'i', &s->info);
	(void)line(&r, 'u', &s->uri);
	(void)line(&r, 'e', &s->email);
	(void)line(&r, 'p', &s->phone);
	(void)line(&r, 'c', &s->connection);
	lines(&r, 'b', &s->bandwidths);
	times(&r, s);
	if (s->time_count == 0)
		return NULL;
	(void)line(&r, 'z', &s->zone);
	(void)line(&r, 'k', &s->key);
	lines(&r, 'a', &s->attributes);
	media(&r, s);
	return s;
}
