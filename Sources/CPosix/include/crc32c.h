#pragma once

#include <stddef.h>
#include <stdint.h>

/// Continues a CRC-32C (Castagnoli) over `count` bytes. `state` is the running register: begin with 0xFFFFFFFF, and
/// invert the last result. Uses the processor's instruction where it has one, a table elsewhere.
uint32_t tidemark_crc32c(uint32_t state, const void *bytes, size_t count);
