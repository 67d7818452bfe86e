/* SPDX-License-Identifier: Apache-2.0
 *
 * One row a field: what showing it says about who saw it. The test walks the table of records and
 * asks that each of their fields is here.
 */
#include "evidence/disclose/disclose.h"

const char *const disclose_told_names[DISCLOSE_TOLD] = {"nothing", "place", "rule", "method"};

#define N DISCLOSE_TELLS_NOTHING
#define P DISCLOSE_TELLS_PLACE
#define R DISCLOSE_TELLS_RULE
#define M DISCLOSE_TELLS_METHOD

static const struct row {
	const char *group, *name; /* name "*": all others of the group */
	enum disclose_told told;
	const char *why;
} rows[] = {
	{"", "timestamp", P,
	 "to the microsecond: beside a second observer's it tells the distance between the two"},
	{"", "flow_id", N, ""},
	{"", "pcap_cnt", P, "how many packets passed this sensor before this one"},
	{"", "event_type", N, ""},
	{"", "party", N, ""},
	{"", "station", P, "names the sensor"},
	{"", "vlan", P, "which virtual networks the tapped link carries"},
	{"", "src_ip", P, "only who stands on the way of this traffic sees it"},
	{"", "dest_ip", P, "only who stands on the way of this traffic sees it"},
	{"", "src_pseudonym", N, ""},
	{"", "dest_pseudonym", N, ""},
	{"", "src_port", N, ""},
	{"", "dest_port", N, ""},
	{"", "proto", N, ""},
	{"", "ip_v", N, ""},
	{"", "icmp_type", N, ""},
	{"", "icmp_code", N, ""},
	{"", "app_proto", N, ""},
	{"", "direction", P, "on which side of the sensor the client is"},
	{"", "source", M, "whether we saw it, or were told by an exporter"},
	{"", "tx_id", N, ""},
	{"", "flow", P, "holds the addresses once more, and how much this sensor saw of them"},
	{"", "gap", P, "when this sensor does not see, and for how long"},
	{"", "life", P, "how much traffic passes this sensor"},
	{"", "watch", P, "when this sensor was there, and which links it taps"},
	{"alert", "action", M, "whether this sensor can block"},
	{"alert", "severity", N, ""},
	{"alert", "category", R, "the class of the signature"},
	{"alert", "classtype", R, "the class of the signature"},
	{"alert", "*", R, "which signature matched: who knows it can avoid it"},
	{"anomaly", "type", N, ""},
	{"anomaly", "event", M, "what this sensor finds odd"},
	{"anomaly", "layer", M, "in which layer this sensor looks"},
	{"anomaly", "*", M, "by which detector and threshold: who knows them can stay below"},
	{"dns", "*", M, "that DNS is read here"},
	{"flow", "bins_toserver", M, "that flows are fingerprinted, and how finely"},
	{"flow", "bins_toclient", M, "that flows are fingerprinted, and how finely"},
	{"flow", "reason", M, "how this sensor ends flows"},
	{"flow", "alerted", R, "that a signature matched in this flow"},
	{"flow", "start", P,
	 "to the microsecond: beside a second observer's it tells the distance between the two"},
	{"flow", "end", P,
	 "to the microsecond: beside a second observer's it tells the distance between the two"},
	{"flow", "*", N, ""},
	{"tcp", "*", M, "that sessions are followed here"},
	{"http", "*", M, "that HTTP is read here: in the clear, or decrypted"},
	{"tls", "ja3", M, "that handshakes are fingerprinted"},
	{"tls", "ja3s", M, "that handshakes are fingerprinted"},
	{"tls", "*", M, "that TLS handshakes are read here"},
	{"location", "*", N, ""},
	{"input", "what", N, ""},
	{"input", "name", R, "what the file of rules, or the sensor's capture, is called"},
	{"input", "sha256", R, "which edition of the rules was loaded: who has it knows them all"},
	{"input", "bytes", R, "which edition of the rules was loaded: who has it knows them all"},
	{"input", "*", P, "how much traffic passes this sensor, and when it was there"},
};

enum disclose_told disclose_tells(struct slice group, struct slice name, const char **out_why)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!slice_equal(group, slice_of(rows[i].group)) ||
		    (strcmp(rows[i].name, "*") != 0 && !slice_equal(name, slice_of(rows[i].name))))
			continue;
		*out_why = rows[i].why;
		return rows[i].told;
	}
	*out_why = "nobody has said yet what this field tells: it shows at least what is looked at";
	return DISCLOSE_TELLS_METHOD;
}
