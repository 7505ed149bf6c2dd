// Checksums for which Swift has no instructions: CRC-32C, and PostgreSQL's checksum of a data page.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `length` more bytes, after `crc` for the bytes before them; 0 at the beginning.
uint32_t tidemark_crc32c(uint32_t crc, const void *bytes, size_t length);

/// The checksum that PostgreSQL writes into the header of a page of 8192 bytes, which is block `block` of its fork.
/// `page` needs no alignment.
///
/// PostgreSQL's src/include/storage/checksum_impl.h describes it: 32 FNV-1a hashes side by side, folded by XOR.
uint16_t tidemark_page_checksum(const void *page, uint32_t block);
