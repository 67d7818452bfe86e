/* SPDX-License-Identifier: Apache-2.0
 *
 * sensor/rule/rule.h - the Suricata rule language as text: one line to one rule.
 *
 * Reads rule files, variables, classification.config and reference.config into values; knows the
 * grammar (header, options, escapes, quoting, continuation lines) but no keyword's meaning: that is
 * sensor/detect. Errors are data: each bad line is reported as file:line with what was expected,
 * and the others load. Follows docs.suricata.io/en/suricata-8.0.6/rules/intro.html.
 *
 * Everything lives in the arena given. Pure.
 */
#ifndef DEW_SENSOR_RULE_H
#define DEW_SENSOR_RULE_H

#include "base/addr.h"
#include "base/arena.h"
#include "base/slice.h"
#include "base/status.h"

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

/* Sorted, disjoint ranges; the complement is already taken. any: matches everything. */
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
	struct slice proto;		       /* as written: "tcp", "http", "tcp-pkt" */
	const struct rule_addr_set *src, *dst; /* shared between rules that say the same */
	const struct rule_port_set *sport, *dport;
	bool both_ways; /* <> */
	struct rule_option *options;
	size_t option_count;
	/* the options every rule has, already read */
	struct slice msg, classtype; /* msg unescaped */
	uint64_t sid, rev, gid;
	uint64_t priority;     /* priority:, else the classtype's, else 3 */
	struct slice category; /* the classtype's description; "" if unknown */
	struct slice file;     /* base name */
	uint32_t line;	       /* first line of the rule */
	struct slice text;     /* the whole rule */
};

/* One bad line, or one rule that detect could not compile. */
struct rule_problem {
	struct slice file;
	uint32_t line;
	uint64_t sid;	      /* 0: not known */
	struct slice keyword; /* the keyword that is not supported; ptr NULL: a syntax error */
	struct slice text;    /* one sentence */
};

struct rule_set {
	struct rule *rules;
	size_t count, room;
	struct rule_problem *problems;
	size_t problem_count, problem_room;
	struct rule_vars *vars;	      /* address and port variables */
	struct rule_classes *classes; /* classifications */
	struct arena *arena;
	uint64_t lines;
};

/* An empty set with Suricata's default variables (HOME_NET = private ranges, EXTERNAL_NET =
 * !HOME_NET, HTTP_SERVERS = HOME_NET, HTTP_PORTS = 80, ...) and default classifications. */
MUST_USE enum status rule_set_init(struct rule_set *s, struct arena *arena, struct fail *why);

/* Sets $name to an address or port expression, as `vars:` of suricata.yaml would. Before rules
 * load. */
MUST_USE enum status rule_set_var(struct rule_set *s, struct slice name, struct slice value,
				  struct fail *why);

/* classification.config; lines "config classification: short,description,priority". */
MUST_USE enum status rule_set_classes(struct rule_set *s, struct slice file, struct slice text,
				      struct fail *why);

/* Adds every rule of the text; bad lines become problems. Same sid: the higher rev stays, as
 * Suricata. Fails only on no memory. */
MUST_USE enum status rule_set_load(struct rule_set *s, struct slice file, struct slice text,
				   struct fail *why);

/* Records a problem with rule r. */
void rule_set_problem(struct rule_set *s, const struct rule *r, struct slice keyword,
		      const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Parses an address or port expression ("[10.0.0.0/8,!10.1.0.0/16,$HOME_NET]", "![80,443:]"). */
MUST_USE enum status rule_addrs_parse(struct rule_set *s, struct slice text,
				      const struct rule_addr_set **out, struct fail *why);
MUST_USE enum status rule_ports_parse(struct rule_set *s, struct slice text,
				      const struct rule_port_set **out, struct fail *why);

/* content's value: optional !, quotes, |hex| and escapes (\" \; \\ \:) to bytes in the arena. */
MUST_USE enum status rule_content_parse(struct slice value, struct arena *a, bool *out_negated,
					struct slice *out, struct fail *why);

#endif
