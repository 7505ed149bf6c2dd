#include "cchecksum.h"

#include <string.h>

#define PAGE_BYTES 8192
#define COLUMNS 32
#define ROWS (PAGE_BYTES / (COLUMNS * 4))
#define PRIME 16777619u

// Where each column's hash begins: part of the format (checksum_impl.h).
static const uint32_t beginnings[COLUMNS] = {
    0x5B1F36E9, 0xB8525960, 0x02AB50AA, 0x1DE66D2A, 0x79FF467A, 0x9BB9F8A3, 0x217E7CD2, 0x83E13D2C,
    0xF8D4474F, 0xE39EB970, 0x42C6AE16, 0x993216FA, 0x7B093B5D, 0x98DAFF3C, 0xF718902A, 0x0B1C9CDB,
    0xE58F764B, 0x187636BC, 0x5D7B3BB1, 0xE73DE7DE, 0x92BEC979, 0xCCA6C0B2, 0x304A0979, 0x85AA43D4,
    0x783125BB, 0x6CA8EAA2, 0xE407EAC6, 0x4B5CFC3E, 0x9FBF8C76, 0x15CA20BE, 0xF2CA9FD3, 0x959BD756};

static inline uint32_t mixed(uint32_t hash, uint32_t value) {
  uint32_t sum = hash ^ value;
  return sum * PRIME ^ sum >> 17;
}

// The columns are independent, so that compilers turn the inner loop into vector instructions. `always_inline` lets
// each caller's target decide which.
__attribute__((always_inline)) static inline uint32_t folded(const uint8_t *page) {
  uint32_t hashes[COLUMNS];
  memcpy(hashes, beginnings, sizeof hashes);
  uint32_t row[COLUMNS];
  // The header's checksum, bytes 8 and 9, counts as zero.
  memcpy(row, page, sizeof row);
  uint8_t none[2] = {0, 0};
  memcpy((uint8_t *)row + 8, none, 2);
  for (int column = 0; column < COLUMNS; column++) hashes[column] = mixed(hashes[column], row[column]);
  for (int line = 1; line < ROWS; line++) {
    memcpy(row, page + line * sizeof row, sizeof row);
    for (int column = 0; column < COLUMNS; column++) hashes[column] = mixed(hashes[column], row[column]);
  }
  for (int round = 0; round < 2; round++)
    for (int column = 0; column < COLUMNS; column++) hashes[column] = mixed(hashes[column], 0);
  uint32_t sum = 0;
  for (int column = 0; column < COLUMNS; column++) sum ^= hashes[column];
  return sum;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint32_t folded_avx2(const uint8_t *page) { return folded(page); }

static uint32_t folded_best(const uint8_t *page) {
  return __builtin_cpu_supports("avx2") ? folded_avx2(page) : folded(page);
}
#else
static uint32_t folded_best(const uint8_t *page) { return folded(page); }
#endif

uint16_t tidemark_page_checksum(const void *page, uint32_t block) {
  return (uint16_t)((folded_best(page) ^ block) % 65535 + 1);
}
