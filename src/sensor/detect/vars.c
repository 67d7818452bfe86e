/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings that pcre captured, by name: of a flow while it lives, of a packet until the next. And
 * numbers that entropy measured, of a flow.
 *
 * 1. What a list ever held is at most DETECT_VAR_BYTES_MAX: an arena gives nothing back.
 */
#include "sensor/detect/detect_priv.h"

const struct detect_var *detect_var_find(const struct detect_var *list, struct slice name)
{
	while (list != NULL && !slice_equal(list->name, name))
		list = list->next;
	return list;
}

void detect_var_set(struct detect_var **list, struct arena *a, uint32_t *used, struct slice name,
		    struct slice value)
{
	struct detect_var **at = list;
	struct slice copy;

	value = slice_part(value, 0, DETECT_CAPTURE_MAX);
	while (*at != NULL && !slice_equal((*at)->name, name))
		at = &(*at)->next;
	if (*at != NULL && slice_equal((*at)->value, value))
		return;
	if (*used + name.len + value.len + sizeof **at > DETECT_VAR_BYTES_MAX)
		return;
	copy = value.len == 0 ? SLICE("") : arena_copy(a, value);
	if (copy.len != value.len)
		return;
	if (*at == NULL) {
		struct slice own = arena_copy(a, name); /* the flow may outlive the rule */
		struct detect_var *v = own.len == name.len ? ARENA_NEW(a, struct detect_var) : NULL;

		if (v == NULL)
			return;
		v->name = own;
		*used += (uint32_t)name.len;
		*at = v;
	}
	(*at)->value = copy;
	*used += (uint32_t)(value.len + sizeof **at);
}

void detect_capture_add(struct detect_worker *w, const struct detect_capture *c)
{
	uint32_t i = 0;

	while (i < w->captured_count && (w->captured[i].of_packet != c->of_packet ||
					 !slice_equal(w->captured[i].name, c->name)))
		i++;
	if (i == DETECT_CAPTURED_MAX)
		return;
	w->captured[i] = *c;
	if (i == w->captured_count)
		w->captured_count++;
}

void detect_captures_keep(const struct detect_view *v)
{
	struct detect_worker *w = v->worker;

	for (uint32_t i = 0; i < w->captured_count; i++) {
		const struct detect_capture *c = &w->captured[i];
		struct detect_flow *f;

		if (c->of_packet) {
			detect_var_set(&w->vars, &w->packet_arena, &w->var_bytes, c->name,
				       c->value);
			continue;
		}
		f = detect_flow_state(v);
		if (f != NULL)
			detect_var_set(&f->vars, &v->flow->arena, &f->var_bytes, c->name, c->value);
	}
	w->captured_count = 0;
}

static bool var_at(const struct detect_var *v, size_t n, struct slice *name, struct slice *value)
{
	while (v != NULL && n-- > 0)
		v = v->next;
	if (v == NULL)
		return false;
	*name = v->name;
	*value = v->value;
	return true;
}

bool detect_flow_var(const struct flow *f, size_t n, struct slice *name, struct slice *value)
{
	return f->detect != NULL && var_at(f->detect->vars, n, name, value);
}

bool detect_packet_var(const struct detect_worker *w, size_t n, struct slice *name,
		       struct slice *value)
{
	return var_at(w->vars, n, name, value);
}

void detect_measure_set(struct detect_flow *f, struct arena *a, struct slice name, int64_t value)
{
	struct detect_measure **at = &f->measures;

	while (*at != NULL && !slice_equal((*at)->name, name))
		at = &(*at)->next;
	if (*at == NULL) {
		*at = ARENA_NEW(a, struct detect_measure);
		if (*at == NULL)
			return;
		(*at)->name = name;
	}
	(*at)->value = value;
}

bool detect_flow_measure(const struct flow *f, size_t n, struct slice *name, int64_t *value)
{
	const struct detect_measure *m = f->detect == NULL ? NULL : f->detect->measures;

	while (m != NULL && n-- > 0)
		m = m->next;
	if (m == NULL)
		return false;
	*name = m->name;
	*value = m->value;
	return true;
}
