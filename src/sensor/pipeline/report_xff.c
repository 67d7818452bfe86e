/* SPDX-License-Identifier: Apache-2.0
 * Who a proxy says it speaks for: the address in X-Forwarded-For or a header of that kind. */
#include "sensor/pipeline/report_priv.h"

#include "base/addr.h"

/* The value of request header `name`, from a field of the protocol that gives "name: value". */
static struct slice header_value(const struct app_protocol *protocol, struct app_tx *tx,
				 struct slice name)
{
	for (const struct app_field *field = protocol->fields; field != NULL && field->name != NULL;
	     field++) {
		struct slice line;

		if (strcmp(field->name, "http.request_header") != 0)
			continue;
		for (unsigned n = 0; (line = field->get(tx, APP_TO_SERVER, n)).ptr != NULL; n++) {
			struct slice key = slice_split(&line, ':');

			if (slice_equal_nocase(slice_trim(key), name))
				return slice_trim(line);
		}
	}
	return (struct slice){NULL, 0};
}

/* One address out of "a, b, c": the first if the proxies are the client's, else the last. */
static struct slice pick(struct slice list, bool first)
{
	struct slice part = slice_split(&list, ',');

	while (!first && list.ptr != NULL)
		part = slice_split(&list, ',');
	return slice_trim(part);
}

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80" */
static struct slice bare(struct slice s)
{
	struct addr addr;
	struct slice head = s;

	if (s.len != 0 && s.ptr[0] == '[') {
		head = slice_from(s, 1);
		head = slice_split(&head, ']');
	} else if (!addr_parse(s, &addr)) {
		head = slice_split(&head, ':');
	}
	return addr_parse(head, &addr) ? head : (struct slice){NULL, 0};
}

struct slice report_xff(const struct report_xff_settings *x, const struct flow *f,
			struct app_tx *tx)
{
	struct slice found = {NULL, 0};

	if (f->app == NULL || f->app->protocol == NULL)
		return found;
	if (tx != NULL)
		return bare(pick(header_value(f->app->protocol, tx, x->header), x->forward));
	for (struct app_tx *t = f->app->first; t != NULL && found.len == 0; t = t->next)
		found = bare(pick(header_value(f->app->protocol, t, x->header), x->forward));
	return found;
}
