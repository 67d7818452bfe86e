/* SPDX-License-Identifier: Apache-2.0
 * What holds for every protocol in the table; a new protocol is tested by being listed. */
#include "sensor/app/app_check.h"
#include "test.h"

static void the_table_is_sound(struct test *t)
{
	EXPECT(t, app_protocols[0] != NULL);
	for (size_t i = 0; app_protocols[i] != NULL; i++) {
		const struct app_protocol *p = app_protocols[i];
		size_t fields = 0, anomalies = 0;

		EXPECT(t, p->name[0] != '\0' && p->spec != NULL && p->probe != NULL);
		EXPECT(t, app_find(slice_of(p->name)) == p); /* unique */
		EXPECT(t, (p->transports & (APP_TCP | APP_UDP)) != 0);
		EXPECT(t, p->parse != NULL || (p->fields == NULL && p->log == NULL));
		for (const struct app_field *f = p->fields; f != NULL && f->name != NULL; f++) {
			EXPECT(t, f->get != NULL && f->doc != NULL);
			EXPECT(t, f->dirs >= 1 && f->dirs <= 3);
			for (enum app_dir d = APP_TO_SERVER; d <= APP_TO_CLIENT; d++)
				EXPECT(t, (f->dirs >> d & 1) == 0 || f->stage < p->complete[d]);
			fields++;
		}
		while (p->anomalies != NULL && p->anomalies[anomalies] != NULL)
			anomalies++;
		EXPECT(t, fields <= APP_FIELDS_MAX && anomalies <= APP_ANOMALIES_MAX);
	}
	EXPECT(t, app_find(SLICE("no such")) == NULL);
}

static void a_field_is_found_by_its_name(struct test *t)
{
	const struct app_protocol *p = NULL;
	const struct app_field *f = app_field_find(SLICE("dns.query"), &p);

	EXPECT(t, f != NULL && p == app_find(SLICE("dns")));
	EXPECT(t, f->multi);
	EXPECT(t, app_field_find(SLICE("dns.nothing"), &p) == NULL);
}

TESTS(T(the_table_is_sound), T(a_field_is_found_by_its_name))
