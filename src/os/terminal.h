/* SPDX-License-Identifier: Apache-2.0
 *
 * os/terminal.h - is somebody looking, and how wide is the window.
 */
#ifndef DEW_OS_TERMINAL_H
#define DEW_OS_TERMINAL_H

#include <stdbool.h>

bool os_terminal_is(int fd);

/* Columns of the terminal at fd; `otherwise` if it is none or does not say. */
unsigned os_terminal_width(int fd, unsigned otherwise);

#endif
