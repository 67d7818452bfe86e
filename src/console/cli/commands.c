/* SPDX-License-Identifier: Apache-2.0
 * The one list of subcommands, written by meson from `command_names` in meson.build. */
#include "console/cli/cli.h"

#define X(name) extern const struct command command_##name;
#include "commands.inc"
#undef X

const struct command *const commands[] = {
#define X(name) &command_##name,
#include "commands.inc"
#undef X
	NULL,
};
