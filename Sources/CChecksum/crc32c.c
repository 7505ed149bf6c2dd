#include "cchecksum.h"

#include <pthread.h>
#include <string.h>

// The polynomial, reflected.
#define POLYNOMIAL 0x82F63B78u

static uint32_t table[8][256];
static pthread_once_t table_made = PTHREAD_ONCE_INIT;

static void make_table(void) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
    table[0][byte] = crc;
  }
  for (uint32_t byte = 0; byte < 256; byte++)
    for (int slice = 1; slice < 8; slice++)
      table[slice][byte] = table[slice - 1][byte] >> 8 ^ table[0][table[slice - 1][byte] & 0xFF];
}

static uint32_t crc32c_portable(uint32_t crc, const uint8_t *bytes, size_t length) {
  pthread_once(&table_made, make_table);
  for (; length >= 8; length -= 8, bytes += 8) {
    crc ^= (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    crc = table[7][crc & 0xFF] ^ table[6][crc >> 8 & 0xFF] ^ table[5][crc >> 16 & 0xFF] ^ table[4][crc >> 24] ^
          table[3][bytes[4]] ^ table[2][bytes[5]] ^ table[1][bytes[6]] ^ table[0][bytes[7]];
  }
  for (; length > 0; length--, bytes++) crc = crc >> 8 ^ table[0][(crc ^ *bytes) & 0xFF];
  return crc;
}

#if defined(__x86_64__)
#include <nmmintrin.h>

static inline uint64_t word(const uint8_t *bytes) {
  uint64_t value;
  memcpy(&value, bytes, 8);
  return value;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *bytes, size_t length) {
  uint64_t rest = crc;
  for (; length >= 8; length -= 8, bytes += 8) rest = _mm_crc32_u64(rest, word(bytes));
  for (; length > 0; length--, bytes++) rest = _mm_crc32_u8((uint32_t)rest, *bytes);
  return (uint32_t)rest;
}

static int has_hardware(void) { return __builtin_cpu_supports("sse4.2"); }
#else
static uint32_t crc32c_hardware(uint32_t crc, const uint8_t *bytes, size_t length) {
  return crc32c_portable(crc, bytes, length);
}

static int has_hardware(void) { return 0; }
#endif

uint32_t tidemark_crc32c(uint32_t crc, const void *bytes, size_t length) {
  crc = ~crc;
  crc = has_hardware() ? crc32c_hardware(crc, bytes, length) : crc32c_portable(crc, bytes, length);
  return ~crc;
}
