// SPDX-License-Identifier: GPL-2.0 OR MIT
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/btf.h>
#include "size_store.h"

#define LONGEST	8192	/* bytes of a function */

/* Where a function begins, and where the next symbol does. */
static int find(const char *symbol, unsigned long *from, unsigned long *to)
{
	FILE *symbols = fopen("/proc/kallsyms", "r");
	unsigned long address;
	char line[512], name[256], kind;

	*from = 0;
	*to = ~0UL;
	for (; symbols && fgets(line, sizeof(line), symbols);)
		if (sscanf(line, "%lx %c %255s", &address, &kind, name) == 3 && !strcmp(name, symbol))
			*from = address;
	if (symbols)
		rewind(symbols);
	for (; *from && fgets(line, sizeof(line), symbols);)
		if (sscanf(line, "%lx", &address) == 1 && address > *from && address < *to)
			*to = address;
	if (symbols)
		fclose(symbols);
	return *from ? 0 : -1;
}

/* The kernel's memory, from its file of all memory. */
static ssize_t read_code(unsigned long from, void *code, size_t bytes)
{
	int fd = open("/proc/kcore", O_RDONLY);
	ssize_t got = -1;
	Elf64_Ehdr head;
	Elf64_Phdr part;
	int n;

	if (fd < 0 || pread(fd, &head, sizeof(head), 0) != sizeof(head))
		head.e_phnum = 0;
	for (n = 0; n < head.e_phnum && got < 0; n++) {
		if (pread(fd, &part, sizeof(part), head.e_phoff + n * sizeof(part)) != sizeof(part))
			break;
		if (part.p_type == PT_LOAD && from >= part.p_vaddr && from - part.p_vaddr < part.p_memsz)
			got = pread(fd, code, bytes, part.p_offset + (from - part.p_vaddr));
	}
	if (fd >= 0)
		close(fd);
	return got;
}

static long offset_of_size(void)
{
	struct btf *types = btf__load_vmlinux_btf();
	long offset = -1;
	int id = types ? btf__find_by_name_kind(types, "inode", BTF_KIND_STRUCT) : -1;
	const struct btf_type *inode = id > 0 ? btf__type_by_id(types, id) : NULL;
	int n;

	for (n = 0; inode && n < btf_vlen(inode); n++)
		if (!strcmp(btf__name_by_offset(types, btf_members(inode)[n].name_off), "i_size"))
			offset = btf_member_bit_offset(inode, n) / 8;
	btf__free(types);
	return offset;
}

long size_store(const char *symbol)
{
	unsigned char code[LONGEST];
	unsigned long from, to;
	long offset = offset_of_size(), found = -1;
	ssize_t bytes, at;

	if (offset < 0 || offset > 127 || find(symbol, &from, &to))
		return -1;
	bytes = read_code(from, code, to - from < LONGEST ? to - from : LONGEST);
	for (at = 0; at + 4 <= bytes; at++) {
		const unsigned char *store = code + at;

		/* mov %r64, disp8(%r64): REX.W 89 with mod 01, not through SIB. */
		if ((store[0] & 0xf8) != 0x48 || store[1] != 0x89 || (store[2] & 0xc0) != 0x40 ||
		    (store[2] & 7) == 4 || store[3] != offset)
			continue;
		if (found >= 0)
			return -1;
		found = at;
	}
	return found;
}

unsigned long code_address(const char *symbol)
{
	unsigned long from, to;

	return find(symbol, &from, &to) ? 0 : from;
}

int code_byte(unsigned long address)
{
	unsigned char byte;

	return read_code(address, &byte, 1) == 1 ? byte : -1;
}
