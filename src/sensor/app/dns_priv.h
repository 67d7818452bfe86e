/* SPDX-License-Identifier: Apache-2.0
 *
 * The parts of the DNS parser: dns.c (messages, transactions), dns_field.c (rule buffers),
 * dns_log.c (events) and dns_text.c (names, numbers, record data).
 */
#ifndef DEW_SENSOR_APP_DNS_PRIV_H
#define DEW_SENSOR_APP_DNS_PRIV_H

#include "base/cursor.h"
#include "sensor/app/app.h"

enum {
	DNS_NAME_MAX = 1025, /* bytes kept of a name as text: Suricata's limit */
	DNS_STEPS_MAX = 255, /* labels and pointers of one name: Suricata's limit */
	DNS_KEPT_MAX = 2048, /* questions, and records of each section, kept of a message */
	DNS_NAMES_BYTES_MAX = 4 << 20, /* bytes of names kept of a message */
};

enum dns_anomaly {
	DNS_MALFORMED,
	DNS_NOT_REQUEST,
	DNS_NOT_RESPONSE,
	DNS_Z_FLAG,
	DNS_OPCODE,
	DNS_NAME_TOO_LONG,
	DNS_LOOP,
	DNS_TOO_MANY_LABELS,
	DNS_ADDITIONALS,
	DNS_AUTHORITIES,
};

enum { /* types whose data is read: IANA DNS parameters */
       DNS_A = 1,
       DNS_NS = 2,
       DNS_CNAME = 5,
       DNS_SOA = 6,
       DNS_NULL = 10,
       DNS_PTR = 12,
       DNS_MX = 15,
       DNS_TXT = 16,
       DNS_AAAA = 28,
       DNS_SRV = 33,
       DNS_OPT = 41,
       DNS_SSHFP = 44,
};

enum { /* bits of the header's flags */
       DNS_FLAG_QR = 0x8000,
       DNS_FLAG_AA = 0x0400,
       DNS_FLAG_TC = 0x0200,
       DNS_FLAG_RD = 0x0100,
       DNS_FLAG_RA = 0x0080,
       DNS_FLAG_Z = 0x0040,
       DNS_FLAG_AD = 0x0020,
       DNS_FLAG_CD = 0x0010,
};

enum { DNS_QUESTIONS, DNS_ANSWERS, DNS_AUTHORITY, DNS_ADDITIONAL, DNS_SECTIONS };

struct dns_header {
	uint16_t id, flags, count[DNS_SECTIONS];
};

struct dns_name {
	struct slice text; /* labels joined by dots, without the last; "" is the root */
	bool cut;	   /* longer than is kept */
};

struct dns_question {
	struct dns_name name;
	uint16_t type;
};

/* The data of a record, as far as its type is known here. */
struct dns_rdata {
	struct slice bytes; /* all of it (A, AAAA, TXT, SSHFP, OPT, others), or what stands beside
			     * the names (SOA: five numbers behind; SRV: three before) */
	struct dns_name name[2]; /* NS, CNAME, PTR, MX, SRV; SOA has two */
};

struct dns_record {
	struct dns_name name;
	uint16_t type;
	uint32_t ttl;
	struct dns_rdata data;
};

struct dns_section {
	struct dns_record *at;
	size_t count, room;
};

struct dns { /* one message, which of DNS itself is one transaction */
	struct dns_header h;
	enum app_dir dir;
	struct arena *arena; /* its memory */
	uint64_t anomalies;  /* bits of enum dns_anomaly */
	struct dns_question *questions;
	size_t question_count, question_room;
	struct dns_section sections[DNS_SECTIONS]; /* [DNS_QUESTIONS] is empty */
	size_t name_bytes;			   /* kept so far */
	/* for rules */
	uint64_t opcode, rcode;
	uint64_t *types;
	size_t type_count, type_room;
};

static inline void dns_anomaly(struct dns *d, enum dns_anomaly a)
{
	d->anomalies |= UINT64_C(1) << a;
}

static inline bool dns_is_answer(const struct dns *d)
{
	return (d->h.flags & DNS_FLAG_QR) != 0;
}

/* dns.c: reads a message, as far as it is well-formed, into d, whatever stood there. False: it is
 * none. What d points to lives in a. */
bool app_dns_read(struct dns *d, struct slice message, enum app_dir dir, struct arena *a);
/* dns.c: what DNS and multicast DNS share. */
struct app_result app_dns_parse(struct app_flow *f, enum app_dir dir, struct slice input, bool eof);
enum app_probe app_dns_probe(const struct app_flow *f, enum app_dir dir, struct slice in,
			     bool port_hint);
extern const char *const app_dns_anomalies[], *const app_dns_frames[];

/* dns_text.c */

/* Reads a name of `message` at c. On a bad name c goes bad and the result is what was read. */
struct dns_name app_dns_name(struct cursor *c, struct slice message, struct dns *d);

/* "A", "65280"; "NOERROR", "12". Text lives in a or for ever. */
struct slice app_dns_type(uint16_t type, struct arena *a);
struct slice app_dns_rcode(uint16_t rcode, struct arena *a);
/* The number of a type's name, in either case; -1: none. */
int32_t app_dns_type_find(struct slice name);

/* Reads a record's data, which lies in `message`. False: it is broken. */
bool app_dns_rdata(uint16_t type, struct slice rdata, struct slice message, struct dns *d,
		   struct dns_rdata *out);
/* "192.0.2.1", "2001:0db8:0000:...": of 4 or 16 bytes; "" of others. Text lives in a. */
struct slice app_dns_address(struct slice bytes, struct arena *a);

/* dns_field.c */
extern const struct app_field app_dns_fields[], app_mdns_fields[];

/* dns_log.c */
bool app_dns_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);
/* The object "dns" of d, a part of a transaction of that id, as an eve-log wants it (asked: what
 * app_dns_log_configure() gave, or NULL). ptr NULL: it does not want it. */
struct slice app_dns_object(const struct dns *d, uint64_t tx_id, const void *asked,
			    struct arena *a);
bool app_mdns_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);
const void *app_dns_log_configure(struct config *root, struct config *node, struct arena *a);

#endif
