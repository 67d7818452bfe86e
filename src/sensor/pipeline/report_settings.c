/* SPDX-License-Identifier: Apache-2.0
 * What an eve-log asks for: its node of suricata.yaml, read once. */
#include "sensor/pipeline/report_priv.h"

enum {
	PAYLOAD_DEFAULT = 4096,
	PAYLOAD_MOST = 16 << 20,
	GUESSES_MOST = 4,   /* alerts on a stream that name one transaction */
	STATS_INTERVAL = 8, /* seconds */
	STATS_INTERVAL_MOST = 86400,
};

static const char *const type_names[REPORT_TYPES] = {
	[REPORT_ALERT] = "alert",   [REPORT_ANOMALY] = "anomaly",   [REPORT_DROP] = "drop",
	[REPORT_FILES] = "files",   [REPORT_FLOW] = "flow",	    [REPORT_NETFLOW] = "netflow",
	[REPORT_STATS] = "stats",   [REPORT_METADATA] = "metadata", [REPORT_FRAME] = "frame",
	[REPORT_STREAM] = "stream", [REPORT_ARP] = "arp",
};

/* What the suricata.yaml that Suricata 8 ships turns on. */
static const char *const shipped[] = {
	"anomaly",   "http", "dns",  "mdns", "tls",  "files", "smtp",
	"websocket", "ftp",  "rdp",  "nfs",  "smb",  "tftp",  "ike",
	"dcerpc",    "krb5", "snmp", "rfb",  "sip",  "quic",  "bittorrent-dht",
	"ldap",	     "pop3", "dhcp", "ssh",  "mqtt", "http2", "doh2",
	"stats",     "flow",
};

static void set_bit(struct config *node, const char *key, uint32_t bit, uint32_t *bits)
{
	if (config_bool(node, key, (*bits & bit) != 0))
		*bits |= bit;
	else
		*bits &= ~bit;
}

static void read_xff(struct config *node, struct report_xff_settings *out)
{
	*out = (struct report_xff_settings){.header =
						    config_text(node, "header", "X-Forwarded-For")};
	if (!config_bool(node, "enabled", false))
		return;
	out->mode = slice_equal_nocase(config_text(node, "mode", ""), SLICE("overwrite"))
			    ? REPORT_XFF_OVERWRITE
			    : REPORT_XFF_EXTRA;
	out->forward = slice_equal_nocase(config_text(node, "deployment", ""), SLICE("forward"));
}

/* What websocket's object in an alert says of its payload. False: no memory. */
static bool read_alert_websocket(struct report_settings *s, struct arena *a)
{
	const struct app_protocol *ws = app_find(SLICE("websocket"));
	struct config *node = config_new(a);
	struct fail why;
	unsigned i;

	if (ws == NULL || ws->log_configure == NULL ||
	    (s->alert & (REPORT_WITH_WEBSOCKET | REPORT_WITH_WEBSOCKET_TEXT)) == 0)
		return true;
	if (node == NULL)
		return false;
	if ((s->alert & REPORT_WITH_WEBSOCKET) != 0 &&
	    config_set(node, SLICE("payload-base64"), SLICE("yes"), &why) != ST_OK)
		return false;
	if ((s->alert & REPORT_WITH_WEBSOCKET_TEXT) != 0 &&
	    config_set(node, SLICE("payload-printable"), SLICE("yes"), &why) != ST_OK)
		return false;
	i = app_protocol_index(ws);
	s->alert_how[i] = ws->log_configure(NULL, node, a);
	return s->alert_how[i] != NULL;
}

static bool read_alert(struct report_settings *s, struct config *node, struct arena *a)
{
	static const uint32_t usual = REPORT_WITH_FLOW | REPORT_WITH_APP | REPORT_WITH_META;
	static const struct {
		const char *key;
		uint32_t bit;
	} keys[] = {
		{"metadata.rule.raw", REPORT_WITH_RULE},
		{"metadata.rule.metadata", REPORT_WITH_META},
		{"metadata.rule.reference", REPORT_WITH_REFERENCES},
		{"metadata.flow", REPORT_WITH_FLOW},
		{"metadata.app-layer", REPORT_WITH_APP},
		{"payload", REPORT_WITH_PAYLOAD},
		{"payload-printable", REPORT_WITH_PAYLOAD_TEXT},
		{"payload-length", REPORT_WITH_PAYLOAD_LENGTH},
		{"packet", REPORT_WITH_PACKET},
		{"tagged-packets", REPORT_WITH_TAGGED},
		{"http-body", REPORT_WITH_BODY},
		{"http-body-printable", REPORT_WITH_BODY_TEXT},
		{"verdict", REPORT_WITH_VERDICT},
		{"websocket-payload", REPORT_WITH_WEBSOCKET},
		{"websocket-payload-printable", REPORT_WITH_WEBSOCKET_TEXT},
	};

	s->alert = usual;
	if (!config_bool(node, "metadata", true))
		s->alert = 0;
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		set_bit(node, keys[i].key, keys[i].bit, &s->alert);
	s->payload_most = config_size(node, "payload-buffer-size", PAYLOAD_DEFAULT);
	if (s->payload_most > PAYLOAD_MOST)
		s->payload_most = PAYLOAD_MOST;
	if (config_at(node, "xff") != NULL)
		read_xff(config_at(node, "xff"), &s->alert_xff);
	else
		s->alert_xff = s->xff;
	return read_alert_websocket(s, a);
}

/* Suricata's eve-logs know no behaviour: it is said where the log asks for it, or where the
 * configuration has detectors switched on by name. */
static bool wants_behaviour(struct config *types, struct config *node)
{
	struct config *root = node;

	while (root != NULL && root->parent != NULL)
		root = root->parent;
	return config_bool(types, "behaviour", config_bool(root, "anomaly.enabled", false));
}

static void read_anomaly(struct report_settings *s, struct config *node)
{
	struct config *types = config_at(node, "types");

	s->anomaly.decode = config_bool(types, "decode", false);
	s->anomaly.stream = config_bool(types, "stream", false);
	s->anomaly.app = config_bool(types, "applayer", true);
	s->anomaly.behaviour = wants_behaviour(types, node);
	s->anomaly.header = config_bool(node, "packethdr", false) && s->anomaly.decode;
}

static void read_drop(struct report_settings *s, struct config *node)
{
	s->drop.alerts = config_bool(node, "alerts", false);
	s->drop.verdict = config_bool(node, "verdict", false);
	s->drop.all = slice_equal_nocase(config_text(node, "flows", "start"), SLICE("all"));
}

static void read_stats(struct report_settings *s, struct config *node)
{
	s->stats.totals = config_bool(node, "totals", true);
	s->stats.threads = config_bool(node, "threads", false);
	s->stats.deltas = config_bool(node, "deltas", false);
	s->stats.zeros = config_bool(node, "null-values", true);
}

static void read_stream(struct report_settings *s, struct config *node)
{
	static const struct {
		const char *key;
		enum stream_mark mark;
	} keys[] = {{"event-set", STREAM_MARK_EVENT_SET},
		    {"state-update", STREAM_MARK_STATE_UPDATE},
		    {"spurious-retransmission", STREAM_MARK_SPURIOUS_RETRANSMISSION}};

	s->stream.all = config_bool(node, "all", false);
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
		if (config_bool(node, keys[i].key, false))
			s->stream.marks = (uint16_t)(s->stream.marks | 1U << keys[i].mark);
}

/* The names under which a protocol's events are asked for, where it is not the protocol's own. */
static const struct {
	const char *protocol, *type;
} aliases[] = {{"ftp-data", "ftp"}};

static bool is_asked_as(const struct app_protocol *p, struct slice type)
{
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
		if (strcmp(p->name, aliases[i].protocol) == 0)
			return slice_equal(type, slice_of(aliases[i].type));
	return slice_equal(type, slice_of(p->name));
}

static bool read_type(struct report_settings *s, struct slice name, struct config *root,
		      struct config *node, struct arena *a)
{
	if (!config_bool(node, "enabled", true))
		return true;
	for (unsigned t = 0; t < REPORT_TYPES; t++)
		if (slice_equal(name, slice_of(type_names[t])))
			s->types |= 1u << t;
	if (slice_equal(name, SLICE("alert")) && !read_alert(s, node, a))
		return false;
	if (slice_equal(name, SLICE("anomaly")))
		read_anomaly(s, node);
	else if (slice_equal(name, SLICE("drop")))
		read_drop(s, node);
	else if (slice_equal(name, SLICE("stats")))
		read_stats(s, node);
	else if (slice_equal(name, SLICE("stream")))
		read_stream(s, node);
	else if (slice_equal(name, SLICE("flow")))
		s->flow_policies = config_bool(node, "exception-policy", false);
	for (unsigned i = 0; app_protocols[i] != NULL; i++) {
		if (!is_asked_as(app_protocols[i], name))
			continue;
		s->protocols |= UINT64_C(1) << i;
		if (app_protocols[i]->log_configure == NULL)
			continue;
		s->how[i] = app_protocols[i]->log_configure(root, node, a);
		if (s->how[i] == NULL)
			return false;
	}
	return true;
}

/* "extended: yes", "tagged-packets: yes": what the shipped file says of its types. */
static struct config *shipped_node(const char *key, struct arena *a)
{
	struct config *node = config_new(a);
	struct fail why;

	if (node == NULL || config_set(node, slice_of(key), SLICE("yes"), &why) != ST_OK)
		return NULL;
	return node;
}

static bool read_shipped(struct report_settings *s, struct arena *a)
{
	struct config *extended = shipped_node("extended", a),
		      *tagged = shipped_node("tagged-packets", a);

	if (extended == NULL || tagged == NULL || !read_type(s, SLICE("alert"), NULL, tagged, a))
		return false;
	for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
		bool more = strcmp(shipped[i], "http") == 0 || strcmp(shipped[i], "tls") == 0;

		if (!read_type(s, slice_of(shipped[i]), NULL, more ? extended : NULL, a))
			return false;
	}
	s->anomaly.behaviour = true;
	return true;
}

/* The settings of an eve-log node (NULL: the shipped suricata.yaml's) below `root`; NULL: no
 * memory. They live in a. */
static struct report_settings *settings_new(struct config *root, struct config *node,
					    struct arena *a)
{
	struct report_settings *s = ARENA_NEW(a, struct report_settings);
	struct config *types = config_at(node, "types");

	if (s == NULL)
		return NULL;
	s->host = config_text(node, "sensor-name", NULL);
	if (s->host.ptr == NULL)
		s->host = config_text(root, "sensor-name", "");
	s->has_sensor = config_at(node, "sensor-id") != NULL;
	s->sensor = config_u64(node, "sensor-id", 0, INT64_MAX, 0);
	s->says_version = config_bool(node, "suricata-version", false);
	s->says_capture = config_bool(node, "pcap-file", false);
	s->metadata = config_bool(node, "metadata", true);
	s->ethernet = config_bool(node, "ethernet", false);
	s->community = config_bool(node, "community-id", false);
	s->community_seed = (uint16_t)config_u64(node, "community-id-seed", 0, UINT16_MAX, 0);
	read_xff(config_at(node, "xff"), &s->xff);
	if (node == NULL)
		return read_shipped(s, a) ? s : NULL;
	for (struct config *t = config_first(types); t != NULL; t = config_next(t)) {
		bool named = t->kind == CONFIG_MAP && t->first != NULL;
		struct config *member = named ? config_first(t) : NULL;

		if (!read_type(s, named ? member->name : t->value, root, member, a))
			return NULL;
	}
	return s;
}

/* Alerts alone, without what stands beside them. */
static struct report_settings *settings_plain(struct arena *a)
{
	struct report_settings *s = ARENA_NEW(a, struct report_settings);

	if (s == NULL)
		return NULL;
	s->plain = true;
	s->types = 1u << REPORT_ALERT;
	return s;
}

/* Those of the evidence, where no eve-log is asked for. */
static struct report_settings *settings_evidence(struct arena *a)
{
	struct report_settings *s = ARENA_NEW(a, struct report_settings);

	if (s == NULL)
		return NULL;
	s->evidence = true;
	s->types = 1u << REPORT_ALERT | 1u << REPORT_ANOMALY | 1u << REPORT_FLOW;
	s->protocols = UINT64_MAX;
	s->alert = REPORT_WITH_META;
	s->anomaly.decode = s->anomaly.stream = s->anomaly.app = s->anomaly.behaviour = true;
	return s;
}

/* Somebody wants to know what was counted: an eve-log, or who made the worker. */
static bool stats_new(struct pipeline *p)
{
	struct config *root = p->options.config;
	bool events = false;

	for (size_t i = 0; i < p->output_count; i++)
		events |= (p->outputs[i].settings->types >> REPORT_STATS & 1) != 0;
	events = events && config_bool(root, "stats.enabled", true);
	if (events) {
		p->stats_said = ARENA_NEW(&p->fixed, struct report_stats);
		if (p->stats_said == NULL)
			return false;
		p->stats_said->interval_ns =
			(int64_t)config_u64(root, "stats.interval", 1, STATS_INTERVAL_MOST,
					    STATS_INTERVAL) *
			TIME_NS_PER_S;
	}
	if (events || p->options.stats) {
		p->stats = ARENA_NEW(&p->fixed, struct pipeline_stats);
		return p->stats != NULL;
	}
	return true;
}

/* The file-store's. */
static struct report_output *store_info_new(struct config *root, struct arena *a)
{
	struct report_output *o = ARENA_NEW(a, struct report_output);

	if (o != NULL)
		o->settings = ARENA_NEW(a, struct report_settings);
	if (o == NULL || o->settings == NULL)
		return NULL;
	o->settings->metadata = true;
	read_xff(config_at(root, "outputs.file-store.xff"), &o->settings->xff);
	return o;
}

enum status pipeline_outputs_new(struct pipeline *p, struct fail *why)
{
	const struct pipeline_options *options = &p->options;
	size_t n = options->output_count;

	if (n > PIPELINE_OUTPUTS_MAX)
		return fail_set(why, ST_LIMIT, "more than %d eve-logs", PIPELINE_OUTPUTS_MAX);
	p->outputs = ARENA_ARRAY(&p->fixed, struct report_output, n + 1);
	if (p->outputs == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a sensor's outputs");
	for (size_t i = 0; i < n; i++) {
		const struct pipeline_output *o = &options->outputs[i];

		p->outputs[i] = (struct report_output){
			o->sink, o->alerts ? settings_plain(&p->fixed)
					   : settings_new(options->config, o->node, &p->fixed)};
	}
	if (n == 0 && options->sink.put != NULL)
		p->outputs[n++] =
			(struct report_output){options->sink, settings_evidence(&p->fixed)};
	for (size_t i = 0; i < n; i++) {
		if (p->outputs[i].settings == NULL)
			return fail_set(why, ST_NOMEM, "no memory for a sensor's outputs");
		if ((p->outputs[i].settings->types >> REPORT_FRAME & 1) != 0)
			p->app->frames |= APP_FRAMES_FOR_LOG;
		p->stream.marks |= (p->outputs[i].settings->types >> REPORT_STREAM & 1) != 0;
		p->app->keep_last |= p->outputs[i].settings->xff.mode != REPORT_XFF_OFF ||
				     p->outputs[i].settings->alert_xff.mode != REPORT_XFF_OFF;
	}
	p->output_count = n;
	p->store_info = store_info_new(options->config, &p->fixed);
	if (p->store_info == NULL)
		return fail_set(why, ST_NOMEM, "no memory for a sensor's outputs");
	if (!stats_new(p))
		return fail_set(why, ST_NOMEM, "no memory to count");
	p->guess_tx = config_bool(options->config, "detect.guess-applayer-tx", false);
	p->app->keep_last |= p->guess_tx;
	p->guess_tx_most = (uint8_t)config_u64(options->config, "detect.stream-tx-log-limit", 0,
					       UINT8_MAX, GUESSES_MOST);
	return ST_OK;
}
