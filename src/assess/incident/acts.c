/* SPDX-License-Identifier: Apache-2.0
 *
 * What an event stands for, and who did it to whom: docs/formats/acts.md is written from the
 * tables here.
 */
#include "assess/incident/incident_priv.h"

const char *const incident_act_names[INCIDENT_ACTS] = {
	[INCIDENT_OTHER] = "other",
	[INCIDENT_SCAN] = "scan",
	[INCIDENT_ACCESS_ATTEMPT] = "access-attempt",
	[INCIDENT_ACCESS] = "access",
	[INCIDENT_MALWARE] = "malware",
	[INCIDENT_BEACON] = "beacon",
	[INCIDENT_EXFILTRATION] = "exfiltration",
	[INCIDENT_DISRUPTION] = "disruption",
	[INCIDENT_DESTRUCTION] = "destruction",
	[INCIDENT_POLICY] = "policy",
};

/* Who of the two ends acted, when nothing in the rule says so. */
enum sense {
	SOURCE, /* the packet carries the attack: who sent it */
	CLIENT, /* it may be the answer that matched: who opened the flow */
	REMOTE, /* hostile code and its server: the end outside; if not exactly one end is inside,
		   the flow's server */
	NOBODY, /* forged addresses, or those of others who were used: nobody is shown */
};

struct meaning {
	enum incident_act act;
	enum sense sense;
	enum incident_weight weight;
	bool done;
};

/* Suricata's and Emerging Threats' classtypes. */
static const struct class_row {
	const char *name;
	struct meaning means;
} classes[] = {
	{"attempted-admin", {INCIDENT_ACCESS_ATTEMPT, SOURCE, INCIDENT_STARTS, false}},
	{"attempted-dos", {INCIDENT_DISRUPTION, SOURCE, INCIDENT_STARTS, false}},
	{"attempted-recon", {INCIDENT_SCAN, SOURCE, INCIDENT_STARTS, false}},
	{"attempted-user", {INCIDENT_ACCESS_ATTEMPT, SOURCE, INCIDENT_STARTS, false}},
	{"bad-unknown", {INCIDENT_OTHER, REMOTE, INCIDENT_JOINS, false}},
	{"coin-mining", {INCIDENT_MALWARE, REMOTE, INCIDENT_STARTS, true}},
	{"command-and-control", {INCIDENT_BEACON, REMOTE, INCIDENT_STARTS, true}},
	{"credential-theft", {INCIDENT_EXFILTRATION, REMOTE, INCIDENT_STARTS, true}},
	{"default-login-attempt", {INCIDENT_ACCESS_ATTEMPT, CLIENT, INCIDENT_STARTS, false}},
	{"denial-of-service", {INCIDENT_DISRUPTION, SOURCE, INCIDENT_STARTS, true}},
	{"domain-c2", {INCIDENT_BEACON, REMOTE, INCIDENT_STARTS, true}},
	{"exploit-kit", {INCIDENT_ACCESS_ATTEMPT, REMOTE, INCIDENT_STARTS, false}},
	{"external-ip-check", {INCIDENT_OTHER, CLIENT, INCIDENT_NOTED, false}},
	{"icmp-event", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"inappropriate-content", {INCIDENT_POLICY, CLIENT, INCIDENT_NOTED, false}},
	{"misc-activity", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"misc-attack", {INCIDENT_OTHER, REMOTE, INCIDENT_JOINS, false}},
	{"network-scan", {INCIDENT_SCAN, SOURCE, INCIDENT_STARTS, false}},
	{"non-standard-protocol", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"not-suspicious", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"policy-violation", {INCIDENT_POLICY, CLIENT, INCIDENT_NOTED, false}},
	{"protocol-command-decode", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"pup-activity", {INCIDENT_POLICY, REMOTE, INCIDENT_NOTED, false}},
	{"rpc-portmap-decode", {INCIDENT_SCAN, SOURCE, INCIDENT_JOINS, false}},
	{"shellcode-detect", {INCIDENT_ACCESS_ATTEMPT, SOURCE, INCIDENT_STARTS, false}},
	{"social-engineering", {INCIDENT_ACCESS_ATTEMPT, REMOTE, INCIDENT_JOINS, false}},
	{"string-detect", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"successful-admin", {INCIDENT_ACCESS, CLIENT, INCIDENT_STARTS, true}},
	{"successful-dos", {INCIDENT_DISRUPTION, SOURCE, INCIDENT_STARTS, true}},
	{"successful-recon-largescale", {INCIDENT_ACCESS, CLIENT, INCIDENT_STARTS, true}},
	{"successful-recon-limited", {INCIDENT_ACCESS, CLIENT, INCIDENT_JOINS, true}},
	{"successful-user", {INCIDENT_ACCESS, CLIENT, INCIDENT_STARTS, true}},
	{"suspicious-filename-detect", {INCIDENT_OTHER, REMOTE, INCIDENT_JOINS, false}},
	{"suspicious-login", {INCIDENT_ACCESS_ATTEMPT, CLIENT, INCIDENT_JOINS, false}},
	{"system-call-detect", {INCIDENT_OTHER, REMOTE, INCIDENT_JOINS, false}},
	{"targeted-activity", {INCIDENT_MALWARE, REMOTE, INCIDENT_STARTS, true}},
	{"tcp-connection", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"trojan-activity", {INCIDENT_MALWARE, REMOTE, INCIDENT_STARTS, true}},
	{"unknown", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"unsuccessful-user", {INCIDENT_ACCESS_ATTEMPT, CLIENT, INCIDENT_JOINS, false}},
	{"unusual-client-port-connection", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"web-application-activity", {INCIDENT_OTHER, SOURCE, INCIDENT_NOTED, false}},
	{"web-application-attack", {INCIDENT_ACCESS_ATTEMPT, SOURCE, INCIDENT_STARTS, false}},
};

/* What `dewline_act` in a rule's metadata means: its author has thought about it, so it starts an
 * incident, except where the word itself says that nobody was attacked. */
static const struct meaning acts[INCIDENT_ACTS] = {
	[INCIDENT_OTHER] = {INCIDENT_OTHER, REMOTE, INCIDENT_JOINS, false},
	[INCIDENT_SCAN] = {INCIDENT_SCAN, SOURCE, INCIDENT_STARTS, false},
	[INCIDENT_ACCESS_ATTEMPT] = {INCIDENT_ACCESS_ATTEMPT, SOURCE, INCIDENT_STARTS, false},
	[INCIDENT_ACCESS] = {INCIDENT_ACCESS, CLIENT, INCIDENT_STARTS, true},
	[INCIDENT_MALWARE] = {INCIDENT_MALWARE, REMOTE, INCIDENT_STARTS, true},
	[INCIDENT_BEACON] = {INCIDENT_BEACON, REMOTE, INCIDENT_STARTS, true},
	[INCIDENT_EXFILTRATION] = {INCIDENT_EXFILTRATION, REMOTE, INCIDENT_STARTS, true},
	[INCIDENT_DISRUPTION] = {INCIDENT_DISRUPTION, SOURCE, INCIDENT_STARTS, true},
	[INCIDENT_DESTRUCTION] = {INCIDENT_DESTRUCTION, SOURCE, INCIDENT_STARTS, true},
	[INCIDENT_POLICY] = {INCIDENT_POLICY, CLIENT, INCIDENT_NOTED, false},
};

/* Detectors without signatures. Of a scan the source acts; of what calls out, its server. An upload
 * may be somebody's backup: it belongs to an incident, and makes none. */
static const struct {
	const char *event;
	struct meaning means;
} behaviours[] = {
	{"scan.ports", {INCIDENT_SCAN, SOURCE, INCIDENT_STARTS, false}},
	{"scan.hosts", {INCIDENT_SCAN, SOURCE, INCIDENT_STARTS, false}},
	{"beacon", {INCIDENT_BEACON, REMOTE, INCIDENT_STARTS, true}},
	{"scan.slow", {INCIDENT_SCAN, SOURCE, INCIDENT_STARTS, false}},
	{"scan.distributed", {INCIDENT_SCAN, SOURCE, INCIDENT_STARTS, false}},
	{"bruteforce.guessing", {INCIDENT_ACCESS_ATTEMPT, SOURCE, INCIDENT_STARTS, false}},
	{"bruteforce.spraying", {INCIDENT_ACCESS_ATTEMPT, SOURCE, INCIDENT_STARTS, false}},
	{"bruteforce.distributed", {INCIDENT_ACCESS_ATTEMPT, SOURCE, INCIDENT_STARTS, false}},
	{"dns.dga", {INCIDENT_BEACON, REMOTE, INCIDENT_STARTS, false}},
	{"dns.exfiltration", {INCIDENT_EXFILTRATION, REMOTE, INCIDENT_STARTS, true}},
	{"exfiltration.icmp", {INCIDENT_EXFILTRATION, REMOTE, INCIDENT_STARTS, true}},
	{"exfiltration.upload", {INCIDENT_EXFILTRATION, REMOTE, INCIDENT_JOINS, true}},
	{"flood.spoofed", {INCIDENT_DISRUPTION, NOBODY, INCIDENT_STARTS, false}},
	{"flood.reflection", {INCIDENT_DISRUPTION, NOBODY, INCIDENT_STARTS, false}},
};

struct slice incident_meta(const struct record_alert *a, struct slice key)
{
	for (size_t i = 0; i < a->metas; i++)
		if (slice_equal(a->meta[i].key, key))
			return a->meta[i].value;
	return (struct slice){NULL, 0};
}

/* An alert without a classtype we know is judged by its severity: 1 and 2 may join an incident. */
static struct meaning alert_means(const struct record_alert *a)
{
	struct slice word = incident_meta(a, SLICE("dewline_act"));

	for (size_t i = 0; word.len != 0 && i < INCIDENT_ACTS; i++)
		if (slice_equal(word, slice_of(incident_act_names[i])))
			return acts[i];
	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (slice_equal(a->classtype, slice_of(classes[i].name)))
			return classes[i].means;
	return (struct meaning){
		INCIDENT_OTHER, SOURCE,
		a->severity == 1 || a->severity == 2 ? INCIDENT_JOINS : INCIDENT_NOTED, false};
}

/* Networks that no one routes between: RFC 1918, 3927, 4193, 4291 2.5.6. */
static bool is_private(const struct addr *a)
{
	static const struct addr_prefix nets[] = {
		{{4, {10}}, 8},	       {{4, {172, 16}}, 12}, {{4, {192, 168}}, 16},
		{{4, {169, 254}}, 16}, {{6, {0xfc}}, 7},     {{6, {0xfe, 0x80}}, 10},
	};

	for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++)
		if (addr_prefix_holds(&nets[i], a))
			return true;
	return false;
}

/* Which end is inside: 1 the client, 2 the server, 0 not exactly one. Party files decide; where
 * they do not tell the ends apart, private addresses do. */
static int inside(const struct addr *client, const struct addr *server, const struct party *parties,
		  size_t n)
{
	bool c = party_of_addr(parties, n, client) != NULL;
	bool s = party_of_addr(parties, n, server) != NULL;

	if (c == s) {
		c = is_private(client);
		s = is_private(server);
	}
	return c == s ? 0 : c ? 1 : 2;
}

/* Emerging Threats' attack_target: 1 the client is attacked, 2 the server, 0 it does not say. */
static int attack_target(const struct record_alert *a)
{
	struct slice word = incident_meta(a, SLICE("attack_target"));

	if (slice_equal(word, SLICE("Client_Endpoint")) ||
	    slice_equal(word, SLICE("Mobile_Client")) || slice_equal(word, SLICE("SMB_Client")))
		return 1;
	return slice_equal(word, SLICE("Server")) || slice_ends(word, SLICE("_Server")) ? 2 : 0;
}

/* The rule's own word: dewline_actor src, dst, client or server. */
static const struct addr *actor_named(const struct record *r, const struct addr *client,
				      const struct addr *server)
{
	struct slice word = incident_meta(&r->u.alert, SLICE("dewline_actor"));

	if (slice_equal(word, SLICE("src")))
		return &r->src;
	if (slice_equal(word, SLICE("dst")))
		return &r->dst;
	if (slice_equal(word, SLICE("client")))
		return client;
	return slice_equal(word, SLICE("server")) ? server : NULL;
}

static const struct addr *actor_find(const struct record *r, enum sense sense,
				     const struct party *parties, size_t n)
{
	bool back = slice_equal(r->direction, SLICE("to_client"));
	const struct addr *client = back ? &r->dst : &r->src, *server = back ? &r->src : &r->dst;
	const struct addr *named = NULL;
	int where = inside(client, server, parties, n), aim = 0;

	if (r->kind == RECORD_ALERT) {
		named = actor_named(r, client, server);
		aim = attack_target(&r->u.alert);
	}
	if (named != NULL)
		return named;
	if (sense == REMOTE)
		return where == 2 ? client : server;
	if (aim != 0)
		return aim == 1 ? server : client;
	return sense == CLIENT ? client : &r->src;
}

/* A name was looked up: the machine that answers is a resolver, not who is behind the name. (A
 * tunnel straight to its server is seen by behaviour; there only a server on the asker's own side
 * is a resolver.) */
static bool is_lookup(const struct record *r, enum sense sense, const struct party *parties,
		      size_t n)
{
	const struct party *home = party_of_addr(parties, n, &r->src);

	if (sense != REMOTE)
		return false;
	if (r->kind == RECORD_ALERT)
		return slice_equal(r->app_proto, SLICE("dns")) &&
		       incident_meta(&r->u.alert, SLICE("dewline_actor")).len == 0;
	if (slice_equal(r->u.anomaly.event, SLICE("dns.dga")))
		return true;
	return slice_equal(r->u.anomaly.event, SLICE("dns.exfiltration")) &&
	       ((home != NULL && party_of_addr(parties, n, &r->dst) == home) ||
		is_private(&r->dst));
}

bool incident_classify(const struct record *r, const struct party *parties, size_t party_count,
		       struct incident_event *out)
{
	struct meaning m = {.act = INCIDENT_ACTS};
	const struct addr *actor;

	if (r->kind == RECORD_ALERT) {
		m = alert_means(&r->u.alert);
	} else if (r->kind == RECORD_ANOMALY &&
		   slice_equal(r->u.anomaly.type, SLICE("behaviour"))) {
		for (size_t i = 0; i < sizeof behaviours / sizeof behaviours[0]; i++)
			if (slice_equal(r->u.anomaly.event, slice_of(behaviours[i].event)))
				m = behaviours[i].means;
	}
	if (m.act == INCIDENT_ACTS || r->src.family == 0 || r->dst.family == 0)
		return false;
	actor = actor_find(r, m.sense, parties, party_count);
	*out = (struct incident_event){.act = m.act,
				       .weight = m.weight,
				       .done = m.done,
				       .actor = *actor,
				       .target = actor == &r->src ? r->dst : r->src};
	if (m.sense == NOBODY) {
		out->target = r->dst;
		out->actor = (struct addr){0};
	} else if (is_lookup(r, m.sense, parties, party_count)) {
		/* whoever asked is the target, even if the answer matched */
		bool back = slice_equal(r->direction, SLICE("to_client"));

		out->target = back ? r->dst : r->src;
		out->actor = (struct addr){0};
	}
	return true;
}

struct addr_prefix incident_target_net(const struct addr *a, const struct party *parties,
				       size_t party_count)
{
	struct addr_prefix best = {*a, (uint8_t)(addr_bytes(a) * 8)};
	const struct party *p = party_of_addr(parties, party_count, a);
	int longest = -1;

	for (size_t i = 0; p != NULL && i < p->network_count; i++) {
		if ((int)p->networks[i].bits > longest && addr_prefix_holds(&p->networks[i], a)) {
			best = p->networks[i];
			longest = best.bits;
		}
	}
	return best;
}

const struct fact *incident_fact(const struct fact_set *s, uint64_t leaf)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->facts[mid].leaf == leaf)
			return &s->facts[mid];
		if (s->facts[mid].leaf < leaf)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}
