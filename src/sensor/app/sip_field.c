/* SPDX-License-Identifier: Apache-2.0
 *
 * What rules ask of SIP and SDP (Suricata 8.0.6 rules/sip-keywords, rules/sdp-keywords), and EVE's
 * sip event.
 */
#include "base/json.h"
#include "sensor/app/sip_priv.h"

static const struct slice none = {NULL, 0};

static const struct sip_tx *of(struct app_tx *tx, enum app_dir dir)
{
	const struct sip_tx *m = tx->data;

	return m->dir == dir ? m : NULL;
}

static struct slice filled(struct slice s)
{
	return s.len != 0 ? s : none;
}

/* ---- rules ---- */

#define LINE(name, value)                                                                          \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct sip_tx *m = of(tx, dir);                                              \
                                                                                                   \
		return n == 0 && m != NULL ? filled(value) : none;                                 \
	}
LINE(method, m->method)
LINE(uri, m->uri)
LINE(request_line, m->request ? m->line : none)
LINE(protocol, m->protocol)
LINE(stat_code, m->code)
LINE(stat_msg, m->reason)
LINE(response_line, m->request ? none : m->line)

#define HEADER(name, header)                                                                       \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct sip_tx *m = of(tx, dir);                                              \
                                                                                                   \
		return m != NULL ? app_sip_header(m, header, n) : none;                            \
	}
HEADER(from, "from")
HEADER(to, "to")
HEADER(via, "via")
HEADER(user_agent, "user-agent")
HEADER(content_type, "content-type")
HEADER(content_length, "content-length")

#define SDP(name, value)                                                                           \
	static struct slice name(struct app_tx *tx, enum app_dir dir, unsigned n)                  \
	{                                                                                          \
		const struct sip_tx *m = of(tx, dir);                                              \
		const struct sip_sdp *s = m != NULL ? m->sdp : NULL;                               \
                                                                                                   \
		return s != NULL ? (value) : none;                                                 \
	}
#define ONE(text) (n == 0 ? filled(text) : none)
#define EACH(array, total, text) (n < (total) ? (array)[n] text : none)
SDP(sdp_origin, ONE(s->origin))
SDP(sdp_name, ONE(s->name))
SDP(sdp_info, ONE(s->info))
SDP(sdp_uri, ONE(s->uri))
SDP(sdp_email, ONE(s->email))
SDP(sdp_phone, ONE(s->phone))
SDP(sdp_connection, ONE(s->connection))
SDP(sdp_zone, ONE(s->zone))
SDP(sdp_key, ONE(s->key))
SDP(sdp_bandwidth, EACH(s->bandwidths.list, s->bandwidths.count, ))
SDP(sdp_attribute, EACH(s->attributes.list, s->attributes.count, ))
SDP(sdp_time, EACH(s->times, s->time_count, .time))
SDP(sdp_repeat, EACH(s->times, s->time_count, .repeat))
SDP(sdp_media, EACH(s->media, s->media_count, .media))
SDP(sdp_media_info, EACH(s->media, s->media_count, .info))
SDP(sdp_media_connection, EACH(s->media, s->media_count, .connection))
SDP(sdp_media_key, EACH(s->media, s->media_count, .key))

#define ROW(name, dirs, multi, get, doc)                                                           \
	{                                                                                          \
		(name), (dirs), 0, false, (multi), (get), (doc)                                    \
	}

const struct app_field app_sip_fields[] = {
	ROW("sip.method", 1, false, method, "The request's method."),
	ROW("sip.uri", 1, false, uri, "The request's URI."),
	ROW("sip.request_line", 1, false, request_line, "The request's first line."),
	ROW("sip.protocol", 3, false, protocol, "The protocol and its version."),
	ROW("sip.stat_code", 2, false, stat_code, "The response's status code."),
	ROW("sip.stat_msg", 2, false, stat_msg, "The response's reason."),
	ROW("sip.response_line", 2, false, response_line, "The response's first line."),
	ROW("sip.from", 3, true, from, "Each From header."),
	ROW("sip.to", 3, true, to, "Each To header."),
	ROW("sip.via", 3, true, via, "Each Via header."),
	ROW("sip.user_agent", 3, true, user_agent, "Each User-Agent header."),
	ROW("sip.content_type", 3, true, content_type, "Each Content-Type header."),
	ROW("sip.content_length", 3, true, content_length, "Each Content-Length header."),
	ROW("sdp.origin", 3, false, sdp_origin, "SDP o=, the originator."),
	ROW("sdp.session_name", 3, false, sdp_name, "SDP s=, the session's name."),
	ROW("sdp.session_info", 3, false, sdp_info, "SDP i= of the session."),
	ROW("sdp.uri", 3, false, sdp_uri, "SDP u=."),
	ROW("sdp.email", 3, false, sdp_email, "SDP e=."),
	ROW("sdp.phone_number", 3, false, sdp_phone, "SDP p=."),
	ROW("sdp.connection_data", 3, false, sdp_connection, "SDP c= of the session."),
	ROW("sdp.bandwidth", 3, true, sdp_bandwidth, "Each SDP b= of the session."),
	ROW("sdp.time", 3, true, sdp_time, "Each SDP t=."),
	ROW("sdp.repeat_time", 3, true, sdp_repeat, "Each SDP r=."),
	ROW("sdp.timezone", 3, false, sdp_zone, "SDP z=."),
	ROW("sdp.encryption_key", 3, false, sdp_key, "SDP k= of the session."),
	ROW("sdp.attribute", 3, true, sdp_attribute, "Each SDP a= of the session."),
	ROW("sdp.media.media", 3, true, sdp_media, "Each SDP m=."),
	ROW("sdp.media.media_info", 3, true, sdp_media_info, "Each SDP i= of a medium."),
	ROW("sdp.media.session_info", 3, true, sdp_media_info, "As sdp.media.media_info."),
	ROW("sdp.media.connection_data", 3, true, sdp_media_connection, "Each SDP c= of a medium."),
	ROW("sdp.media.encryption_key", 3, true, sdp_media_key, "Each SDP k= of a medium."),
	{0},
};

/* ---- the event ---- */

static void member(struct json *j, const char *key, struct slice s)
{
	if (s.ptr == NULL)
		return;
	json_key(j, key);
	json_str(j, s);
}

static void members(struct json *j, const char *key, const struct sip_texts *t)
{
	if (t->count == 0)
		return;
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < t->count; i++)
		json_str(j, t->list[i]);
	json_end(j);
}

static void log_media(struct json *j, const struct sip_sdp *s)
{
	if (s->media_count == 0)
		return;
	json_key(j, "media_descriptions");
	json_array(j);
	for (size_t i = 0; i < s->media_count; i++) {
		const struct sip_media *m = &s->media[i];

		json_object(j);
		member(j, "media", m->media);
		member(j, "media_info", m->info);
		members(j, "bandwidths", &m->bandwidths);
		member(j, "connection_data", m->connection);
		member(j, "encryption_key", m->key);
		members(j, "attributes", &m->attributes);
		json_end(j);
	}
	json_end(j);
}

static void log_sdp(struct json *j, const struct sip_sdp *s)
{
	json_key(j, "sdp");
	json_object(j);
	member(j, "origin", s->origin);
	member(j, "session_name", s->name);
	member(j, "session_info", s->info);
	member(j, "uri", s->uri);
	member(j, "email", s->email);
	member(j, "phone_number", s->phone);
	member(j, "connection_data", s->connection);
	members(j, "bandwidths", &s->bandwidths);
	json_key(j, "time_descriptions");
	json_array(j);
	for (size_t i = 0; i < s->time_count; i++) {
		json_object(j);
		member(j, "time", s->times[i].time);
		member(j, "repeat_time", s->times[i].repeat);
		json_end(j);
	}
	json_end(j);
	member(j, "timezone", s->zone);
	member(j, "encryption_key", s->key);
	members(j, "attributes", &s->attributes);
	log_media(j, s);
	json_end(j);
}

bool app_sip_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r)
{
	const struct sip_tx *m = tx->data;
	struct buf text = buf_in(scratch);
	struct json j = json_in(&text);

	if (n != 0 || m->line.ptr == NULL)
		return false;
	json_object(&j);
	if (m->request) {
		member(&j, "method", m->method);
		member(&j, "uri", m->uri);
		member(&j, "version", m->protocol);
		member(&j, "request_line", m->line);
	} else {
		member(&j, "version", m->protocol);
		member(&j, "code", m->code);
		member(&j, "reason", m->reason);
		member(&j, "response_line", m->line);
	}
	if (m->sdp != NULL)
		log_sdp(&j, m->sdp);
	json_end(&j);
	return !text.full && record_object(r, scratch, "sip", buf_slice(&text));
}
