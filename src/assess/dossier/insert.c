/* SPDX-License-Identifier: Apache-2.0
 *
 * One more item in a dossier, whose other bytes stay as they are: who compares two of them sees
 * what was added and nothing else.
 */
#include "assess/dossier/dossier.h"

/* Behind the string that begins at `at`; the text is JSON. */
static size_t skip_string(struct slice s, size_t at)
{
	for (at++; at < s.len && s.ptr[at] != '"'; at++)
		at += s.ptr[at] == '\\';
	return at < s.len ? at + 1 : s.len;
}

/* Where the ']' of the list "items" of the outermost object stands, and whether the list is empty;
 * SIZE_MAX: there is none. */
static size_t find_end(struct slice s, bool *empty)
{
	unsigned depth = 0;
	bool inside = false, named = false;

	*empty = true;
	for (size_t i = 0; i < s.len;) {
		uint8_t c = s.ptr[i];
		bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';

		if (inside && depth == 2 && c == ']')
			return i;
		*empty = *empty && (!inside || blank);
		if (c == '"') {
			size_t end = skip_string(s, i);

			named = depth == 1 &&
				slice_equal(slice_part(s, i, end - i), SLICE("\"items\""));
			i = end;
			continue;
		}
		if (c == '{' || c == '[') {
			inside = inside || (named && c == '[' && depth == 1);
			depth++;
		} else if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
		named = named && (c == ':' || blank);
		i++;
	}
	return SIZE_MAX;
}

bool dossier_insert(struct slice text, struct slice item, struct buf *out)
{
	bool empty;
	size_t at = find_end(text, &empty), end = at;

	if (at == SIZE_MAX)
		return false;
	while (end > 0 && memchr(" \t\r\n", text.ptr[end - 1], 4) != NULL)
		end--;
	buf_add(out, slice_part(text, 0, end));
	buf_add_z(out, empty ? "\n  " : ",\n  ");
	buf_add(out, item);
	buf_add_z(out, end == at ? "\n " : "");
	buf_add(out, slice_from(text, end));
	return true;
}
