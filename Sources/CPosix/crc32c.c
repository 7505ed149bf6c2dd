#include "crc32c.h"

#include <string.h>

static uint32_t table[8][256];

__attribute__((constructor)) static void fill_table(void) {
  for (uint32_t value = 0; value < 256; value++) {
    uint32_t crc = value;
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1) ? (crc >> 1) ^ 0x82F63B78u : crc >> 1;
    table[0][value] = crc;
  }
  for (uint32_t value = 0; value < 256; value++)
    for (int slice = 1; slice < 8; slice++)
      table[slice][value] = (table[slice - 1][value] >> 8) ^ table[0][table[slice - 1][value] & 0xFF];
}

// Eight bytes a step, by eight tables. Only for little-endian machines, which is all that Tidemark runs on.
static uint32_t crc32c_table(uint32_t state, const unsigned char *bytes, size_t count) {
  while (count >= 8) {
    uint32_t low, high;
    memcpy(&low, bytes, 4);
    memcpy(&high, bytes + 4, 4);
    low ^= state;
    state = table[7][low & 0xFF] ^ table[6][(low >> 8) & 0xFF] ^ table[5][(low >> 16) & 0xFF] ^ table[4][low >> 24] ^
            table[3][high & 0xFF] ^ table[2][(high >> 8) & 0xFF] ^ table[1][(high >> 16) & 0xFF] ^ table[0][high >> 24];
    bytes += 8;
    count -= 8;
  }
  while (count--) state = (state >> 8) ^ table[0][(state ^ *bytes++) & 0xFF];
  return state;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t state, const unsigned char *bytes,
                                                               size_t count) {
  uint64_t wide = state;
  while (count >= 8) {
    uint64_t word;
    memcpy(&word, bytes, 8);
    wide = __builtin_ia32_crc32di(wide, word);
    bytes += 8;
    count -= 8;
  }
  state = (uint32_t)wide;
  while (count--) state = __builtin_ia32_crc32qi(state, *bytes++);
  return state;
}
#endif

uint32_t tidemark_crc32c(uint32_t state, const void *bytes, size_t count) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(state, bytes, count);
#endif
  return crc32c_table(state, bytes, count);
}
