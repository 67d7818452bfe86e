/* SPDX-License-Identifier: Apache-2.0
 * The first byte picks a rule that names a file, the rest is the file: values of sets in every
 * form, reputations, digests. Either the rule is refused with a reason, or what was loaded is found
 * again and a packet is looked at. */
#include "sensor/config/config.h"
#include "sensor/detect/detect_fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DNS "alert dns any any -> any any (dns.query; "
#define FILE_RULE "alert http any any -> any any ("
#define IP "alert ip any any -> any any ("

static const char *const rules[] = {
	DNS "dataset:isset,s,type string,load f; sid:1;)",
	DNS "dataset:isset,s,type md5,load f; sid:1;)",
	DNS "dataset:isset,s,type sha256,load f; sid:1;)",
	DNS "dataset:isset,s,type ipv4,load f; sid:1;)",
	DNS "dataset:isset,s,type ip,load f; sid:1;)",
	DNS "datarep:s,>,1,type string,load f; sid:1;)",
	DNS "datarep:s,>,1,type ip,load f; sid:1;)",
	DNS "dataset:isset,s,type string,load f,format json,value_key a.b,array_key c,"
	    "context_key k,remove_key; sid:1;)",
	DNS "dataset:isset,s,type ip,load f,format ndjson,value_key a,context_key k; sid:1;)",
	FILE_RULE "filemd5:f; sid:1;)",
	FILE_RULE "filesha1:!f; sid:1;)",
	FILE_RULE "filesha256:f; sid:1;)",
	IP "iprep:any,Bad,>,1; sid:1;)",
	IP "iprep:both,Bad,isset; sid:1;)",
};

struct files {
	struct slice text;
	bool categories; /* the text is that file's */
};

static enum status read_file(void *ctx, const struct rule *rule, struct slice name, struct arena *a,
			     struct slice *out, struct fail *why)
{
	const struct files *f = ctx;
	bool categories = slice_equal(name, SLICE("categories"));

	if (categories != f->categories)
		*out = categories ? SLICE("1,Bad,x\n2,Good,y\n")
				  : SLICE("10.0.0.0/8,1,9\n2001:db8::/32,2,1\n");
	else
		*out = arena_copy(a, f->text);
	return ST_OK;
}

/* What a file lists is in the set, unless a worker took it away. */
static void check_set(const struct detect_dataset *d, struct arena *a)
{
	struct detect_dataset_changes c;
	size_t n = 0;

	ASSERT(detect_dataset_changes_new(&c, a, a->pool));
	for (size_t i = 0; i < d->bucket_count; i++)
		for (const struct detect_dataset_entry *e = d->buckets[i]; e != NULL;
		     e = e->next, n++) {
			const struct detect_dataset_entry *found = detect_dataset_find(d, e->key);

			ASSERT(found != NULL && slice_equal(found->key, e->key));
			ASSERT(detect_dataset_holds(&c, d, e->key));
			if (n >= 64)
				continue;
			ASSERT(detect_dataset_change(&c, d, e->key, false));
			ASSERT(!detect_dataset_holds(&c, d, e->key));
			ASSERT(detect_dataset_change(&c, d, e->key, true));
		}
	ASSERT(n == d->count);
	arena_reset(&c.arena);
}

static void look(struct fixture *x)
{
	struct fail why = {0};
	struct packet p;

	ASSERT(detect_worker_new(x->rules, NULL, &x->process, &x->pool,
				 (struct detect_sink){x, fixture_hit, NULL}, &x->worker,
				 &why) == ST_OK);
	detect_worker_alerts_max(x->worker, DETECT_ALERTS_MAX);
	fixture_flow(x, IP_PROTO_UDP, 53);
	p = fixture_packet(x, FLOW_TO_SERVER, SLICE("x"));
	fixture_look(x, &p, FLOW_TO_SERVER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice all = {data, size};
	uint8_t how = size == 0 ? 0 : data[0];
	const char *rule = rules[how % (sizeof rules / sizeof rules[0])];
	struct files files = {slice_from(all, 1), (how & 128) != 0};
	struct fixture x = {.pool = {.budget = 16 << 20}, .fixed = {.budget = 64 << 20}};
	struct detect_options options = {.read = read_file, .read_ctx = &files};
	struct fail why = {0};

	x.process.pool = &x.fixed;
	options.config = config_new(&x.process);
	ASSERT(options.config != NULL);
	ASSERT(config_set(options.config, SLICE("reputation-categories-file"), SLICE("categories"),
			  &why) == ST_OK);
	ASSERT(config_load(options.config, SLICE("f"),
			   SLICE("%YAML 1.1\n---\nreputation-files:\n - list\n"), NULL,
			   &why) == ST_OK);
	ASSERT(rule_set_init(&x.set, &x.process, &why) == ST_OK);
	ASSERT(rule_set_load(&x.set, SLICE("t"), slice_of(rule), &why) == ST_OK);
	ASSERT(detect_compile(&x.set, &options, &x.process, &x.rules, &why) == ST_OK);
	ASSERT(detect_rules_count(x.rules) + x.set.problem_count == 1);
	if (x.set.problem_count != 0)
		ASSERT(x.set.problems[0].text.len != 0);
	for (const struct detect_dataset *d = x.rules->datasets; d != NULL; d = d->next)
		check_set(d, &x.process);
	if (x.set.problem_count == 0)
		look(&x);
	fixture_done(&x);
	ASSERT(x.pool.out == 0 && x.fixed.out == 0);
	return 0;
}
