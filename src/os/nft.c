/* SPDX-License-Identifier: Apache-2.0 */
#include "os/nft.h"

#include <errno.h>
#include <nftables/libnftables.h>
#include <string.h>

/* A nft_ctx has no fields that we may see, so it is what ours is. */
static struct nft_ctx *context(struct os_nft *n)
{
	return (struct nft_ctx *)(void *)n;
}

enum status os_nft_open(bool json, struct os_nft **out, struct fail *why)
{
	struct nft_ctx *c = nft_ctx_new(NFT_CTX_DEFAULT);

	if (c == NULL || nft_ctx_buffer_output(c) != 0 || nft_ctx_buffer_error(c) != 0) {
		if (c != NULL)
			nft_ctx_free(c);
		return fail_set(why, ST_NOMEM, "no memory for the packet filter");
	}
	if (json)
		nft_ctx_output_set_flags(c, NFT_CTX_OUTPUT_JSON);
	*out = (struct os_nft *)(void *)c;
	return ST_OK;
}

enum status os_nft_run(struct os_nft *n, const char *commands, struct slice *out, struct fail *why)
{
	struct nft_ctx *c = context(n);
	const char *said;

	if (nft_run_cmd_from_buffer(c, commands) == 0) {
		if (out != NULL)
			*out = slice_of(nft_ctx_get_output_buffer(c));
		return ST_OK;
	}
	/* it says what it was in words only */
	said = nft_ctx_get_error_buffer(c);
	return fail_set(why,
			strstr(said, strerrordesc_np(ENOENT)) != NULL ? ST_NOTFOUND : ST_REFUSED,
			"packet filter: %.*s", (int)strcspn(said, "\n"), said);
}

void os_nft_close(struct os_nft *n)
{
	if (n != NULL)
		nft_ctx_free(context(n));
}
