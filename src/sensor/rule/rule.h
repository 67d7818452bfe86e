/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/rule/rule.h - the Suricata rule language as text: one line to one rule.
 *
 * Reads rule files, variables and classification.config into values; knows the grammar (header,
 * options, escapes, quoting, continuation lines) but no keyword's meaning: that is sensor/detect,
 * but for the options every rule has (msg, sid, rev, gid, classtype, priority). Errors are data:
 * each bad line is reported as file:line with what was expected, and the others load. Follows
 * docs.suricata.io/en/suricata-8.0.6/rules/intro.html.
 *
 *	ACTION PROTO ADDRS PORTS (-> | => | <>) ADDRS PORTS (keyword; keyword:value; ...)
 *
 * A line that ends in a backslash goes on in the next; a line whose first character is # says
 * nothing; a line ends in LF or CR LF. Address and port expressions are sets:
 *
 *	SET     = EXPR *("," EXPR)
 *	EXPR    = ["!"] ("any" | "$" NAME | "[" SET "]" | LITERAL)
 *	LITERAL = 192.0.2.1 | 192.0.2.0/24 | 192.0.2.0/255.255.255.0 | 192.0.2.1-192.0.2.9
 *		  (IPv6 alike) | 80 | 80:90 | 1024: | :1023
 *
 * A list is the union of its members without "!", or everything if it has none, less the union of
 * those with "!". A list inside a list, and a variable, is a set of its own (Suricata flattens them
 * into the list around them, which only matters where a negated member meets a positive one that
 * stands outside its own list). A set that holds nothing is an error.
 *
 * Everything lives in the arena given; texts handed in are copied. Pure.
 */
#ifndef DEW_SENSOR_RULE_H
#define DEW_SENSOR_RULE_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

enum {
	RULE_BYTES_MAX = 65536, /* one rule, lines joined; Suricata's limit is 8192 */
	RULE_NEST_MAX = 32,	/* lists and variables within one another in an expression */
	RULE_NAME_MAX = 64,	/* bytes of a keyword's or a variable's name */
	RULE_PRIORITY_MAX = 255,
	RULE_PRIORITY_DEFAULT = 3 /* without priority: and classtype: */
};

enum rule_action {
	RULE_ALERT,
	RULE_PASS,
	RULE_DROP,
	RULE_REJECT,
	RULE_REJECT_SRC,
	RULE_REJECT_DST,
	RULE_REJECT_BOTH
};

struct rule_option {
	struct slice keyword; /* "content" */
	struct slice value;   /* as written behind the colon, trimmed, quotes and escapes kept; ptr
				 NULL: no value */
};

/* Sorted, disjoint ranges with a gap between any two; the complement is already taken. any: they
 * hold everything. */
struct rule_port_set {
	struct rule_port_range {
		uint16_t lo, hi;
	} * ranges;
	size_t count;
	bool any;
};

struct rule_addr_set {
	struct rule_addr_range {
		struct addr lo, hi; /* inclusive, same family */
	} * ranges;
	size_t count;
	bool any;
};

bool rule_ports_hold(const struct rule_port_set *s, uint16_t port);
bool rule_addrs_hold(const struct rule_addr_set *s, const struct addr *a);

struct rule {
	enum rule_action action;
	bool config; /* the word was config: it is there for its effects, and never an alert */
	struct slice proto;		       /* as written: "tcp", "http", "tcp-pkt" */
	const struct rule_addr_set *src, *dst; /* shared between rules that say the same */
	const struct rule_port_set *sport, *dport;
	bool both_ways;	    /* <> */
	bool transactional; /* =>: about both sides of a transaction, which the first one began */
	struct rule_option *options;
	size_t option_count;
	/* the options every rule has, already read */
	struct slice msg, classtype; /* msg unescaped */
	uint64_t sid, rev, gid;
	uint64_t priority;	  /* priority:, else the classtype's, else 3 */
	struct slice category;	  /* the classtype's description; "" if unknown */
	struct slice *references; /* addresses of its reference: options, in their order */
	size_t reference_count;
	struct slice file; /* base name */
	uint32_t line;	   /* first line of the rule */
	struct slice text; /* the whole rule */
};

/* One bad line, or one rule that detect could not compile. */
struct rule_problem {
	struct slice file;
	uint32_t line;
	uint64_t sid;	      /* 0: not known */
	struct slice keyword; /* the keyword that is not supported; ptr NULL: a syntax error */
	struct slice text;    /* one sentence */
	bool warning;	      /* no error: no rule is lost by it, or one that has had its day */
};

/* ---- threshold.config: one line of it ---- */

enum rule_limit_kind { RULE_LIMIT_SUPPRESS, RULE_LIMIT_THRESHOLD, RULE_LIMIT_RATE };
enum rule_limit_type { RULE_TYPE_LIMIT, RULE_TYPE_THRESHOLD, RULE_TYPE_BOTH };
enum rule_limit_track {
	RULE_TRACK_SRC,
	RULE_TRACK_DST,
	RULE_TRACK_BOTH, /* the two addresses together */
	RULE_TRACK_RULE,
	RULE_TRACK_FLOW,
	RULE_TRACK_EITHER /* suppress: one of the two */
};

struct rule_limit {
	enum rule_limit_kind kind;
	uint32_t gid, sid;	   /* sid 0: all of the gid; both 0: all rules */
	enum rule_limit_type type; /* of RULE_LIMIT_THRESHOLD */
	enum rule_limit_track track;
	uint32_t count, seconds, timeout;
	enum rule_action action;	   /* RULE_LIMIT_RATE: what it turns a match into */
	const struct rule_addr_set *addrs; /* RULE_LIMIT_SUPPRESS; NULL: whoever it is */
	struct slice file;
	uint32_t line;
};

struct rule_set {
	struct rule *rules;
	size_t count, room;
	struct rule_problem *problems;
	size_t problem_count, problem_room;
	struct rule_vars *vars;		    /* address and port variables */
	struct rule_classes *classes;	    /* classifications */
	struct rule_references *references; /* what reference: systems mean */
	struct rule_index *index;	    /* gid and sid of every rule */
	struct rule_limit *limits;	    /* in the order of threshold.config */
	size_t limit_count, limit_room;
	size_t warning_count; /* problems that are only warnings */
	uint64_t skipped;     /* rules that by their requires: are not for this engine */
	bool (*knows_keyword)(struct slice name); /* for requires: keyword; NULL: all are known */
	struct arena *arena;
	uint64_t lines;
};

/* How many problems are rules that do not load. */
static inline size_t rule_set_failed(const struct rule_set *s)
{
	return s->problem_count - s->warning_count;
}

/* An empty set with Suricata's default variables (HOME_NET = private ranges, EXTERNAL_NET =
 * !HOME_NET, HTTP_SERVERS = HOME_NET, HTTP_PORTS = 80, ...) and default classifications. */
MUST_USE enum status rule_set_init(struct rule_set *s, struct arena *arena, struct fail *why);

/* Takes the default variables away: a configuration that is given says all there are. */
void rule_set_forget_vars(struct rule_set *s);

/* Sets $name to an address or port expression, as `vars:` of suricata.yaml would; it may name
 * variables that are known. Rules loaded before keep what they were compiled with. */
MUST_USE enum status rule_set_var(struct rule_set *s, struct slice name, struct slice value,
				  struct fail *why);

/* classification.config; lines "config classification: short,description,priority". A name that is
 * known gets the new meaning for the rules that load later; bad lines become problems. */
MUST_USE enum status rule_set_classes(struct rule_set *s, struct slice file, struct slice text,
				      struct fail *why);

/* reference.config; lines "config reference: system prefix". A system that is known gets the new
 * meaning for the rules that load later; bad lines become warnings. */
MUST_USE enum status rule_set_references(struct rule_set *s, struct slice file, struct slice text,
					 struct fail *why);

/* threshold.config; after the variables that it names. Bad lines become warnings. */
MUST_USE enum status rule_set_limits(struct rule_set *s, struct slice file, struct slice text,
				     struct fail *why);

/* Adds every rule of the text; bad lines become problems. Same gid and sid: the higher rev stays,
 * as Suricata, and the other becomes a problem. Fails only on no memory. */
MUST_USE enum status rule_set_load(struct rule_set *s, struct slice file, struct slice text,
				   struct fail *why);

/* Records a problem of a file that is no rule's: a variable, a file that is not there. line 0: of
 * no line. */
void rule_set_trouble(struct rule_set *s, struct slice file, uint32_t line, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* The same, but a warning. */
void rule_set_warn(struct rule_set *s, struct slice file, uint32_t line, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Records a problem with rule r, or a warning. If the budget is spent it is lost, and
 * arena->exhausted says so. */
void rule_set_problem(struct rule_set *s, const struct rule *r, bool warning, struct slice keyword,
		      const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Puts the problems in the order in which a person reads: by file, then line. */
void rule_set_problems_sort(struct rule_set *s);

/* By gid, then sid. */
int rule_id_compare(const struct rule *a, const struct rule *b);
/* The rules in that order; NULL: no memory. */
const struct rule **rule_set_sorted(const struct rule_set *s, struct arena *a);

/* Parses an address or port expression ("[10.0.0.0/8,!10.1.0.0/16,$HOME_NET]", "![80,443:]"). Two
 * expressions that mean the same give the same pointer. */
MUST_USE enum status rule_addrs_parse(struct rule_set *s, struct slice text,
				      const struct rule_addr_set **out, struct fail *why);
MUST_USE enum status rule_ports_parse(struct rule_set *s, struct slice text,
				      const struct rule_port_set **out, struct fail *why);

/* content's value: optional !, quotes, |hex| and escapes (\" \; \\ \:) to bytes in the arena. */
MUST_USE enum status rule_content_parse(struct slice value, struct arena *a, bool *out_negated,
					struct slice *out, struct fail *why);

#endif
