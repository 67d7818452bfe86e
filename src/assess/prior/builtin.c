/* SPDX-License-Identifier: Apache-2.0
 * The prior that ships, as text: written by tools/embed.py from priors/. */
#include "assess/prior/prior.h"

struct prior_file {
	struct slice name, text;
};

#include "builtin.inc"

struct slice prior_builtin_name(void)
{
	return embedded[0].name;
}

struct slice prior_builtin_text(void)
{
	return embedded[0].text;
}
