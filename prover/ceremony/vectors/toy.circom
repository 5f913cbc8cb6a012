pragma circom 2.0.0;
// public inputs: k ; output: c ; private: a, b, unused (appears in no constraint => infinity points)
template Toy() {
    signal input k;
    signal input a;
    signal input b;
    signal input unused;
    signal output c;
    signal t;
    signal u;
    t <== a * b;
    u <== (t + 5) * (t - 7*a);
    c <== u * k + 3*b + 11;
}
component main {public [k]} = Toy();
