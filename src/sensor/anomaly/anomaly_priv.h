/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/anomaly/anomaly_priv.h - what detectors share: rooms, subjects, and saying something.
 *
 * A subject is what a detector keeps counts for: a source and a port, a client and a server, a
 * client and a domain. A table grows as far as its detector's share of the memory goes; then one
 * subject makes room for each new one: a newcomer, as long as newcomers have a quarter of the
 * room, else the one touched longest ago of those that were touched ANOMALY_LASTING times or more.
 * So a flood of sources that come once cannot push out those that come again (segmented LRU:
 * Karedla, Love, Wherry, Caching Strategies to Improve Disk System Performance, 1994). No random
 * numbers: the same flows give the same records. Times are not negative (the pipeline sees to it),
 * so that their differences fit.
 */
#ifndef DEW_SENSOR_ANOMALY_ANOMALY_PRIV_H
#define DEW_SENSOR_ANOMALY_ANOMALY_PRIV_H

#include "crypto/crypto.h"
#include "sensor/anomaly/anomaly.h"

enum {
	ANOMALY_CHUNK = 32,	   /* subjects that a table grows by */
	ANOMALY_LASTING = 4,	   /* touches that make a newcomer a lasting subject */
	ANOMALY_SILENCES = 7,	   /* silences between records double so often, less one */
	ANOMALY_SETTINGS_MAX = 12, /* of one detector */
	ANOMALY_NETS_MAX = 256,	   /* of home, of exempt */
	ANOMALY_TEXT_MAX = 512,	   /* bytes of a summary */
	ANOMALY_NAME_MAX = 255,	   /* RFC 1035 2.3.4 */
};

/* Between the first two records on one subject. */
#define ANOMALY_SILENCE_NS (30 * 60 * TIME_NS_PER_S)

struct anomaly_key {
	uint8_t kind, proto;
	uint16_t port;
	struct addr a, b;
	uint64_t text; /* hash of text that belongs to the key, else 0 */
};

/* The first member of every detector's own subject. */
struct anomaly_subject {
	struct anomaly_key key;
	uint32_t chain;	       /* next of the same bucket; links are index + 1, 0 is none */
	uint32_t hash;	       /* of the key */
	uint32_t older, newer; /* by last touch, of the same segment */
	uint8_t touches;       /* up to ANOMALY_LASTING: then it is a lasting one */
	uint8_t said;	       /* records on it, up to ANOMALY_SILENCES */
	struct wall_ns said_at;
};

struct anomaly_segment {
	uint32_t oldest, newest, count;
};

struct anomaly_table {
	struct arena *arena; /* borrowed: where it grows */
	uint8_t **chunks;    /* of ANOMALY_CHUNK subjects each */
	uint32_t *buckets;
	const uint8_t *hash_key; /* borrowed: CRYPTO_SIP_BYTES */
	size_t size;		 /* bytes of one */
	uint32_t room, used, bucket_count;
	bool full;	    /* memory went before the room did */
	uint64_t forgotten; /* subjects that made room */
	struct anomaly_segment newcomers, lasting;
};

/* An empty table that grows to `bytes` at most, its index included; false if not even that fits. */
MUST_USE bool anomaly_table_init(struct anomaly_table *t, struct arena *a, size_t size,
				 size_t bytes, const uint8_t hash_key[CRYPTO_SIP_BYTES]);

/* The subject of that key: found, or zeroed and new. Never NULL; valid until the next call. */
void *anomaly_subject_get(struct anomaly_table *t, const struct anomaly_key *key);
/* NULL if there is none; not touched. */
void *anomaly_subject_find(struct anomaly_table *t, const struct anomaly_key *key);

/* True if it is time to say something about the subject; then it counts as said. silence_ns after
 * the first record comes the second, while it goes on, and each silence is twice as long as the one
 * before, up to 64 times the first; after three times its silence it is new. So what is regular and
 * known costs a person six records on the first day, with ANOMALY_SILENCE_NS, and one a day later.
 */
bool anomaly_may_say(struct anomaly_subject *s, struct wall_ns now, int64_t silence_ns);

struct anomaly_nets {
	struct addr_prefix *nets;
	size_t count;
};

/* What all detectors of a worker are told. */
struct anomaly_site {
	uint8_t hash_key[CRYPTO_SIP_BYTES];
	struct anomaly_nets home, exempt;
	struct record_sink out;
	uint64_t findings;
};

/* One detector of one worker. */
struct anomaly_room {
	const struct anomaly_detector *detector;
	struct anomaly_site *site;
	struct anomaly_table table;
	uint64_t set[ANOMALY_SETTINGS_MAX]; /* of detector->settings[i] */
	void *state;			    /* detector->state_bytes */
	size_t bytes;			    /* its share */
};

uint64_t anomaly_hash(const struct anomaly_room *r, struct slice s); /* keyed */
uint64_t anomaly_hash_addr(const struct anomaly_room *r, const struct addr *a, uint64_t more);
uint64_t anomaly_hash_key(const struct anomaly_room *r, const struct anomaly_key *key);

static inline int64_t anomaly_seconds(const struct anomaly_room *r, unsigned setting)
{
	return (int64_t)r->set[setting] * TIME_NS_PER_S;
}

/* To a server that is not of the home networks. */
bool anomaly_goes_out(const struct anomaly_room *r, const struct anomaly_flow *f);
/* Group and broadcast addresses answer nobody. */
bool anomaly_is_group(const struct addr *a);
/* The server never took part: a TCP session that was not accepted, or accepted and at once reset
 * without a byte of payload; of what has no session, nothing came back. */
bool anomaly_is_unanswered(const struct anomaly_flow *f);

/* A name's domain, and what was said to it, the part before. Without a list of public suffixes the
 * domain is the last two labels, or three where the second is as short as in "co.uk" under a
 * country's two letters. False: nothing was said, or it is a reverse lookup. */
bool anomaly_name_split(struct slice name, struct slice *out_said, struct slice *out_domain);
/* The domain alone, whether or not something stands before it. False: it has no dot. */
bool anomaly_name_domain(struct slice name, struct slice *out_domain);
uint64_t anomaly_name_hash(const struct anomaly_room *r, struct slice s); /* case does not matter */
/* How little its letters, digits and hyphens follow one another as in English: thousandths of a bit
 * a character (name.c). */
uint64_t anomaly_name_surprise(struct slice label);

void anomaly_sort(int64_t *v, size_t n);

/* A sentence in fixed memory; what does not fit is cut. */
struct anomaly_text {
	char z[ANOMALY_TEXT_MAX];
	size_t len;
};

void anomaly_text_add(struct anomaly_text *t, struct slice s);
void anomaly_text_z(struct anomaly_text *t, const char *z);
void anomaly_text_number(struct anomaly_text *t, uint64_t v);
void anomaly_text_seconds(struct anomaly_text *t, int64_t ns);	      /* "5.0" */
void anomaly_text_addr(struct anomaly_text *t, const struct addr *a); /* "::1" */
void anomaly_text_port(struct anomaly_text *t, uint16_t port);	      /* "8080" */
void anomaly_text_peer(struct anomaly_text *t, const struct addr *a,
		       uint16_t port); /* "[::1]:80" */

/* What a detector found. src is who did it. */
struct anomaly_finding {
	const char *event;
	const struct anomaly_text *summary;
	const char *measure; /* what was measured: "hosts", "bytes", "spread_milli" */
	uint64_t measured, threshold;
	int64_t window_ns; /* over which it was measured at most */
	uint64_t score_milli, observations;
	struct wall_ns at, first, last;
	uint16_t dport; /* 0: none */
};

/* Writes a record on flow f (client as src, server as dst) to the sink. */
void anomaly_say(struct anomaly_room *r, const struct anomaly_flow *f,
		 const struct anomaly_finding *finding);

#endif
