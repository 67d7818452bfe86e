/* SPDX-License-Identifier: Apache-2.0
 * What every record has, and the pieces that several kinds share. */
#include "sensor/pipeline/report_priv.h"

#include "crypto/crypto.h"

static bool proto_has_ports(uint8_t proto)
{
	return proto == IP_PROTO_TCP || proto == IP_PROTO_UDP || proto == IP_PROTO_SCTP;
}

static bool proto_is_icmp(uint8_t proto)
{
	return proto == IP_PROTO_ICMP || proto == IP_PROTO_ICMP6;
}

/* Whose events these are like, for readers that ask. */
#define SURICATA_VERSION "8.0.6"

void report_emit(struct pipeline *p, const struct report_output *o, struct record *r)
{
	r->party = p->options.party;
	r->station = p->options.station;
	if (o->settings->host.len != 0)
		report_add_text(p, "", "host", o->settings->host);
	if (o->settings->has_sensor)
		report_add_u64(p, "", "sensor_id", o->settings->sensor);
	if (o->settings->says_capture && p->options.capture.len != 0)
		report_add_text(p, "", "pcap_filename", p->options.capture);
	if (o->settings->says_version)
		report_add_z(p, "", "suricata_version", SURICATA_VERSION);
	if (p->options.interface.len != 0)
		report_add_text(p, "", "in_iface", p->options.interface);
	if (p->options.tenant != 0)
		report_add_u64(p, "", "tenant_id", p->options.tenant);
	p->counters.records++;
	o->sink.put(o->sink.ctx, r);
	arena_reset(&p->scratch);
}

struct record *report_of_packet(struct pipeline *p, const struct report_output *o,
				enum record_kind kind, struct flow *f)
{
	const struct packet *packet = &p->packet;
	struct record *r = &p->record;

	*r = (struct record){.kind = kind,
			     .at = packet->at,
			     .flow_id = f != NULL ? f->id : 0,
			     .pcap_cnt = packet->number,
			     .src = packet->src,
			     .dst = packet->dst,
			     .proto = packet->ip_version ? packet->proto : 0,
			     .vlans = packet->vlans};
	memcpy(r->vlan, packet->vlan, sizeof r->vlan);
	if (packet->l4_header.len != 0 && proto_has_ports(packet->proto)) {
		r->has_ports = true;
		r->sport = packet->sport;
		r->dport = packet->dport;
	} else if (packet->l4_header.len != 0 && proto_is_icmp(packet->proto)) {
		r->has_icmp = true;
		r->icmp_type = packet->icmp_type;
		r->icmp_code = packet->icmp_code;
	}
	if (!o->settings->evidence && !o->settings->plain)
		report_add_common(p, o, f, FLOW_TO_SERVER, true);
	return r;
}

struct record *report_of_flow(struct pipeline *p, const struct report_output *o,
			      enum record_kind kind, struct flow *f, enum flow_dir dir)
{
	bool forth = dir == FLOW_TO_SERVER;
	struct record *r = &p->record;

	*r = (struct record){.kind = kind,
			     .at = p->in_packet ? p->packet.at : f->last,
			     .flow_id = f->id,
			     .pcap_cnt = p->in_packet ? p->packet.number : 0,
			     .src = forth ? f->client : f->server,
			     .dst = forth ? f->server : f->client,
			     .proto = f->proto,
			     .vlans = f->vlans};
	memcpy(r->vlan, f->vlan, sizeof r->vlan);
	if (proto_has_ports(f->proto)) {
		r->has_ports = true;
		r->sport = forth ? f->client_port : f->server_port;
		r->dport = forth ? f->server_port : f->client_port;
	} else if (proto_is_icmp(f->proto)) {
		r->has_icmp = true;
		/* ICMP flows keep type and code of the request in the ports */
		r->icmp_type = p->in_packet ? p->packet.icmp_type : (uint8_t)f->client_port;
		r->icmp_code = p->in_packet ? p->packet.icmp_code : (uint8_t)f->server_port;
	}
	if (!o->settings->evidence && !o->settings->plain)
		report_add_common(p, o, f, dir, p->in_packet);
	return r;
}

/* ---- fields beside the table's ---- */

void report_add_json(struct pipeline *p, const char *group, const char *name, const struct buf *b)
{
	if (b->full || b->len == 0 ||
	    !record_more(&p->record, &p->scratch, slice_of(group), slice_of(name), buf_slice(b)))
		p->counters.no_memory++;
}

void report_add_text(struct pipeline *p, const char *group, const char *name, struct slice text)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	json_str(&j, text);
	report_add_json(p, group, name, &b);
}

void report_add_z(struct pipeline *p, const char *group, const char *name, const char *text)
{
	report_add_text(p, group, name, slice_of(text));
}

void report_add_u64(struct pipeline *p, const char *group, const char *name, uint64_t v)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	json_u64(&j, v);
	report_add_json(p, group, name, &b);
}

void report_add_bool(struct pipeline *p, const char *group, const char *name, bool v)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	json_bool(&j, v);
	report_add_json(p, group, name, &b);
}

/* ---- pieces ---- */

const char *report_app_name(const struct flow *f)
{
	if (f->app == NULL)
		return NULL;
	if (f->app->protocol != NULL)
		return f->app->protocol->name;
	return f->app->state == APP_GIVEN_UP ? "failed" : NULL;
}

void report_add_app_proto(struct pipeline *p, struct record *r, const struct flow *f)
{
	const char *name = report_app_name(f);
	const struct app_flow *app = f->app;

	r->app_proto = slice_of(name);
	if (app == NULL || name == NULL)
		return;
	if (app->before != NULL && app->before != app->protocol)
		report_add_z(p, "", "app_proto_orig", app->before->name);
	for (int d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
		if (app->told[d] != NULL && app->told[d] != app->protocol)
			report_add_z(p, "", d == APP_TO_SERVER ? "app_proto_ts" : "app_proto_tc",
				     app->told[d]->name);
	if (app->expected != NULL && strcmp(app->expected, name) != 0)
		report_add_z(p, "", "app_proto_expected", app->expected);
}

void report_flow_counts(struct json *j, const struct flow *f)
{
	const struct flow_side *ts = &f->side[FLOW_TO_SERVER], *tc = &f->side[FLOW_TO_CLIENT];
	char text[TIME_TEXT_MAX];

	json_key(j, "pkts_toserver");
	json_u64(j, ts->pkts);
	json_key(j, "pkts_toclient");
	json_u64(j, tc->pkts);
	json_key(j, "bytes_toserver");
	json_u64(j, ts->bytes);
	json_key(j, "bytes_toclient");
	json_u64(j, tc->bytes);
	json_key(j, "start");
	json_str(j, time_format_eve(f->first, text));
}

void report_tcp_flags(struct json *j, uint8_t flags)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = {{TCP_SYN, "syn"}, {TCP_FIN, "fin"}, {TCP_RST, "rst"}, {TCP_PSH, "psh"},
		     {TCP_ACK, "ack"}, {TCP_URG, "urg"}, {TCP_ECE, "ecn"}, {TCP_CWR, "cwr"}};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if ((flags & names[i].bit) != 0) {
			json_key(j, names[i].name);
			json_bool(j, true);
		}
}

void report_base64(struct pipeline *p, struct json *j, const char *key, struct slice bytes)
{
	struct buf b = buf_in(&p->scratch);

	crypto_base64_add(CRYPTO_BASE64, bytes, &b);
	json_key(j, key);
	json_str(j, b.full ? SLICE("") : buf_slice(&b));
}

struct slice report_printable(struct pipeline *p, struct slice bytes)
{
	struct buf b = buf_in(&p->scratch);
	uint8_t *out = buf_reserve(&b, bytes.len);

	for (size_t i = 0; out != NULL && i < bytes.len; i++) {
		uint8_t c = bytes.ptr[i];

		out[i] = (c >= ' ' && c <= '~') || c == '\r' || c == '\n' ? c : '.';
	}
	return out != NULL ? (struct slice){out, bytes.len} : SLICE("");
}

/* tcpdump.org's numbers and names of the link types that are decoded. */
static const char *link_name(uint32_t linktype)
{
	static const struct {
		uint32_t number;
		const char *name;
	} names[] = {{0, "NULL"},   {1, "EN10MB"},	 {9, "PPP"},	     {12, "RAW"},
		     {101, "RAW2"}, {104, "C_HDLC"},	 {113, "LINUX_SLL"}, {228, "IPv4"},
		     {229, "IPv6"}, {276, "LINUX_SLL2"}, {778, "GRE_RAW"}};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].number == linktype)
			return names[i].name;
	return "n/a";
}

void report_add_link(struct pipeline *p)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	json_object(&j);
	json_key(&j, "linktype");
	json_u64(&j, p->packet.linktype);
	json_key(&j, "linktype_name");
	json_z(&j, link_name(p->packet.linktype));
	json_end(&j);
	report_add_json(p, "", "packet_info", &b);
}

void report_add_packet(struct pipeline *p, size_t most)
{
	struct slice bytes = p->packet.frame;
	struct buf text = buf_in(&p->scratch);

	if (most != 0)
		bytes = slice_part(bytes, 0, most);
	crypto_base64_add(CRYPTO_BASE64, bytes, &text);
	if (text.full)
		return;
	report_add_text(p, "", "packet", buf_slice(&text));
	report_add_link(p);
}
