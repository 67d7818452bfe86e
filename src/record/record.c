/* SPDX-License-Identifier: Apache-2.0
 * The table of fields, and the walks over it: to fields, to a line, deep copy. (Back: read.c.)
 *
 *  1. The rows are in canonical order, the rows of one group next to each other.
 *  2. What record_encode() writes, record_parse() reads, whatever the record holds. */
#include "record/record.h"

#include "base/json.h"
#include "record/record_priv.h"

#define AT(member) offsetof(struct record, member), sizeof(((struct record *)NULL)->member)
#define ALSO(member) offsetof(struct record, member)
#define ALERT(name) 1u << RECORD_ALERT, "alert", name
#define ANOMALY(name) 1u << RECORD_ANOMALY, "anomaly", name
#define DNS(name) 1u << RECORD_DNS, "dns", name
#define FLOW(name) 1u << RECORD_FLOW, "flow", name
#define TCP(name) 1u << RECORD_FLOW, "tcp", name
#define HTTP(name) 1u << RECORD_HTTP, "http", name
#define TLS(name) 1u << RECORD_TLS, "tls", name
#define LOCATION(name) 1u << RECORD_LOCATION, "location", name
#define INPUT(name) 1u << RECORD_INPUT, "input", name

const char *const record_kind_names[RECORD_KINDS] = {
	[RECORD_NONE] = "none",	    [RECORD_ALERT] = "alert",	    [RECORD_ANOMALY] = "anomaly",
	[RECORD_DNS] = "dns",	    [RECORD_FLOW] = "flow",	    [RECORD_HTTP] = "http",
	[RECORD_TLS] = "tls",	    [RECORD_LOCATION] = "location", [RECORD_INPUT] = "input",
	[RECORD_OBJECT] = "object",
};

/* clang-format off */
const struct record_row record_rows[] = {
{ RECORD_ANY, "", "timestamp", TYPE_TIME, AT(at), 0, "When it happened, by the packet's time stamp." },
{ RECORD_ANY, "", "flow_id", TYPE_COUNT, AT(flow_id), 0, "The flow it belongs to; below 2^53." },
{ RECORD_ANY, "", "pcap_cnt", TYPE_COUNT, AT(pcap_cnt), 0, "Number of the packet in its capture, from 1." },
{ RECORD_ANY, "", "event_type", TYPE_EVENT, AT(kind), 0, "Which kind of record this is." },
{ RECORD_ANY, "", "party", TYPE_TEXT, AT(party), 0, "Whose station saw it (not in Suricata's EVE)." },
{ RECORD_ANY, "", "station", TYPE_TEXT, AT(station), 0, "Which station saw it (not in Suricata's EVE)." },
{ RECORD_ANY, "", "vlan", TYPE_VLAN, AT(vlan), 0, "VLAN identifiers, outermost first." },
{ RECORD_ANY, "", "src_ip", TYPE_ADDRESS, AT(src), ALSO(src_hidden), "Source of the packet or flow; of behaviour: who did it." },
{ RECORD_ANY, "", "src_port", TYPE_GIVEN, AT(sport), ALSO(has_ports), "Its port; TCP, UDP and SCTP only." },
{ RECORD_ANY, "", "src_pseudonym", TYPE_PSEUDONYM, AT(src), ALSO(src_hidden), "In its place, where the address is not told." },
{ RECORD_ANY, "", "dest_ip", TYPE_ADDRESS, AT(dst), ALSO(dst_hidden), "Destination of the packet or flow." },
{ RECORD_ANY, "", "dest_port", TYPE_GIVEN, AT(dport), ALSO(has_ports), "Its port; TCP, UDP and SCTP only." },
{ RECORD_ANY, "", "dest_pseudonym", TYPE_PSEUDONYM, AT(dst), ALSO(dst_hidden), "In its place, where the address is not told." },
{ RECORD_ANY, "", "proto", TYPE_PROTO, AT(proto), 0, "Transport protocol by name, or its IANA number as text." },
{ RECORD_ANY, "", "ip_v", TYPE_IP_V, AT(src), ALSO(dst), "4 or 6; follows from the addresses and is not read back." },
{ RECORD_ANY, "", "icmp_type", TYPE_GIVEN, AT(icmp_type), ALSO(has_icmp), "ICMP type." },
{ RECORD_ANY, "", "icmp_code", TYPE_GIVEN, AT(icmp_code), ALSO(has_icmp), "ICMP code." },
{ RECORD_ANY, "", "app_proto", TYPE_TEXT, AT(app_proto), 0, "Application protocol; \"failed\" if none fits." },
{ RECORD_ANY, "", "direction", TYPE_TEXT, AT(direction), 0, "\"to_server\" or \"to_client\"." },
{ 1u << RECORD_FLOW | 1u << RECORD_ANOMALY, "", "source", TYPE_TEXT, AT(source), 0, "\"flow export\": an exporter told it, the station did not see it (ours)." },
{ 1u << RECORD_ALERT, "", "tx_id", TYPE_GIVEN, AT(u.alert.tx_id), ALSO(u.alert.has_tx), "The transaction of the flow that matched, from 0." },
{ 1u << RECORD_HTTP, "", "tx_id", TYPE_NUMBER, AT(u.http.tx_id), 0, "The transaction of the flow, from 0." },

{ ALERT("action"), TYPE_TEXT, AT(u.alert.action), 0, "\"allowed\" or \"blocked\"." },
{ ALERT("gid"), TYPE_NUMBER, AT(u.alert.gid), 0, "Generator of the signature." },
{ ALERT("signature_id"), TYPE_NUMBER, AT(u.alert.sid), 0, "The signature." },
{ ALERT("rev"), TYPE_NUMBER, AT(u.alert.rev), 0, "Its revision." },
{ ALERT("signature"), TYPE_TEXT, AT(u.alert.signature), 0, "Its message." },
{ ALERT("category"), TYPE_TEXT, AT(u.alert.category), 0, "Description of its classification." },
{ ALERT("classtype"), TYPE_TEXT, AT(u.alert.classtype), 0, "Short name of its classification (not in Suricata's EVE)." },
{ ALERT("severity"), TYPE_NUMBER, AT(u.alert.severity), 0, "Priority; 1 is the gravest." },
{ ALERT("metadata"), TYPE_METADATA, AT(u.alert.meta), 0, "The rule's metadata." },

{ ANOMALY("type"), TYPE_TEXT, AT(u.anomaly.type), 0, "\"decode\", \"stream\", \"applayer\", or \"behaviour\" (ours)." },
{ ANOMALY("event"), TYPE_TEXT, AT(u.anomaly.event), 0, "What was odd, by its name in the table of its layer." },
{ ANOMALY("layer"), TYPE_TEXT, AT(u.anomaly.layer), 0, "Of applayer: \"proto_parser\", or \"proto_detect\" when it is about which protocol is spoken." },
{ ANOMALY("summary"), TYPE_OPEN_TEXT, AT(u.anomaly.summary), ALSO(u.anomaly.summary_hidden), "Behaviour: one sentence for a person." },
{ ANOMALY("summary_pseudonym"), TYPE_HIDDEN_TEXT, AT(u.anomaly.summary), ALSO(u.anomaly.summary_hidden), "The same with pseudonyms in place of addresses." },
{ ANOMALY("score_milli"), TYPE_COUNT, AT(u.anomaly.score_milli), 0, "Behaviour: strength in thousandths, 0..1000." },
{ ANOMALY("observations"), TYPE_COUNT, AT(u.anomaly.observations), 0, "Behaviour: how many observations it rests on." },
{ ANOMALY("first"), TYPE_MOMENT, AT(u.anomaly.first), 0, "Behaviour: the first of them." },
{ ANOMALY("last"), TYPE_MOMENT, AT(u.anomaly.last), 0, "Behaviour: the last of them." },
{ ANOMALY("detector"), TYPE_TEXT, AT(u.anomaly.detector), 0, "Behaviour: which detector found it; its switch and thresholds are anomaly.NAME in the configuration." },
{ ANOMALY("measure"), TYPE_TEXT, AT(u.anomaly.measure), 0, "Behaviour: what was measured, e.g. \"hosts\", \"bytes\", \"spread_milli\"." },
{ ANOMALY("measured"), TYPE_COUNT, AT(u.anomaly.measured), 0, "Behaviour: how much of it there was." },
{ ANOMALY("threshold"), TYPE_COUNT, AT(u.anomaly.threshold), 0, "Behaviour: from how much on it is said; of a spread, up to how much." },
{ ANOMALY("window"), TYPE_COUNT, AT(u.anomaly.window_s), 0, "Behaviour: seconds over which it was measured at most." },

{ DNS("version"), TYPE_DNS_VERSION, AT(u.dns), 0, "Version of this object; that of Suricata 8." },
{ DNS("type"), TYPE_DNS_TYPE, AT(u.dns.answer), 0, "Whether the message asks or answers." },
{ DNS("tx_id"), TYPE_NUMBER, AT(u.dns.tx_id), 0, "The transaction of the flow, from 0." },
{ DNS("id"), TYPE_NUMBER, AT(u.dns.id), 0, "The message's own identifier." },
{ DNS("rcode"), TYPE_TEXT, AT(u.dns.rcode), 0, "Result of an answer, by name." },
{ DNS("queries"), TYPE_DNS_QUERIES, AT(u.dns.rrname), ALSO(u.dns.rrtype), "The question." },
{ DNS("answers"), TYPE_DNS_ANSWERS, AT(u.dns.answers), 0, "The records of the answer." },

{ FLOW("pkts_toserver"), TYPE_NUMBER, AT(u.flow.to_server.pkts), 0, "Packets from the side that began." },
{ FLOW("pkts_toclient"), TYPE_NUMBER, AT(u.flow.to_client.pkts), 0, "Packets from the other side." },
{ FLOW("bytes_toserver"), TYPE_NUMBER, AT(u.flow.to_server.bytes), 0, "Bytes of frames from the side that began." },
{ FLOW("bytes_toclient"), TYPE_NUMBER, AT(u.flow.to_client.bytes), 0, "Bytes of frames from the other side." },
{ FLOW("start"), TYPE_MOMENT, AT(u.flow.start), 0, "Time of the first packet." },
{ FLOW("end"), TYPE_MOMENT, AT(u.flow.end), 0, "Time of the last packet." },
{ FLOW("age"), TYPE_NUMBER, AT(u.flow.age_s), 0, "Seconds between them." },
{ FLOW("state"), TYPE_TEXT, AT(u.flow.state), 0, "\"new\", \"established\" or \"closed\"." },
{ FLOW("reason"), TYPE_TEXT, AT(u.flow.reason), 0, "Why it ended: \"timeout\", \"shutdown\" or \"forced\"." },
{ FLOW("alerted"), TYPE_FLAG, AT(u.flow.alerted), 0, "A signature matched in it." },
{ FLOW("bins_toserver"), TYPE_TEXT, AT(u.flow.bins_ts), 0, "Fingerprint: packets with payload per second from the start, one character 0-9a-z each (ours)." },
{ FLOW("bins_toclient"), TYPE_TEXT, AT(u.flow.bins_tc), 0, "The same of the other direction (ours)." },
{ TCP("tcp_flags_ts"), TYPE_TEXT, AT(u.flow.tcp_flags_ts), 0, "All flags seen to the server, two hexadecimal digits." },
{ TCP("tcp_flags_tc"), TYPE_TEXT, AT(u.flow.tcp_flags_tc), 0, "All flags seen to the client." },
{ TCP("state"), TYPE_TEXT, AT(u.flow.tcp_state), 0, "State of the session at its end." },

{ HTTP("hostname"), TYPE_TEXT, AT(u.http.hostname), 0, "Host asked for." },
{ HTTP("url"), TYPE_TEXT, AT(u.http.url), 0, "Request target." },
{ HTTP("http_user_agent"), TYPE_TEXT, AT(u.http.user_agent), 0, "User-Agent." },
{ HTTP("http_content_type"), TYPE_TEXT, AT(u.http.content_type), 0, "Content-Type of the response." },
{ HTTP("http_refer"), TYPE_TEXT, AT(u.http.referer), 0, "Referer." },
{ HTTP("http_method"), TYPE_TEXT, AT(u.http.method), 0, "Request method." },
{ HTTP("protocol"), TYPE_TEXT, AT(u.http.protocol), 0, "Protocol and version of the request." },
{ HTTP("status"), TYPE_COUNT, AT(u.http.status), 0, "Status code of the response." },
{ HTTP("redirect"), TYPE_TEXT, AT(u.http.redirect), 0, "Location of a redirection." },
{ HTTP("length"), TYPE_NUMBER, AT(u.http.length), 0, "Bytes of the response body." },

{ TLS("subject"), TYPE_TEXT, AT(u.tls.subject), 0, "Subject of the server's certificate." },
{ TLS("issuerdn"), TYPE_TEXT, AT(u.tls.issuer), 0, "Its issuer." },
{ TLS("serial"), TYPE_TEXT, AT(u.tls.serial), 0, "Its serial number." },
{ TLS("fingerprint"), TYPE_TEXT, AT(u.tls.fingerprint), 0, "Its SHA-1." },
{ TLS("sni"), TYPE_TEXT, AT(u.tls.sni), 0, "Server name asked for." },
{ TLS("version"), TYPE_TEXT, AT(u.tls.version), 0, "Protocol version agreed on." },
{ TLS("notbefore"), TYPE_TEXT, AT(u.tls.not_before), 0, "Begin of the certificate's validity." },
{ TLS("notafter"), TYPE_TEXT, AT(u.tls.not_after), 0, "End of the certificate's validity." },
{ TLS("ja3"), TYPE_JA3, AT(u.tls.ja3), ALSO(u.tls.ja3_string), "Fingerprint of the client's hello." },
{ TLS("ja3s"), TYPE_JA3, AT(u.tls.ja3s), 0, "Fingerprint of the server's hello." },

{ LOCATION("table"), TYPE_TEXT, AT(u.location.table), 0, "Which table says it." },
{ LOCATION("edition"), TYPE_TEXT, AT(u.location.edition), 0, "Its date or version, else the head of its SHA-256." },
{ LOCATION("address"), TYPE_ADDRESS, AT(u.location.address), 0, "What it speaks about." },
{ LOCATION("net"), TYPE_NET, AT(u.location.net), 0, "The row that matched." },
{ LOCATION("asn"), TYPE_COUNT, AT(u.location.asn), 0, "Autonomous system." },
{ LOCATION("as_name"), TYPE_TEXT, AT(u.location.as_name), 0, "Its name." },
{ LOCATION("territory"), TYPE_TEXT, AT(u.location.territory), 0, "ISO 3166-1 alpha-2." },
{ LOCATION("proxy"), TYPE_FLAG, AT(u.location.proxy), 0, "The table marks an anonymising relay." },
{ LOCATION("hosting"), TYPE_FLAG, AT(u.location.hosting), 0, "The table marks a hosting provider." },
{ LOCATION("anycast"), TYPE_FLAG, AT(u.location.anycast), 0, "The table marks anycast." },

{ INPUT("what"), TYPE_TEXT, AT(u.input.what), 0, "\"capture\", \"flows\" (that others told), \"rules\", \"treaty\", \"party\", \"table\" or \"engine\"." },
{ INPUT("name"), TYPE_TEXT, AT(u.input.name), 0, "Base name of the file." },
{ INPUT("sha256"), TYPE_TEXT, AT(u.input.sha256), 0, "Its SHA-256, 64 hexadecimal digits." },
{ INPUT("bytes"), TYPE_NUMBER, AT(u.input.bytes), 0, "Its length." },
{ INPUT("packets"), TYPE_COUNT, AT(u.input.packets), 0, "Captures: packets read; flows: messages." },
{ INPUT("first"), TYPE_MOMENT, AT(u.input.first), 0, "Captures: time of the first." },
{ INPUT("last"), TYPE_MOMENT, AT(u.input.last), 0, "Captures: time of the last." },
{ .name = NULL },
};
/* clang-format on */

/* Puts a field behind the last of its group; behind all if it is the first. */
static size_t more_insert(struct record_field out[RECORD_FIELDS_MAX], size_t n,
			  const struct record_field *more)
{
	size_t at = n;

	while (at > 0 && !slice_equal(out[at - 1].group, more->group))
		at--;
	if (at == 0)
		at = n;
	memmove(&out[at + 1], &out[at], (n - at) * sizeof *out);
	out[at] = *more;
	return n + 1;
}

size_t record_fields(const struct record *r, struct arena *a,
		     struct record_field out[RECORD_FIELDS_MAX])
{
	struct buf buf = buf_in(a);
	size_t ends[RECORD_ROWS_MAX], n = 0, from = 0;

	ASSERT(r->kind < RECORD_KINDS);
	for (const struct record_row *row = record_rows; row->name != NULL; row++) {
		struct json j = json_in(&buf);

		if (!record_row_of(row, r->kind) || !record_types[row->type].put(row, r, a, &j))
			continue;
		ASSERT(n < RECORD_ROWS_MAX);
		out[n].group = slice_of(row->group);
		out[n].name = slice_of(row->name);
		ends[n++] = buf.len;
	}
	if (buf.full || a->exhausted)
		return 0;
	for (size_t i = 0; i < n; from = ends[i++])
		out[i].json = slice_part(buf_slice(&buf), from, ends[i] - from);
	for (size_t i = 0; i < r->mores; i++)
		n = more_insert(out, n, &r->more[i]);
	return n;
}

bool record_more(struct record *r, struct arena *a, struct slice group, struct slice name,
		 struct slice json)
{
	struct record_field field = {group, name, json};
	struct record_field *more;

	if (r->mores >= RECORD_MORE_MAX)
		return false;
	if ((r->mores & (r->mores - 1)) == 0) { /* full: the room is a power of two */
		more = ARENA_ARRAY(a, struct record_field, r->mores ? 2 * r->mores : 1);
		if (more == NULL)
			return false;
		for (size_t i = 0; i < r->mores; i++)
			more[i] = r->more[i];
		r->more = more;
	}
	r->more[r->mores++] = field;
	return true;
}

bool record_object(struct record *r, struct arena *a, const char *type, struct slice json)
{
	r->kind = RECORD_OBJECT;
	r->type = slice_of(type);
	return record_more(r, a, SLICE(""), r->type, json);
}

void record_join(const struct record_field *fields, size_t n, struct buf *out)
{
	struct slice group = SLICE("");
	struct json j = json_in(out);

	json_object(&j);
	for (size_t i = 0; i < n; i++) {
		if (!slice_equal(fields[i].group, group)) {
			if (group.len != 0)
				json_end(&j);
			group = fields[i].group;
			json_key_slice(&j, group);
			json_object(&j);
		}
		json_key_slice(&j, fields[i].name);
		json_raw(&j, fields[i].json);
	}
	if (group.len != 0)
		json_end(&j);
	json_end(&j);
}

void record_encode(const struct record *r, struct arena *scratch, struct buf *out)
{
	struct record_field fields[RECORD_FIELDS_MAX];
	size_t n = record_fields(r, scratch, fields);

	if (n == 0)
		out->full = true;
	else
		record_join(fields, n, out);
}

bool record_copy(const struct record *r, struct arena *a, struct record *out)
{
	struct record copy = *r;

	copy.making = (struct record_making){0};
	copy.type = arena_copy(a, r->type);
	copy.more = ARENA_ARRAY(a, struct record_field, r->mores + 1);
	for (size_t i = 0; copy.more != NULL && i < r->mores; i++)
		copy.more[i] = (struct record_field){arena_copy(a, r->more[i].group),
						     arena_copy(a, r->more[i].name),
						     arena_copy(a, r->more[i].json)};
	for (const struct record_row *row = record_rows; row->name != NULL; row++)
		if (record_row_of(row, r->kind) && record_types[row->type].move != NULL)
			record_types[row->type].move(row, a, &copy);
	if (a->exhausted)
		return false;
	*out = copy;
	return true;
}
