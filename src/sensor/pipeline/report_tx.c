/* SPDX-License-Identifier: Apache-2.0
 * Events of transactions ("http", "dns", "smtp", ...), and their objects in alerts. */
#include "sensor/pipeline/report_priv.h"

#include "base/addr.h"
#include "crypto/crypto.h"

/* ---- a transaction's event as objects of another event ---- */

/* The fields of group `name`, which follow one another from i on, as one object. Returns the index
 * behind them. */
static size_t add_group(struct pipeline *p, const struct record_field *fields, size_t i, size_t n)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);
	struct slice group = fields[i].group;

	json_object(&j);
	for (; i < n && slice_equal(fields[i].group, group); i++) {
		json_key_slice(&j, fields[i].name);
		json_raw(&j, fields[i].json);
	}
	json_end(&j);
	if (b.full || !record_more(&p->record, &p->scratch, SLICE(""), group, buf_slice(&b)))
		p->counters.no_memory++;
	return i;
}

static void add_objects(struct pipeline *p, const struct record *said)
{
	struct record_field *fields =
		ARENA_ARRAY(&p->scratch, struct record_field, RECORD_FIELDS_MAX);
	size_t n = fields != NULL ? record_fields(said, &p->scratch, fields) : 0;

	for (size_t i = 0; i < n;)
		if (fields[i].group.len != 0)
			i = add_group(p, fields, i, n);
		else
			i++;
	for (size_t i = 0; i < said->mores; i++)
		if (said->more[i].group.len == 0)
			(void)record_more(&p->record, &p->scratch, SLICE(""), said->more[i].name,
					  said->more[i].json);
}

/* A body as a member of "http", as the alerts of an output want it. */
static void add_body(struct pipeline *p, struct record *said, uint32_t with, struct slice bytes,
		     const char *name)
{
	struct buf coded = buf_in(&p->scratch), text = buf_in(&p->scratch);
	struct buf b64 = buf_in(&p->scratch), key = buf_in(&p->scratch);
	struct json j = json_in(&b64), t = json_in(&text);

	if (bytes.len == 0)
		return;
	crypto_base64_add(CRYPTO_BASE64, bytes, &coded);
	json_str(&j, buf_slice(&coded));
	json_str(&t, report_printable(p, bytes));
	buf_add_fmt(&key, "%s_printable", name);
	if (coded.full || b64.full || text.full || key.full ||
	    ((with & REPORT_WITH_BODY) != 0 &&
	     !record_more(said, &p->scratch, SLICE("http"), slice_of(name), buf_slice(&b64))) ||
	    ((with & REPORT_WITH_BODY_TEXT) != 0 &&
	     !record_more(said, &p->scratch, SLICE("http"), buf_slice(&key), buf_slice(&text))))
		p->counters.no_memory++;
}

static void add_bodies(struct pipeline *p, struct record *said, uint32_t with, struct app_tx *tx)
{
	static const struct {
		const char *field, *name;
		enum app_dir dir;
	} bodies[] = {
		{"http.request_body", "http_request_body", APP_TO_SERVER},
		{"http.response_body", "http_response_body", APP_TO_CLIENT},
	};

	if (said->kind != RECORD_HTTP || (with & (REPORT_WITH_BODY | REPORT_WITH_BODY_TEXT)) == 0)
		return;
	for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
		const struct app_protocol *whose;
		const struct app_field *field = app_field_find(slice_of(bodies[i].field), &whose);

		if (field != NULL)
			add_body(p, said, with, field->get(tx, bodies[i].dir, 0), bodies[i].name);
	}
}

bool report_add_tx(struct pipeline *p, const struct report_output *o, struct flow *f,
		   struct app_tx *tx)
{
	const struct app_protocol *protocol = f->app->protocol;
	struct record *said = ARENA_NEW(&p->scratch, struct record);

	if (said == NULL || protocol == NULL || protocol->log == NULL)
		return false;
	if (o != NULL)
		said->making.asked = o->settings->alert_how[app_protocol_index(protocol)];
	if (!protocol->log(tx, 0, &p->scratch, said))
		return false;
	if (o != NULL)
		add_bodies(p, said, o->settings->alert, tx);
	add_objects(p, said);
	return true;
}

/* ---- the transaction's own event ---- */

static bool is_ready(const struct app_flow *f, const struct app_tx *tx)
{
	const struct app_protocol *protocol = f->protocol;

	if (protocol->ready != NULL && protocol->ready(f, tx))
		return true;
	return tx->progress[APP_TO_SERVER] >= protocol->complete[APP_TO_SERVER] &&
	       tx->progress[APP_TO_CLIENT] >= protocol->complete[APP_TO_CLIENT];
}

static void add_http_xff(struct pipeline *p, const struct report_output *o, struct record *r,
			 struct flow *f, struct app_tx *tx)
{
	const struct report_xff_settings *x = &o->settings->xff;
	struct slice who;
	struct addr addr;

	if (r->kind != RECORD_HTTP || x->mode == REPORT_XFF_OFF)
		return;
	who = report_xff(x, f, tx);
	if (who.len == 0)
		return;
	if (x->mode == REPORT_XFF_EXTRA)
		report_add_text(p, "", "xff", who);
	else if (addr_parse(who, &addr))
		*(p->packet_dir == FLOW_TO_SERVER ? &r->src : &r->dst) = addr;
}

/* Whose words the transaction is; the packet's way if it has both sides'. */
static enum flow_dir way_of(const struct pipeline *p, const struct app_tx *tx)
{
	if (tx->dirs == 1U << FLOW_TO_SERVER)
		return FLOW_TO_SERVER;
	return tx->dirs == 1U << FLOW_TO_CLIENT ? FLOW_TO_CLIENT : p->packet_dir;
}

/* Event number n of the transaction for one output; false: the protocol has no more. */
static bool say_tx(struct pipeline *p, const struct report_output *o, struct flow *f,
		   struct app_tx *tx, unsigned n)
{
	const struct app_protocol *protocol = f->app->protocol;
	struct record *said = ARENA_NEW(&p->scratch, struct record), *r;
	bool evidence = o->settings->evidence;

	if (said == NULL)
		return false;
	said->making.judged = evidence;
	said->making.asked = o->settings->how[app_protocol_index(protocol)];
	if (!protocol->log(tx, n, &p->scratch, said))
		return false;
	if (said->kind == RECORD_NONE || (evidence && said->kind == RECORD_OBJECT)) {
		arena_reset(&p->scratch);
		return true;
	}
	r = report_of_flow(p, o, said->kind, f,
			   said->making.of_packet && !evidence ? way_of(p, tx) : FLOW_TO_SERVER);
	r->type = said->type;
	r->u = said->u;
	for (size_t i = 0; !evidence && i < said->mores; i++)
		(void)record_more(r, &p->scratch, said->more[i].group, said->more[i].name,
				  said->more[i].json);
	if (!evidence && said->kind == RECORD_TLS && f->app->before != NULL)
		report_add_z(p, "tls", "from_proto", f->app->before->name);
	if (!evidence && said->making.with_tx_id)
		report_add_u64(p, "", "tx_id", tx->id);
	if (!evidence)
		add_http_xff(p, o, r, f, tx);
	report_emit(p, o, r);
	return true;
}

/* What detectors of behaviour hear, whatever is written. */
static void tell_detectors(struct pipeline *p, struct flow *f, struct app_tx *tx)
{
	struct record *r = &p->record;

	for (unsigned n = 0;; n++) {
		*r = (struct record){.at = p->in_packet ? p->packet.at : f->last,
				     .flow_id = f->id,
				     .src = f->client,
				     .dst = f->server,
				     .sport = f->client_port,
				     .dport = f->server_port,
				     .proto = f->proto,
				     .making = {.judged = true}};
		if (!f->app->protocol->log(tx, n, &p->scratch, r))
			break;
		anomaly_logged(p->anomaly, f, r);
		arena_reset(&p->scratch);
	}
}

static void log_tx(struct pipeline *p, struct flow *f, struct app_tx *tx)
{
	const struct app_protocol *protocol = f->app->protocol;
	uint64_t bit = UINT64_C(1) << app_protocol_index(protocol);

	tx->logged = true;
	if (p->stats != NULL)
		pipeline_count_app(p, f, PIPELINE_APP_TX);
	if (protocol->log == NULL)
		return;
	for (size_t i = 0; i < p->output_count; i++)
		if ((p->outputs[i].settings->protocols & bit) != 0)
			for (unsigned n = 0; say_tx(p, &p->outputs[i], f, tx, n); n++)
				;
	if (p->anomaly != NULL && anomaly_wants(protocol))
		tell_detectors(p, f, tx);
}

/* Of a flow that is dropped nothing more is said at its end: its other side never spoke. */
void pipeline_report_txs(struct pipeline *p, struct flow *f)
{
	bool silent = !p->in_packet && f->action == FLOW_DROP;

	for (struct app_tx *tx = f->app->first; tx != NULL; tx = tx->next)
		if (!silent && !tx->logged && is_ready(f->app, tx))
			log_tx(p, f, tx);
	pipeline_report_app(p, f);
}
