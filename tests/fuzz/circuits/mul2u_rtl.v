// a multiplier of two bits
module half(input x, y, output s, c);
  assign s = x ^ y;
  assign c = x & y;
endmodule

module mul2u(input [1:0] a, input [1:0] b, output [3:0] p);
  wire [2:0] w;
  wire c;
  parameter ONE = 1;
  assign p[0] = a[0] & b[0];
  assign w = {a[1] & b[1], a[0] & b[1], a[1] & b[0]};
  half h0(.x(w[0]), .y(w[ONE]), .s(p[1]), .c(c));
  half h1(w[2], c, p[2], p[3]);
endmodule
