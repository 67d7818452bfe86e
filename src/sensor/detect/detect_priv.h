/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/detect/detect_priv.h - what the files of this module share.
 *
 *	kw_*.c		one keyword (or one family) each: text to operand, operand to answer
 *	compile.c	one rule: its options in order, to a struct detect_rule
 *	build.c		all rules: order, groups, pattern databases
 *	prefilter.h	bytes to candidate rules: prefilter.c, groups.c, addresses.c
 *	dataset.h	sets of values: dataset.c, dataset_save.c
 *	inspect.c	one buffer against one rule's list of steps, with backtracking
 *	worker.c, txs.c	packets, streams and transactions to hits
 *	state.c		what is remembered: flow bits, host bits, thresholds
 *	gear.c		from one set of rules to another while flows are open
 */
#ifndef DEW_SENSOR_DETECT_PRIV_H
#define DEW_SENSOR_DETECT_PRIV_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"
#include "base/time.h"
#include "sensor/app/app.h"
#include "sensor/decode/decode.h"
#include "sensor/detect/dataset.h"
#include "sensor/detect/detect.h"
#include "sensor/detect/prefilter.h"
#include "sensor/flow/flow.h"
#include "sensor/rule/rule.h"
#include "sensor/stream/stream.h"

enum {
	DETECT_LISTS_MAX = 32,	/* buffers of one rule: bits of a uint32_t */
	DETECT_DRAFTS_MAX = 40, /* those and what base64_data looks at */
	DETECT_STEPS_MAX = 128, /* contents, pcre and so on in one buffer of a rule */
	DETECT_TESTS_MAX = 32,	/* header tests of one rule */
	DETECT_VARS_MAX = 32,	/* byte_extract and byte_math variables of one rule */
	DETECT_TRANSFORMS_MAX = 8,
	DETECT_BASE64_MAX = 65535,
	DETECT_GROWING_MIN = 32 << 10, /* bytes of a body before it is first looked at unfinished */
	DETECT_GROWING_STEP = 16 << 10,
	DETECT_BUFFERS_MAX = 512, /* distinct (field, transforms) of a rule set */
};

struct detect_compiler;
struct detect_gear;
struct detect_inspect;
struct detect_reputation;
struct detect_geo;
struct detect_rule;

/* What a test or a buffer is taken from. Fixed while one rule after the other is asked. */
struct detect_view {
	struct detect_worker *worker;
	const struct packet *packet; /* NULL at the end of a flow */
	struct flow *flow;	     /* NULL: none */
	enum flow_dir dir;
	const struct addr *src, *dst; /* as the looked-at bytes travel; NULL: no IP */
	uint16_t sport, dport;
	uint8_t proto;
	bool stream; /* looking at stream bytes, not at the packet */
	bool established;
	struct slice payload;	       /* packet payload or stream bytes */
	struct app_tx *tx;	       /* NULL outside of transactions */
	bool new_files;		       /* those that have had their event do not count */
	const struct app_frame *frame; /* NULL outside of frames */
	struct wall_ns now;
};

/* What a keyword is for whoever writes rules. By default it follows from the functions of its row.
 */
enum detect_kind {
	KIND_BY_ROW,
	KIND_BUFFER,	/* a sticky buffer */
	KIND_TRANSFORM, /* of the buffer before it */
	KIND_MODIFIER,	/* of the content before it */
	KIND_STEP,
	KIND_TEST,
	KIND_EFFECT,
};

/* One row of the keyword table. A row has compile and one of: test (about a packet or flow), step
 * (about bytes, one answer), find (about bytes, several answers), after (an effect of a match). */
struct detect_keyword {
	const char *name;
	const char *doc;
	uint8_t cost; /* tests of one rule are asked cheapest first */
	enum status (*compile)(struct detect_compiler *c, const struct detect_keyword *kw,
			       struct slice value, struct fail *why);
	bool (*test)(const void *operand, const struct detect_view *v);
	bool (*step)(const void *operand, struct detect_inspect *in);
	void (*after)(const void *operand, const struct detect_view *v);
	/* a sticky buffer of the packet's own; ptr NULL: this packet has none */
	struct slice (*bytes)(const struct detect_view *v, struct arena *scratch);
	/* rows of families */
	bool (*get)(const struct detect_view *v, uint64_t *out); /* kw_uint: the number */
	const char *field;					 /* kw_buffer: the modern name */
	enum detect_kind kind;
	bool bare;	  /* takes no value */
	bool limits_size; /* its range is about the bytes that contents are looked for in */
	bool refused;	  /* known, and not to be had: doc says why */
	uint8_t which;	  /* any family: which row this is, to its own compile */
};

/* Opens the rows of the file kw_<name>.c; the word in meson.build is <name>. */
#define KEYWORD(name)                                                                              \
	extern const struct detect_keyword detect_kw_##name[];                                     \
	const struct detect_keyword detect_kw_##name[]

/* Every keyword file's rows, each ended by name == NULL; NULL-terminated. */
extern const struct detect_keyword *const detect_keywords[];

const struct detect_keyword *detect_keyword_find(struct slice name);

/* --- operands that more than one file needs --- */

/* A number in the rule, or a variable of byte_extract / byte_math. */
struct detect_num {
	int64_t value;
	int8_t var; /* index + 1, or 0: value */
};

struct detect_content {
	struct slice bytes;			 /* folded to lower case if nocase */
	bool nocase, negated, starts, ends, raw; /* raw: rawbytes */
	bool has_offset, has_depth, has_distance, has_within;
	bool fast_only, fast_chosen;
	struct detect_num offset, depth, distance, within;
	uint16_t chop_at, chop_len; /* fast_pattern:offset,length; len 0: all of it */
};

enum detect_cmp {
	CMP_EQ,
	CMP_NE,
	CMP_LT,
	CMP_LE,
	CMP_GT,
	CMP_GE,
	CMP_IN, /* between a and b, without them */
	CMP_OUT,
	CMP_MASK, /* the bits of a are b */
	CMP_MASK_NE,
};

/* "5", "!5", "<5", ">=5", "3<>9", "3-9", "!3-9", "&0xf0=0x10", "2kb"; rules/integer-keywords */
struct detect_range {
	enum detect_cmp op;
	uint64_t a, b;
};

struct detect_step {
	const struct detect_keyword *kw;
	const void *operand;
	bool relative;	    /* looks from where the step before stopped */
	bool next_relative; /* a later step looks from where this one stopped */
};

struct detect_transform {
	const struct detect_keyword *kw;
	const void *operand;
	/* Changed bytes in arena, or `in` itself; ptr NULL: nothing to look at. */
	struct slice (*run)(const void *operand, struct slice in, struct arena *arena);
	const struct detect_pcre *pcre; /* instead of run */
};

/* A place bytes come from: an application field after its transforms, the payload, or a part of the
 * packet. */
struct detect_buffer {
	struct slice name;				     /* "http.uri"; "payload" */
	const struct detect_keyword *packet;		     /* the row that gives it; NULL: none */
	const struct app_field *field[DETECT_PROTOCOLS_MAX]; /* by protocol; all NULL: payload */
	uint16_t frame[DETECT_PROTOCOLS_MAX]; /* by protocol: app_frame.type + 1; 0: none */
	struct detect_transform transform[DETECT_TRANSFORMS_MAX];
	uint8_t transforms;
	bool payload, is_frame;
	uint16_t index; /* in detect_rules.buffers */
};

struct detect_list {
	const struct detect_buffer *buffer;
	struct detect_step *steps;
	uint32_t count;
	bool if_absent; /* holds where the buffer does not exist */
};

struct detect_test {
	const struct detect_keyword *kw;
	const void *operand;
	struct slice value; /* as the rule wrote it */
};

/* kw_ip.c: may it hold for packets of that IP protocol? True if that is not known. */
bool detect_test_allows(const struct detect_test *t, uint8_t proto);

enum { /* flow: */
       FLOWKW_TO_SERVER = 1,
       FLOWKW_TO_CLIENT = 2,
       FLOWKW_ESTABLISHED = 4,
       FLOWKW_NOT_ESTABLISHED = 8,
       FLOWKW_STATELESS = 16,
       FLOWKW_ONLY_STREAM = 32,
       FLOWKW_NO_STREAM = 64,
       FLOWKW_GIVEN = 128,
       FLOWKW_ONLY_FRAG = 256,
       FLOWKW_NO_FRAG = 512,
};

enum detect_track { TRACK_BY_SRC, TRACK_BY_DST, TRACK_BY_BOTH, TRACK_BY_RULE, TRACK_BY_FLOW };

struct detect_threshold {
	enum {
		THRESHOLD_LIMIT,
		THRESHOLD_EVERY,
		THRESHOLD_BOTH,
		THRESHOLD_BACKOFF,
		THRESHOLD_FILTER,
		THRESHOLD_RATE /* so many make another action of it, for so long */
	} kind;
	enum detect_track track;
	uint32_t count, seconds, multiplier, timeout;
	enum rule_action action; /* THRESHOLD_RATE */
	const struct detect_threshold *next;
};

/* From threshold.config: whose alerts are not wanted. */
struct detect_suppress {
	const struct rule_limit *limit;
	const struct detect_suppress *next;
};

enum detect_where {		     /* what a rule looks at: bits */
		    LOOK_PACKET = 1, /* packets, whatever they carry */
		    LOOK_STREAM = 2, /* the reassembled stream; packets the stream did not take */
		    LOOK_TX = 4,
		    LOOK_ADDRESS = 8, /* addresses only: once per flow and direction */
		    LOOK_FRAME = 16,
};

struct detect_rule {
	const struct rule *rule;
	uint32_t order; /* index in detect_rules.rules: the order of asking */
	uint8_t rank;	/* of its action, in the order of asking */
	uint8_t look;
	uint8_t dirs;	    /* bit FLOW_TO_SERVER, bit FLOW_TO_CLIENT */
	uint8_t ip_version; /* 0: any */
	uint16_t flow_flags;
	bool any_proto, noalert, alert, has_vars;
	bool both_sides;    /* of a transaction: it asks for request and response at once */
	bool app_only;	    /* bound to application protocols: apps */
	bool has_files;	    /* asks for files of a transaction: once more for each new one */
	uint64_t protos[4]; /* IP protocol numbers */
	uint64_t apps;	    /* bit i: app_protocols[i] */
	struct detect_list *packet_lists; /* about headers: asked with the tests */
	uint32_t packet_list_count;
	struct detect_list *lists;
	uint32_t list_count;
	int32_t payload_list; /* index in lists, -1: none */
	struct detect_test *tests;
	uint32_t test_count;
	struct detect_test *tx_tests; /* about the transaction: events */
	uint32_t tx_test_count;
	struct detect_test *after;
	uint32_t after_count;
	bool has_hook; /* nothing is asked before the transaction has come so far */
	uint8_t hook_dir;
	uint8_t *hook_progress; /* by protocol */
	const struct detect_threshold *threshold, *filter, *rate;
	const struct detect_suppress *suppress;
	/* enum detect_use: for the order */
	uint8_t bit_use, int_use, var_use, packet_var_use, host_use, pair_use;
	/* fast pattern */
	const struct detect_content *fast;
	uint32_t fast_list;
};

enum detect_use { USE_NONE, USE_READ, USE_READ_SET, USE_SET };

/* One name's number, for flow bits, flow integers, host bits. */
struct detect_names {
	struct slice *names;
	size_t count, room;
	uint32_t *index; /* hash table of number + 1; 0: free */
	size_t index_room;
};

/* --- bounds.c: what one look may cost, and how much of a stream it takes --- */

struct detect_bounds {
	uint32_t steps;			   /* tried in one inspection of one buffer */
	uint32_t pcre_matches, pcre_depth; /* PCRE2's limits, for each call */
	size_t chunk[2];		   /* bytes of a stream, by enum flow_dir */
};

/* config NULL: Suricata's defaults. */
void detect_bounds_read(struct config *config, struct detect_bounds *out);

struct detect_key {
	uint64_t key; /* detect_rule_key() */
	uint32_t rule;
};

struct detect_rules {
	uint32_t version;	 /* one more than of those that were there before */
	struct detect_key *keys; /* by key: `count` of them */
	struct detect_bounds bounds;
	struct detect_rule *rules; /* in the order of asking */
	size_t count;
	struct detect_buffer **buffers;
	size_t buffer_count;
	struct detect_names flow_bits, flow_ints, host_bits, tx_bits;
	struct detect_dataset *datasets;
	uint32_t dataset_count;
	uint8_t wants_hashes;			    /* enum file_hash: some rule compares them */
	bool wants_types;			    /* some rule asks for types of files */
	const struct detect_reputation *reputation; /* kw_iprep.c; NULL: no rule asks */
	const struct detect_geo *geo;		    /* kw_geoip.c; the same */
	struct detect_prefilter *prefilter;
	struct detect_pcre **pcres; /* to be freed */
	size_t pcre_count, pcre_room;
	struct arena *arena;
};

/* --- compile.c: one rule --- */

struct detect_draft_list {
	const struct detect_buffer *buffer; /* NULL: what base64_decode gives */
	struct detect_step steps[DETECT_STEPS_MAX];
	uint32_t count;
	bool absent;
	bool transformed; /* a transform made another buffer of it */
};

struct detect_compiler {
	struct detect_rules *rules;
	struct arena *arena;
	const struct rule *rule;
	struct slice value; /* of the option being read */
	struct detect_rule *out;
	struct detect_draft_list *lists[DETECT_LISTS_MAX];
	uint32_t list_count;
	struct detect_draft_list *current;    /* where the next step goes */
	struct detect_draft_list *last;	      /* where the step before went; NULL: none yet */
	bool sticky;			      /* a sticky buffer was named */
	const struct detect_options *options; /* may be NULL */
	struct detect_file_tests *files;      /* kw_file.c; NULL: none */
	struct detect_content *content;	      /* the last one: modifiers change it; NULL: none */
	struct detect_base64 *decode;	      /* the last one; NULL: none */
	struct detect_base64 *base64[DETECT_TESTS_MAX];
	uint32_t base64_count;
	struct detect_test tests[DETECT_TESTS_MAX], tx_tests[DETECT_TESTS_MAX],
		after[DETECT_TESTS_MAX];
	uint32_t test_count, tx_test_count, after_count;
	struct slice vars[DETECT_VARS_MAX];
	uint8_t var_count;
	bool wants_packet; /* a test is about one packet's header */
	bool packet_only;  /* one of the kind that goes with nothing but packets */
	bool stream_size;
	uint64_t event_apps; /* protocols that have the events asked for */
	struct detect_draft_list drafts[DETECT_DRAFTS_MAX]; /* reused from rule to rule */
	uint32_t drafts_used;
};

/* Compiles one rule; on failure *out_keyword says which keyword is at fault (ptr NULL: the rule).
 */
MUST_USE enum status detect_rule_compile(struct detect_compiler *c, const struct rule *r,
					 struct detect_rule *out, struct slice *out_keyword,
					 struct fail *why);

/* --- check.c: of what was compiled --- */
MUST_USE enum status detect_rule_check(const struct detect_compiler *c, struct fail *why);

MUST_USE enum status detect_add_test(struct detect_compiler *c, const struct detect_keyword *kw,
				     const void *operand, struct fail *why);
MUST_USE enum status detect_add_tx_test(struct detect_compiler *c, const struct detect_keyword *kw,
					const void *operand, struct fail *why);
MUST_USE enum status detect_add_after(struct detect_compiler *c, const struct detect_keyword *kw,
				      const void *operand, struct fail *why);
MUST_USE enum status detect_add_step(struct detect_compiler *c, const struct detect_keyword *kw,
				     const void *operand, bool relative, struct fail *why);
/* The rule's list for the buffer of that name (made if new); "payload" for the packet's bytes. */
MUST_USE enum status detect_list_for(struct detect_compiler *c, struct slice field,
				     struct detect_draft_list **out, struct fail *why);
/* The same, and steps go there from now on. */
MUST_USE enum status detect_stick(struct detect_compiler *c, struct slice field, struct fail *why);
/* The current buffer, changed by t, becomes the current one. */
MUST_USE enum status detect_add_transform(struct detect_compiler *c,
					  const struct detect_transform *t, struct slice value,
					  struct fail *why);
struct detect_draft_list *detect_draft_new(struct detect_compiler *c); /* NULL: too many */
/* Index of a name, added if new; -1 when memory is spent. */
int detect_name_index(struct detect_names *n, struct arena *a, struct slice name);
/* A number or the name of a variable already defined. */
MUST_USE bool detect_num_parse(struct detect_compiler *c, struct slice s, int64_t least,
			       int64_t most, struct detect_num *out);
MUST_USE enum status detect_var_add(struct detect_compiler *c, struct slice name, uint8_t *out,
				    struct fail *why);
MUST_USE bool detect_range_parse(struct slice s, uint64_t most, struct detect_range *out);
/* "3-9", "3<>9", "!3-9", where 3 and 9 belong to it; false: it is no such range. */
MUST_USE bool detect_range_with_ends(struct slice s, struct detect_range *out);
bool detect_range_holds(const struct detect_range *r, uint64_t v);
uint64_t detect_apps_named(struct slice proto); /* bits of app_protocols[] that a rule means */
void detect_use_add(uint8_t *use, bool sets);

/* kw_uint.c: the range of one of its tests. */
const struct detect_range *detect_uint_range(const void *operand);

/* --- field_number.c --- */

/* What is asked of the numbers that one thing has; the grammar is in field_number.c. */
struct detect_number {
	struct detect_range compare, times; /* of FLAGS: CMP_MASK */
	enum { INDEX_ANY, INDEX_ALL, INDEX_TIMES, INDEX_AT, INDEX_COUNT } index;
	bool outside; /* INDEX_AT: holds where there is no such index */
	bool absent;  /* holds where there are no numbers */
	int64_t at;
	bool cut;
	int64_t from, to; /* cut: negative ones count from the end */
};

MUST_USE bool detect_number_parse(struct slice value, uint64_t most, const struct app_word *words,
				  struct detect_number *out);
/* values: an array of uint64_t, as a field has them. If it is empty, o->absent is for the caller.
 */
bool detect_number_holds(const struct detect_number *o, struct slice values);
/* The keyword of a field that is not APP_BYTES. */
MUST_USE enum status detect_number_add(struct detect_compiler *c, const struct app_field *f,
				       struct slice value, struct fail *why);

/* kw_content.c */
extern const struct detect_keyword *const detect_content_keyword;
/* Next place of c in `in` at or behind *from, within its limits relative to in->pos; false: none.
 * *out_end is the offset behind it. */
bool detect_content_find(const struct detect_content *c, const struct detect_inspect *in,
			 size_t *from, size_t *out_end);
size_t detect_search(struct slice hay, struct slice needle, bool nocase); /* SIZE_MAX: none */

/* kw_buffer.c: the name that a buffer had before it was called as now, or name itself: Suricata's
 * events use it. */
struct slice detect_old_name(struct slice name);

/* kw_pcre.c */
struct detect_pcre;
extern const struct detect_keyword *const detect_pcre_keyword;
bool detect_pcre_negated(const struct detect_pcre *p);
/* Next match whose start is at or behind *from; sets *from to one behind that start. */
bool detect_pcre_find(const struct detect_pcre *p, struct detect_inspect *in, size_t *from,
		      size_t *out_end);
struct detect_pcre_worker;
/* Compiles an expression without flags for a transform: its first group is the result. */
MUST_USE enum status detect_pcre_new(struct detect_compiler *c, struct slice expression,
				     struct detect_pcre **out, struct fail *why);
/* The first group of p in s, or s itself where p does not match. */
struct slice detect_pcre_group(const struct detect_pcre *p, const struct detect_pcre_worker *w,
			       struct slice s);
void detect_pcre_jit(struct detect_pcre *p); /* any thread, one pcre in one thread */
void detect_pcre_free(struct detect_pcre *p);
struct detect_pcre_worker; /* what matching writes to */
struct detect_pcre_worker *detect_pcre_worker_new(const struct detect_bounds *b, struct arena *a);
void detect_pcre_worker_free(struct detect_pcre_worker *w);

/* kw_file.c */
struct detect_file_tests;
/* One of the tests is filestore. */
bool detect_files_store(const struct detect_file_tests *o);
/* The rule looks in these directions. */
void detect_files_bound(struct detect_file_tests *o, uint8_t dirs, bool both_sides);
/* kw_iprep.c: whose address a test is about, "any", "src", "dst" or "both". */
enum detect_sides { SIDES_ANY, SIDES_SRC, SIDES_DST, SIDES_BOTH };
MUST_USE bool detect_sides_parse(struct slice word, enum detect_sides *out);
typedef bool detect_address_fn(const void *operand, const struct addr *a);
/* v has addresses. */
bool detect_sides_hold(enum detect_sides sides, const struct detect_view *v,
		       detect_address_fn *holds, const void *operand);
/* kw_frame.c: fills in b->frame for "NAME", or "PROTOCOL.NAME"; false: nobody has such frames. */
bool detect_frames_named(struct detect_buffer *b, uint64_t apps, struct slice name);

/* frames.c: the frames of f's protocol that rules have not looked at yet. */
void detect_frames(struct detect_worker *w, const struct packet *p, struct flow *f,
		   enum flow_dir dir, bool last);

/* kw_base64.c */
struct detect_base64 {
	uint32_t bytes, offset;
	bool relative;
	const struct detect_list *data; /* the steps behind base64_data; NULL: none */
	struct detect_draft_list *draft;
};
enum detect_base64_mode {
	BASE64_LOOSE,	/* blanks and line ends are skipped, else as RFC4648 */
	BASE64_STRICT,	/* nothing but digits, padded to four; else there is no result */
	BASE64_RFC2045, /* what is no digit is skipped */
	BASE64_RFC4648, /* the first that is no digit is the end */
};
struct slice detect_base64_decode(struct slice in, enum detect_base64_mode mode, struct arena *a);

/* --- inspect.c --- */

/* What all rules may do with one packet: steps, and bytes that cost as much as one. */
enum {
	DETECT_WORK_PACKET = 2 << 20,
	DETECT_PCRE_BYTES = 32,
	DETECT_CONTENT_BYTES = 1024,
};
#define DETECT_WORK_OVER UINT32_MAX

struct detect_inspect {
	const struct detect_view *view;
	const struct detect_rule *rule;
	struct detect_worker *worker;
	struct slice bytes;
	size_t pos;    /* where the step before stopped */
	int64_t *vars; /* of the rule: the worker's */
	struct arena *scratch;
	uint32_t work; /* steps tried; DETECT_WORK_OVER: given up */
	bool little;   /* the transaction's numbers are (DCE/RPC) */
	bool has_vars;
};

/* All steps of the list hold in bytes. */
bool detect_inspect_list(const struct detect_rule *r, const struct detect_list *l,
			 struct slice bytes, const struct detect_view *v);
bool detect_inspect_steps(const struct detect_step *steps, size_t count, struct detect_inspect *in);
int64_t detect_num_value(const struct detect_num *n, const struct detect_inspect *in);

/* What goes with the next alert of a rule: one member of its "context". */
struct detect_context {
	const struct detect_rule *rule;
	struct slice key, json;
};

enum { DETECT_CONTEXTS_MAX = 32 /* of one packet */ };

/* The later of two with one key and rule counts. json lives until the next packet. */
void detect_context_add(const struct detect_inspect *in, struct slice key, struct slice json);

/* A named string that pcre captured. */
struct detect_var {
	struct slice name, value;
	struct detect_var *next;
};

enum {
	DETECT_CAPTURES_MAX = 8,	 /* groups of one pcre that are kept */
	DETECT_CAPTURE_MAX = 4096,	 /* bytes kept of one */
	DETECT_VAR_BYTES_MAX = 64 << 10, /* of all variables a flow ever had */
};

/* What pcre captured while a rule is asked: it becomes a variable only if the rule matches. */
struct detect_capture {
	struct slice name, value; /* value: of the bytes looked at, valid while the rule is asked */
	bool of_packet;
};

enum { DETECT_CAPTURED_MAX = 32 /* of one rule */ };

struct detect_worker;
/* Of two with one name the later counts. */
void detect_capture_add(struct detect_worker *w, const struct detect_capture *c);
/* v's rule matched. */
void detect_captures_keep(const struct detect_view *v);

/* Sets a variable in *list, in a; `used` counts what was ever kept. A value that does not fit is
 * not kept. */
void detect_var_set(struct detect_var **list, struct arena *a, uint32_t *used, struct slice name,
		    struct slice value);
const struct detect_var *detect_var_find(const struct detect_var *list, struct slice name);

struct detect_flow {
	struct detect_var *vars;
	struct detect_measure *measures;
	uint32_t var_bytes;
	uint64_t raw[2];	/* stream bytes looked at */
	uint64_t txs_seen[2];	/* transactions made, without a last one that is incomplete */
	uint8_t addresses_done; /* bit dir: address rules were asked */
	uint64_t *bits;		/* flow bits */
	uint32_t *ints;
	uint8_t *int_set;
	uint32_t bit_words, int_room; /* of the three */
	uint32_t version;	      /* of the rules for which there is room */
};

/* What the keyword entropy found in a buffer. */
struct detect_measure {
	struct slice name;
	int64_t value; /* in 10^-18 */
	struct detect_measure *next;
};

/* Sets it in a, the flow's arena. name is borrowed; each is one of a rule's buffers, so there are
 * few. */
void detect_measure_set(struct detect_flow *f, struct arena *a, struct slice name, int64_t value);

/* f->detect, made if needed; NULL: no flow or no memory. */
struct detect_flow *detect_flow_state(const struct detect_view *v);

/* --- gear.c --- */

uint64_t detect_rule_key(const struct detect_rule *r); /* gid and sid: the same in other sets */
MUST_USE bool detect_keys_build(struct detect_rules *r);
/* Bits have the numbers that they have in `before`; NULL: there is none. */
MUST_USE bool detect_names_inherit(struct detect_rules *r, const struct detect_rules *before);
void detect_worker_equip(struct detect_worker *w, struct detect_gear *g);
/* Room for what rules r remember, and what is remembered already. False: no memory, unchanged. */
MUST_USE bool detect_flow_fit(struct detect_flow *d, const struct detect_rules *r, struct arena *a);
/* For rules r, which have so many engines in each direction. False: no memory. */
MUST_USE bool detect_tx_renew(struct detect_tx *d, const struct detect_rules *r,
			      const uint32_t engines[2], struct arena *a);

/* Entries by (kind, id, addresses or flow): thresholds and host bits. */
#ifdef DEW_FUZZING /* made anew for each input, and full within one */
enum { DETECT_MEMORY_MAX = 1 << 4, DETECT_MEMORY_PART = 1 << 3, DETECT_MEMORY_BUCKETS = 1 << 2 };
#else
enum {
	DETECT_MEMORY_MAX = 1 << 16, /* entries of a worker alone */
	DETECT_MEMORY_PART = 1 << 13 /* entries of a part of what workers share */
};
#endif
enum { DETECT_MEMORY_CHAIN_MAX = 32 }; /* entries of one bucket */

struct detect_memory_key {
	uint64_t id, flow; /* id: rule's key or bit; flow: flow id or 0 */
	struct addr a, b;
	uint8_t kind;
};

struct detect_memory_entry {
	struct detect_memory_key key;
	struct detect_memory_entry *next;
	struct wall_ns start;
	uint64_t count, next_value;
	uint32_t hash;
	bool used;
};

struct detect_memory {
	struct detect_memory_entry **buckets, *entries;
	size_t room; /* entries; a quarter as many buckets */
	size_t used; /* entries ever handed out; from `room` on the oldest is reused */
	uint64_t evicted;
};

/* room: a power of two, 4 at least. */
MUST_USE bool detect_memory_init(struct detect_memory *m, struct arena *a, size_t room);
/* The memory that k belongs to, which is the caller's until it is given back. */
struct detect_memory *detect_memory_take(struct detect_worker *w,
					 const struct detect_memory_key *k);
void detect_memory_give(struct detect_worker *w, const struct detect_memory_key *k);
struct detect_memory_entry *detect_memory_find(struct detect_memory *m,
					       const struct detect_memory_key *k);
struct detect_memory_entry *detect_memory_add(struct detect_memory *m,
					      const struct detect_memory_key *k);
void detect_memory_remove(struct detect_memory *m, const struct detect_memory_key *k);

enum detect_passage {
	PASSAGE_NO,	/* it is as if the rule had not matched (but it counts) */
	PASSAGE_SILENT, /* no alert, but what the rule does is done */
	PASSAGE_YES
};

/* Counts a match. THRESHOLD_RATE: PASSAGE_NO means that its action is to be taken. */
enum detect_passage detect_threshold_passes(struct detect_memory *m,
					    const struct detect_threshold *t, uint64_t rule_key,
					    const struct detect_view *v);
/* The same in the memory of v's worker. */
enum detect_passage detect_threshold_asks(const struct detect_threshold *t, uint64_t rule_key,
					  const struct detect_view *v);

/* --- limits.c: threshold.config --- */

/* To the rules that compiled; set->limits that name none become warnings. */
MUST_USE enum status detect_limits_apply(struct detect_rules *r, struct rule_set *set,
					 struct fail *why);
bool detect_suppressed(const struct detect_rule *r, const struct detect_view *v);

/* --- worker.c --- */

struct detect_tx {
	uint8_t seen[2], complete[2];
	bool looked[2];
	uint64_t ran[2][2];  /* bit i: engine i of that direction is through */
	uint32_t *passed[2]; /* by engine: values of a growing field looked at for good */
	uint32_t *grown[2];  /* by engine: bytes of a growing value looked at */
	uint32_t engines[2]; /* room of the two */
	uint32_t version;    /* of the rules */
	uint32_t moves[2];   /* of the files */
	bool growing[2];     /* a field may still grow */
	uint64_t *bits;	     /* xbits of it; NULL: none was ever set */
	uint64_t anomalies;
	struct detect_pending {
		uint64_t key; /* of the rule */
		uint32_t rule;
		uint32_t matched; /* bit i: list i holds */
		uint32_t files;	  /* that there were when it fired; 0: it has not */
		uint8_t dir;	  /* a rule may fire once in each direction */
		bool dead, fired;
	} * pending;
	size_t count, room;
};

enum {
	DETECT_QUEUE_MAX = 1024, /* matches of one packet */
	DETECT_ALERTS = 15,	 /* alerts of one packet; Suricata's packet-alert-max default */
	DETECT_ALERTS_MAX = 255, /* at most */
};

struct detect_match {
	const struct detect_rule *rule;
	struct app_tx *tx;
	const struct app_frame *frame;
	struct slice context; /* JSON object; ptr NULL: none */
	enum flow_dir dir;
	enum rule_action action; /* the rule's, or what a rate filter made of it */
	bool stream;
};

enum { DETECT_TAGS_MAX = 256 };

/* kw_tag.c */
struct detect_tag {
	uintptr_t maker; /* which keyword of which rule; 0: free */
	uint8_t metric;	 /* kw_tag.c's own */
	uint32_t limit;
	struct addr host; /* family 0: of a flow */
	uint64_t flow;
	struct wall_ns start;
	uint64_t packets, bytes;
	uint32_t matches;
	bool begun; /* the packet that made it is through */
};

struct detect_tags {
	struct detect_tag items[DETECT_TAGS_MAX];
	size_t count;
};

enum { DETECT_HELD_MAX = 64 };

/* Whether a set of addresses, which many rules share, holds an address of the view at hand. */
struct detect_held {
	const struct rule_addr_set *set;
	uint32_t asked[2]; /* the view in which it was, about the source and the destination */
	bool holds[2];
};

struct detect_worker {
	const struct detect_rules *rules;
	struct detect_gear *gear; /* whose seen, pcre, candidates and costs these are */
	struct detect_held held[DETECT_HELD_MAX];
	uint32_t views;			  /* made */
	int64_t numbers[DETECT_VARS_MAX]; /* byte_extract and byte_math, of the rule being asked */
	struct detect_dataset_changes changes;
	bool remembered; /* a match had an effect since this was cleared */
	struct detect_context contexts[DETECT_CONTEXTS_MAX]; /* of the packet */
	uint32_t context_count;
	struct detect_capture captured[DETECT_CAPTURED_MAX]; /* of the rule being asked */
	uint32_t captured_count;
	struct detect_var *vars; /* of the packet, in packet_arena */
	uint32_t var_bytes;
	struct arena packet_arena; /* reset when the next packet comes */
	struct arena *process;
	uint32_t work_left;   /* of DETECT_WORK_PACKET */
	struct arena scratch; /* transforms and base64; reset after each call */
	struct detect_sink sink;
	struct detect_seen seen;
	struct detect_pcre_worker *pcre;
	struct detect_candidates candidates;
	struct detect_shared *shared; /* NULL: memory */
	struct detect_memory memory;
	struct detect_tags tags;
	struct detect_tx tx_none; /* stands for a transaction without memory */
	struct detect_counters counters;
	struct detect_cost *costs;	    /* by rule; NULL: nobody wants to know */
	struct stream_events stream_events; /* of the packet looked at */
	size_t alerts_max;		    /* of one packet */
	size_t queued;
	struct detect_match queue[DETECT_QUEUE_MAX]; /* of the packet, until detect_finish() */
};

void detect_view_of(struct detect_view *v, struct detect_worker *w, const struct packet *p,
		    struct flow *f, enum flow_dir dir);
/* Addresses, ports, protocol, flow state, application and header tests of r hold. */
bool detect_header_holds(const struct detect_rule *r, const struct detect_view *v);
/* r matched: its effects, and into the queue. */
void detect_fire(const struct detect_rule *r, const struct detect_view *v);
void detect_queue_add(struct detect_worker *w, const struct detect_rule *r,
		      const struct detect_view *v);
/* Transforms of b on bytes. */
struct slice detect_buffer_transform(const struct detect_buffer *b, struct slice bytes,
				     struct detect_worker *w);
int detect_protocol_index(const struct app_protocol *p); /* -1: none */

/* --- bits of flows and of hosts (kw_flowbits.c, kw_hostbits.c) --- */

enum detect_bit_act { /* those up to TOGGLE change the bit, the others ask for it */
		      DETECT_BIT_SET,
		      DETECT_BIT_UNSET,
		      DETECT_BIT_TOGGLE,
		      DETECT_BIT_ISSET,
		      DETECT_BIT_ISNOTSET,
};

/* "set", "isnotset", letters in either case; false, and *out untouched, for any other word. */
MUST_USE bool detect_bit_act_parse(struct slice word, enum detect_bit_act *out);

#endif
