/* SPDX-License-Identifier: Apache-2.0
 * Modbus: modbus.c reads messages, app_modbus_log.c writes the event. */
#ifndef DEW_SENSOR_APP_MODBUS_PRIV_H
#define DEW_SENSOR_APP_MODBUS_PRIV_H

#include "sensor/app/app.h"
#include "sensor/app/modbus.h"

enum { EXCEPTION_BIT = 0x80 };

enum {
	READ_COILS = 1,
	READ_DISCRETES = 2,
	READ_HOLDING = 3,
	READ_INPUT = 4,
	WRITE_COIL = 5,
	WRITE_REGISTER = 6,
	DIAGNOSTIC = 8,
	WRITE_COILS = 15,
	WRITE_REGISTERS = 16,
	MASK_WRITE = 22,
	READ_WRITE = 23,
	ENCAPSULATED = 43,
};

enum modbus_flaw {
	FLAW_VALUE = 1,
	FLAW_LENGTH = 2,
	FLAW_EXCEPTION = 4,
	FLAW_FUNCTION = 8,
	FLAW_PROTOCOL = 16
};

struct modbus_range {
	bool there;
	uint16_t address, quantity;
};

struct modbus_message {
	bool there;
	uint16_t transaction, protocol;
	uint8_t unit, function;
	uint8_t access, category, flaws;
	uint8_t kind; /* exception, or MEI type */
	uint16_t sub; /* diagnostic */
	struct modbus_range read, write;
	bool has_word, has_masks, has_data;
	uint16_t word, mask_and, mask_or; /* word: of a single write, or how many were written */
	struct slice data;		  /* what was read, written, or is not understood */
};

struct modbus_tx {
	struct modbus_message request, response;
	struct slice ask;
};

struct modbus_function {
	uint8_t code, access;
	const char *name;
};

/* NULL: none of the standard. */
const struct modbus_function *app_modbus_function_of(uint8_t code);
bool app_modbus_log(struct app_tx *tx, unsigned n, struct arena *scratch, struct record *r);

#endif
