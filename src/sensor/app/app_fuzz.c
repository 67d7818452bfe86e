/* SPDX-License-Identifier: Apache-2.0
 * One target for each protocol: meson builds it once a word, with FUZZ_PROTOCOL set to it. */
#include "sensor/app/app_check.h"

#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
extern const struct app_protocol CAT(app_, FUZZ_PROTOCOL);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	app_check_input(&CAT(app_, FUZZ_PROTOCOL), (struct slice){data, size});
	return 0;
}
