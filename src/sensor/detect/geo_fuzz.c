/* SPDX-License-Identifier: Apache-2.0
 * A database of countries from anybody: whatever it says, a look-up ends, within its bytes. The
 * first 17 bytes are the address looked up. */
#include "sensor/detect/geo.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = {data, size};
	struct addr a = {.family = in.len != 0 && in.ptr[0] % 2 != 0 ? 6 : 4};
	struct slice address = slice_part(in, 1, addr_bytes(&a)), country;
	struct detect_geo g;
	struct fail why;

	if (address.len != 0)
		memcpy(a.b, address.ptr, address.len);
	if (detect_geo_open(slice_from(in, 17), &g, &why) != ST_OK)
		return 0;
	country = detect_geo_country(&g, &a);
	ASSERT(country.ptr == NULL ||
	       (country.ptr >= in.ptr && country.ptr + country.len <= in.ptr + in.len));
	return 0;
}
