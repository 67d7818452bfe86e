/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum status fail_set(struct fail *f, enum status st, const char *fmt, ...)
{
	va_list ap;

	f->status = st;
	f->sys_errno = 0;
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
	return st;
}

enum status fail_wrap(struct fail *f, const char *fmt, ...)
{
	char old[sizeof f->text];
	va_list ap;
	int n;

	memcpy(old, f->text, sizeof old);
	va_start(ap, fmt);
	n = vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof f->text &&
	    snprintf(f->text + n, sizeof f->text - (size_t)n, ": %s", old) < 0)
		f->text[n] = '\0'; /* a message cut short is still a message */
	return f->status;
}
