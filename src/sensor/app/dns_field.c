/* SPDX-License-Identifier: Apache-2.0
 * DNS's rule buffers and numbers, as Suricata 8 defines them (docs/formats/buffers.md). */
#include "sensor/app/dns_priv.h"

#define TO_SERVER (1u << APP_TO_SERVER)
#define TO_CLIENT (1u << APP_TO_CLIENT)

static const struct slice none = {NULL, 0};

static struct slice get_query(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->carried[dir];

	return d != NULL && n < d->question_count ? d->questions[n].name.text : none;
}

/* The owner of record n of a section. */
static struct slice owner(const struct dns *d, int section, unsigned n)
{
	const struct dns_section *s = d != NULL ? &d->sections[section] : NULL;

	return s != NULL && n < s->count ? s->at[n].name.text : none;
}

static struct slice get_answer_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return owner(tx->carried[dir], DNS_ANSWERS, n);
}

static struct slice get_authority_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return owner(tx->carried[dir], DNS_AUTHORITY, n);
}

static struct slice get_additional_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	return owner(tx->carried[dir], DNS_ADDITIONAL, n);
}

/* The name that stands in a record's data; of a SOA the first. */
static struct slice data_name(const struct dns_record *r)
{
	switch (r->type) {
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
	case DNS_MX:
	case DNS_SOA:
		return r->data.name[0].text;
	default:
		return SLICE("");
	}
}

/* Every name of a response: of the questions, then owner and data of each record. */
static struct slice get_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->carried[dir];

	if (d == NULL)
		return none;
	if (n < d->question_count)
		return d->questions[n].name.text;
	n -= (unsigned)d->question_count;
	for (int s = DNS_ANSWERS; s < DNS_SECTIONS; s++) {
		const struct dns_section *section = &d->sections[s];

		if (n < 2 * section->count)
			return n % 2 == 0 ? section->at[n / 2].name.text
					  : data_name(&section->at[n / 2]);
		n -= 2 * (unsigned)section->count;
	}
	return none;
}

static struct slice get_opcode(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->carried[dir];

	return d != NULL ? app_number(&d->opcode) : none;
}

static struct slice get_rcode(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->carried[dir];

	return d != NULL ? app_number(&d->rcode) : none;
}

static struct slice get_rrtypes(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->carried[dir];

	if (d == NULL || d->type_count == 0)
		return none;
	return (struct slice){(const uint8_t *)d->types, d->type_count * sizeof *d->types};
}

static const struct app_word opcodes[] = {{"query", 0},	 {"iquery", 1}, {"status", 2},
					  {"notify", 4}, {"update", 5}, {0}};

static const struct app_word rcodes[] = {{"noerror", 0},  {"formerr", 1},  {"servfail", 2},
					 {"nxdomain", 3}, {"notimp", 4},   {"refused", 5},
					 {"yxdomain", 6}, {"yxrrset", 7},  {"nxrrset", 8},
					 {"notauth", 9},  {"notzone", 10}, {0}};

const struct app_field app_dns_fields[] = {
	{"dns.query", TO_SERVER, APP_STAGE_COMPLETE, false, true, get_query,
	 "Each question's name in a request: labels joined by dots, none at the end."},
	{"dns.queries.rrname", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true, get_query,
	 "Each question's name, in requests and responses."},
	{"dns.answers.rrname", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true,
	 get_answer_name, "Each answer's owner name."},
	{"dns.answer.name", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true, get_answer_name,
	 "Each answer's owner name (Suricata 7's word)."},
	{"dns.authorities.rrname", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true,
	 get_authority_name, "Each authority record's owner name."},
	{"dns.additionals.rrname", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true,
	 get_additional_name, "Each additional record's owner name."},
	{"dns.response.rrname", TO_CLIENT, APP_STAGE_COMPLETE, false, true, get_name,
	 "Each name of a response: questions', and each record's owner and, of NS, CNAME, "
	 "PTR, MX and SOA, the one in its data."},
	{"dns.opcode", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, false, get_opcode,
	 "The opcode.", APP_NUMBERS, opcodes},
	{"dns.rcode", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, false, get_rcode,
	 "The response code in the header, in requests, too.", APP_NUMBERS, rcodes},
	{"dns.rrtype", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, false, get_rrtypes,
	 "Each question's type.", APP_NUMBERS, NULL},
	{0},
};

/* Multicast DNS has no sides: what a host says is a request's or a response's by its own word. */
static struct slice get_response_name(struct app_tx *tx, enum app_dir dir, unsigned n)
{
	const struct dns *d = tx->carried[dir];

	return d != NULL && dns_is_answer(d) ? get_name(tx, dir, n) : none;
}

const struct app_field app_mdns_fields[] = {
	{"mdns.queries.rrname", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true, get_query,
	 "Each question's name."},
	{"mdns.answers.rrname", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true,
	 get_answer_name, "Each answer's owner name."},
	{"mdns.authorities.rrname", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true,
	 get_authority_name, "Each authority record's owner name."},
	{"mdns.additionals.rrname", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true,
	 get_additional_name, "Each additional record's owner name."},
	{"mdns.response.rrname", TO_SERVER | TO_CLIENT, APP_STAGE_COMPLETE, false, true,
	 get_response_name,
	 "Each name of a response: questions', and each record's owner and, of NS, CNAME, "
	 "PTR, MX and SOA, the one in its data."},
	{0},
};
