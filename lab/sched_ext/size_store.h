/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Where a function of the kernel stores a register to i_size of some inode, as
 * lab/module/hold.c finds it; bytes from the function's beginning, or -1 if
 * there is not one such place. The code is read from /proc/kcore.
 */
long size_store(const char *symbol);

/* Where a function begins, or 0. */
unsigned long code_address(const char *symbol);

/* The byte there, as it is now; or -1. */
int code_byte(unsigned long address);
