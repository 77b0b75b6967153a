"""Small circuits of our own in the shapes that EvoApproxLib's sources have: what each computes is known by hand."""

HEADER = """/***
* a circuit made for tests
***/
// MAE% = {mae_percent} %
// MAE = {mae}
// WCE = {wce}
// EP% = {ep} %
// PDK45_PWR = 0.125 mW
#include <stdint.h>
#include <stdlib.h>

"""

# exact 2x2 bits: p0 = a0 b0, p1 = a1 b0 ^ a0 b1, c1 = a1 b0 a0 b1, p2 = a1 b1 ^ c1, p3 = a1 b1 c1
A = """uint64_t mul2u_A(const uint64_t B,const uint64_t A)
{
   uint64_t O, dout_4, dout_5, dout_6, dout_7, dout_8, dout_9, dout_10, dout_11;   int avg=0;

   dout_4=((B >> 0)&1)&((A >> 0)&1);
   dout_5=((B >> 1)&1)&((A >> 0)&1);
   dout_6=(((B >> 0)&1)&((A >> 1)&1))^0xFFFFFFFFFFFFFFFFU;
   dout_7=(dout_6^dout_5)^0xFFFFFFFFFFFFFFFFU;
   dout_8=dout_5&(dout_6^0xFFFFFFFFFFFFFFFFU);
   dout_9=((B >> 1)&1)&((A >> 1)&1);
   dout_10=dout_9^dout_8;
   dout_11=dout_9&dout_8;

   O = 0;
   O |= (dout_4&1) << 0;
   O |= (dout_7&1) << 1;
   O |= (dout_10&1) << 2;
   O |= (dout_11&1) << 3;
   return O;
}
"""
B = """uint64_t mul2u_B(uint64_t a, uint64_t b) {
  int wa[2];
  int wb[2];
  uint64_t y = 0;
  wa[0] = (a >> 0) & 0x01;
  wb[0] = (b >> 0) & 0x01;
  wa[1] = (a >> 1) & 0x01;
  wb[1] = (b >> 1) & 0x01;
  int sig_4 = wa[0] & wb[0];
  int sig_5 = wa[1] & wb[0];
  int sig_6 = wa[0] & wb[1];
  int sig_7 = ~(~(sig_5) ^ sig_6);
  int sig_8 = !(!sig_5 | !sig_6);
  int sig_9 = wa[1] & wb[1] & ~((int)0);
  y |=  (sig_4 & 0x01) << 0; // default output
  y |=  (sig_7 & 0x01) << 1; // default output
  y |=  ((sig_9 ^ sig_8) & 0x01) << 2; // default output
  y |=  ((sig_9 & sig_8) & 0x01) << 3; // default output
   return y;
}
"""
B2 = """uint64_t mul2u_B2(uint64_t a, uint64_t b) {
  uint64_t o = 0;
  int n_0=0, n_1=0, n_2=0, n_3=0, n_4=0, n_5=0;
  int n_6=0, n_7=0, n_8=0, n_9=0;
  n_0 = (a >> 0) & 0x1;
  n_1 = (a >> 1) & 0x1;
  n_2 = (b >> 0) & 0x1;
  n_3 = (b >> 1) & 0x1;
  n_4 = n_0 & n_2;
  n_5 = n_1 & n_2;
  n_6 = ~(n_0 & n_3);
  n_7 = ~(n_5 ^ n_6);
  n_8 = ~n_6 & n_5;
  n_9 = n_1 & n_3;
  o |= (n_4 & 0x01) << 0;
  o |= (n_7 & 0x01) << 1;
  o |= ((n_9 ^ n_8) & 0x01) << 2;
  o |= ((n_9 & n_8) & 0x01) << 3;
  return o;
}
"""
C = """uint16_t mul2u_C(uint8_t a, uint8_t b)
{
  uint16_t c = 0;
  uint8_t n0 = (a >> 0) & 0x1;
  uint8_t n2 = (a >> 1) & 0x1;
  uint8_t n4 = (b >> 0) & 0x1;
  uint8_t n6 = (b >> 1) & 0x1;
  uint8_t n8;
  uint8_t n10;
  uint8_t n12;

  n8 = n0 & n6;
  n10 = n2 & n4;
  n12 = n2 & n6;

  c |= (n0 & n4 & 0x1) << 0;
  c |= ((n8 ^ n10) & 0x1) << 1;
  c |= (((long) n12 ^ (n8 & n10)) & 0x1) << 2;
  c |= (n8 & n10 & n12 & 0x1) << 3;

  return c;
}
"""
# exact signed 2x2, (-2 a1 + a0)(-2 b1 + b0): negative partial products are inverted, 2**2 + 2**3 corrects for both
D = """int16_t mul2s_D(int8_t A, int8_t B)
{
  int16_t P, P_;
  uint8_t tmp, S_0_0,S_0_1,S_1_0,S_1_1,C_1_0;
  S_0_0 = (((A>>0)&1) & ((B>>0)&1));
  S_0_1 = (((((A>>0)&1) & ((B>>1)&1)))^1);
  tmp = ((((A>>1)&1) & ((B>>0)&1)))^1;
  S_1_0 = S_0_1^tmp;
  C_1_0 = S_0_1&tmp;
  tmp = ((A>>1)&1) & ((B>>1)&1);
  S_1_1 = tmp;
  P_ = (((C_1_0 & 1)<<0)|((1 & 1)<<1)) + (((S_1_1 & 1)<<1)|((((S_1_1)^1) & 1)<<0));
  P = 0;
  P |= (S_0_0 & 1) << 0;
  P |= (S_1_0 & 1) << 1;
  P |= ((P_ >> 0) & 1) << 2;
  P |= ((P_ >> 1) & 1) << 3;
  return P;
}
"""
E = """uint16_t mul2u_E(uint8_t A, uint8_t B)
{
 uint16_t Z;
 uint8_t n5,n4,O1,n6,O0,O3,n7,O2;
 O0=((B >> 0)&1)&((A >> 0)&1);
 n4=((B >> 0)&1)&((A >> 1)&1);
 n5=~(((B >> 1)&1)&((A >> 0)&1));
 n6=n4&~n5;
 n7=((B >> 1)&1)&((A >> 1)&1);
 O1=~n4^~(~n5&1);
 O2=n7&~n6;
 O3=~(~n7|~n6);
 Z = (O0 << 0)|(O1 << 1)|(O2 << 2)|(O3 << 3);
 return Z;
}
"""
H = """uint32_t mul12u_H(uint16_t A, uint16_t B)
{
 return (A & 0x800) * (B & 0x800);
}
"""


def composite(name="mul16u_G", low="lowhalf", high="highhalf"):
    """A 16x16 multiplier of four 8x8 ones: the two named functions, and the wrapper around them."""
    tables = ["tLL", "tLH", "tHL", "tHH"]
    functions = (f"uint16_t {low}(uint8_t A, uint8_t B)\n{{\n  return (A & 0xF0) * (B & 0xFC);\n}}\n\n"
                 f"uint64_t {high}(const uint64_t B,const uint64_t A)\n{{\n  return B * (A & 0xFE);\n}}\n\n")
    lines = [f"uint32_t {name} (uint16_t a, uint16_t b) {{"]
    lines += [f"    static uint16_t * {table} = NULL;" for table in tables]
    lines += ["    int fill = " + " || ".join(f"{table} == NULL" for table in tables) + ";"]
    lines += [f"    if(!{table}) {table} = (uint16_t *)malloc(256 * 256 * sizeof(uint16_t));" for table in tables]
    lines += ["    if(fill) {", "  for(int i = 0; i < 256; i++) {", "  for(int j = 0; j < 256; j++) {"]
    lines += [f"      {table}[i * 256 + j] = {high if table == 'tHH' else low}(i, j);" for table in tables]
    lines += ["  }", "  }", "    }", "    uint32_t sum = 0;"]
    bytes_of = {"L": "({0} & 0xFF)", "H": "(({0} >> 8) & 0xFF)"}
    for table, shift in zip(tables, ("", " << 8", " << 8", " << 16"), strict=True):
        x, w = bytes_of[table[1]].format("a"), bytes_of[table[2]].format("b")
        lines.append(f"    sum += (uint32_t){table}[{x} * 256 + {w}]{shift};")
    return functions + "\n".join([*lines, "    return sum;", "}", ""])


EXACT_2X2 = {"A": A, "B": B, "B2": B2, "C": C, "D": D, "E": E}
EVERY = EXACT_2X2 | {"H": H, "G": composite()}
