/* SPDX-License-Identifier: Apache-2.0
 * Apart from encode.c, because jansson and base/json.h have names in common. */
#include "evidence/bundle/bundle_priv.h"

#include <jansson.h>

bool bundle_object_ok(struct slice json)
{
	bool quoted = false, ok;
	json_error_t error;
	json_t *v;

	for (size_t i = 0; i < json.len; i++) {
		if (json.ptr[i] == '"')
			quoted = !quoted;
		else if (quoted && json.ptr[i] == '\\')
			i++;
		else if (!quoted && json.ptr[i] <= ' ')
			return false;
	}
	v = json_loadb((const char *)json.ptr, json.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
		       &error);
	ok = json_is_object(v);
	json_decref(v);
	return ok;
}
