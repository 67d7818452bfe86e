/* SPDX-License-Identifier: Apache-2.0
 * What every event of an eve-log says beside its own: where the packet came from, the flow's
 * variables, MAC addresses, the community id. */
#include "sensor/pipeline/report_priv.h"

/* ---- community id ---- */

static void add_community(struct pipeline *p, const struct report_output *o, const struct flow *f)
{
	uint8_t text[FLOW_COMMUNITY_BYTES];

	flow_community_id(o->settings->community_seed, f->proto, &f->client, f->client_port,
			  &f->server, f->server_port, text);
	report_add_text(p, "", "community_id", (struct slice){text, sizeof text});
}

/* ---- MAC addresses ---- */

void report_mac(struct json *j, const uint8_t bytes[6])
{
	char text[18];

	for (size_t i = 0; i < 6; i++) {
		text[3 * i] = "0123456789abcdef"[bytes[i] >> 4];
		text[3 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
		text[3 * i + 2] = ':';
	}
	json_str(j, (struct slice){(const uint8_t *)text, 17});
}

enum { MACS_MAX = 10 }; /* at each end of a flow, as Suricata */

struct report_macs {
	struct report_mac_set {
		uint8_t of[MACS_MAX][6];
		size_t count;
	} end[2]; /* indexed by the direction that starts there */
};

static void mac_seen(struct report_mac_set *set, const uint8_t *mac)
{
	for (size_t i = 0; i < set->count; i++)
		if (memcmp(set->of[i], mac, 6) == 0)
			return;
	if (set->count < MACS_MAX)
		memcpy(set->of[set->count++], mac, 6);
}

void pipeline_report_macs(struct pipeline *p, struct flow *f)
{
	bool wanted = false;

	for (size_t i = 0; i < p->output_count; i++)
		wanted |= p->outputs[i].settings->ethernet;
	if (!wanted || p->packet.ether.len < 14)
		return;
	if (f->macs == NULL)
		f->macs = ARENA_NEW(&f->arena, struct report_macs);
	if (f->macs == NULL) {
		p->counters.no_memory++;
		return;
	}
	mac_seen(&f->macs->end[p->packet_dir == FLOW_TO_SERVER], p->packet.ether.ptr);
	mac_seen(&f->macs->end[p->packet_dir != FLOW_TO_SERVER], p->packet.ether.ptr + 6);
}

void pipeline_report_swap(struct flow *f)
{
	struct report_mac_set set;

	if (f->macs == NULL)
		return;
	set = f->macs->end[0];
	f->macs->end[0] = f->macs->end[1];
	f->macs->end[1] = set;
}

static void put_macs(struct json *j, const char *key, const struct report_mac_set *set)
{
	json_key(j, key);
	json_array(j);
	for (size_t i = 0; i < set->count; i++)
		report_mac(j, set->of[i]);
	json_end(j);
}

/* Of what is said at its end about a flow. */
static void add_flow_ether(struct pipeline *p, const struct flow *f, enum flow_dir dir)
{
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);

	json_object(&j);
	put_macs(&j, "dest_macs", &f->macs->end[dir == FLOW_TO_SERVER]);
	put_macs(&j, "src_macs", &f->macs->end[dir != FLOW_TO_SERVER]);
	json_end(&j);
	report_add_json(p, "", "ether", &b);
}

static void add_ether(struct pipeline *p, const struct flow *f, enum flow_dir dir, bool of_packet)
{
	struct slice ether = p->packet.ether;
	struct buf b = buf_in(&p->scratch);
	struct json j = json_in(&b);
	bool back = false;

	if (!of_packet || ether.len < 14)
		return;
	if (f != NULL && p->record.kind != RECORD_ALERT)
		back = p->packet_dir != dir;
	json_object(&j);
	json_key(&j, "src_mac");
	report_mac(&j, ether.ptr + (back ? 0 : 6));
	json_key(&j, "dest_mac");
	report_mac(&j, ether.ptr + (back ? 6 : 0));
	json_end(&j);
	report_add_json(p, "", "ether", &b);
}

/* ---- what rules remember ---- */

static const struct slice traffic_id = {(const uint8_t *)"traffic/id/", 11},
			  traffic_label = {(const uint8_t *)"traffic/label/", 14};

/* The flow bits whose name starts with `head`, without it; head empty: those that start with
 * neither of the above. Opens the array at the first; returns whether there was one. */
static bool bits(struct pipeline *p, struct json *j, const char *key, struct slice head,
		 const struct flow *f)
{
	struct slice name;
	bool open = false;

	for (size_t next = 0; detect_flow_bit(p->options.rules, f, &next, &name);) {
		bool special = slice_starts(name, traffic_id) || slice_starts(name, traffic_label);

		if (head.len == 0 ? special : !slice_starts(name, head))
			continue;
		if (!open) {
			json_key(j, key);
			json_array(j);
		}
		open = true;
		json_str(j, slice_from(name, head.len));
	}
	if (open)
		json_end(j);
	return open;
}

static bool ints(struct pipeline *p, struct json *j, const struct flow *f)
{
	struct slice name;
	uint32_t value;
	size_t next = 0;
	bool open = false;

	while (detect_flow_int(p->options.rules, f, &next, &name, &value)) {
		if (!open) {
			json_key(j, "flowints");
			json_object(j);
		}
		open = true;
		json_key_slice(j, name);
		json_u64(j, value);
	}
	if (open)
		json_end(j);
	return open;
}

/* What pcre captured, as [{"name":"value"},...]: of the packet at hand (of_flow false), of f. */
static bool vars(struct pipeline *p, struct json *j, bool of_flow, const struct flow *f)
{
	struct slice name, value;
	size_t n = 0;

	for (; of_flow ? detect_flow_var(f, n, &name, &value)
		       : detect_packet_var(p->detect, n, &name, &value);
	     n++) {
		if (n == 0) {
			json_key(j, of_flow ? "flowvars" : "pktvars");
			json_array(j);
		}
		json_object(j);
		json_key_slice(j, name);
		json_str(j, report_printable(p, value));
		json_end(j);
	}
	if (n != 0)
		json_end(j);
	return n != 0;
}

/* What rules measured in buffers: {"http_uri":4.5}. */
static bool measures(struct json *j, const struct flow *f)
{
	struct slice name;
	int64_t value;
	size_t n = 0;

	for (; detect_flow_measure(f, n, &name, &value); n++) {
		if (n == 0) {
			json_key(j, "entropy");
			json_object(j);
		}
		json_key_slice(j, name);
		json_fixed(j, value, 18);
	}
	if (n != 0)
		json_end(j);
	return n != 0;
}

/* "metadata" and "traffic": flow bits, integers and variables. False: there are none. */
static bool add_metadata(struct pipeline *p, const struct flow *f)
{
	struct buf b = buf_in(&p->scratch), traffic = buf_in(&p->scratch);
	struct json j = json_in(&b), t = json_in(&traffic);
	bool any = false, labelled = false;

	if (p->detect == NULL || f == NULL)
		return false;
	json_object(&j);
	any |= bits(p, &j, "flowbits", SLICE(""), f);
	any |= ints(p, &j, f);
	any |= measures(&j, f);
	any |= vars(p, &j, true, f);
	if (!p->of_end)
		any |= vars(p, &j, false, f);
	json_end(&j);
	json_object(&t);
	labelled |= bits(p, &t, "id", traffic_id, f);
	labelled |= bits(p, &t, "label", traffic_label, f);
	json_end(&t);
	if (labelled)
		report_add_json(p, "", "traffic", &traffic);
	if (any)
		report_add_json(p, "", "metadata", &b);
	return any || labelled;
}

/* ---- */

void report_add_common(struct pipeline *p, const struct report_output *o, struct flow *f,
		       enum flow_dir dir, bool of_packet)
{
	if (!p->of_end)
		report_add_z(p, "", "pkt_src",
			     of_packet ? packet_source_name(p->packet.source)
				       : "stream (flow timeout)");
	if (f != NULL && f->parent != 0)
		report_add_u64(p, "", "parent_id", f->parent);
	if (o->settings->metadata)
		(void)add_metadata(p, f);
	if (o->settings->ethernet && p->of_end && f != NULL && f->macs != NULL)
		add_flow_ether(p, f, dir);
	else if (o->settings->ethernet)
		add_ether(p, f, dir, of_packet);
	if (o->settings->community && f != NULL && f->client.family != 0)
		add_community(p, o, f);
}
