/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>

#include "console/cli/cli.h"
#include "crypto/crypto.h"

int main(int argc, char **argv)
{
	struct fail why;

	/* A reader that closes the pipe is told by EPIPE, not by a signal. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (crypto_init(&why) != ST_OK) {
		(void)fprintf(stderr, "dewline: %s\n", why.text);
		return CLI_CANNOT;
	}
	return cli_main(argc, argv);
}
