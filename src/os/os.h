/* SPDX-License-Identifier: Apache-2.0
 *
 * os/os.h - everything that asks the kernel, one header a facility:
 *
 *	os/file.h      files and folders; failing them one by one in tests
 *	os/clock.h     what time it is
 *	os/pool.h      jobs on all cores
 *	os/serve.h     a small web server
 *	os/stop.h      being told to end
 *	os/terminal.h  who is looking
 *	os/web.h       questions to web servers
 *
 * A failure is a struct fail with the name of the file and the system's own words, and with
 * sys_errno: ST_NOTFOUND for "no such file or directory", ST_IO for the rest. A full disk is one
 * of them.
 */
#ifndef DEW_OS_OS_H
#define DEW_OS_OS_H

#include "os/clock.h"
#include "os/file.h"
#include "os/pool.h"
#include "os/terminal.h"

#endif
