// a multiplier of two bits
#include <stdint.h>

uint8_t mul2u(uint8_t a, uint8_t b)
{
  uint8_t p0 = (a & 1) & (b & 1);
  uint8_t m = ((a >> 1) & 1) & (b & 1), n = (a & 1) & ((b >> 1) & 1);
  uint8_t p1 = m ^ n, c = m & n, top = ((a >> 1) & 1) & ((b >> 1) & 1);
  uint8_t p = 0;
  p |= p0 << 0;
  p |= p1 << 1;
  p |= (top ^ c) << 2;
  return p | ((top & c) << 3);
}
