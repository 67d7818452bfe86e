/* SPDX-License-Identifier: Apache-2.0
 * The field "modbus.request": what rules ask about a request, an array of uint64_t. */
#ifndef DEW_SENSOR_APP_MODBUS_H
#define DEW_SENSOR_APP_MODBUS_H

enum modbus_access {
	MODBUS_READ = 1,
	MODBUS_WRITE = 2,
	MODBUS_DISCRETES = 4,
	MODBUS_COILS = 8,
	MODBUS_INPUT = 16,
	MODBUS_HOLDING = 32,
	MODBUS_SINGLE = 64,
	MODBUS_MULTIPLE = 128,
	MODBUS_WHAT = MODBUS_DISCRETES | MODBUS_COILS | MODBUS_INPUT | MODBUS_HOLDING,
};

enum modbus_category {
	MODBUS_UNASSIGNED = 1,
	MODBUS_ASSIGNED = 2,
	MODBUS_USER_DEFINED = 4,
	MODBUS_RESERVED = 8,
	MODBUS_ANY = 15,
};

enum modbus_ask { /* places in the array; numbers of coils and registers count from 1 */
		  MODBUS_ASK_UNIT,
		  MODBUS_ASK_FUNCTION,
		  MODBUS_ASK_SUBFUNCTION, /* UINT64_MAX: none */
		  MODBUS_ASK_CATEGORY,
		  MODBUS_ASK_ACCESS,
		  MODBUS_ASK_READ_FIRST, /* 0: reads nothing */
		  MODBUS_ASK_READ_LAST,
		  MODBUS_ASK_WRITE_FIRST, /* 0: writes nothing */
		  MODBUS_ASK_WRITE_LAST,
		  MODBUS_ASK_VALUES, /* what is written, one each */
};

#endif
