// RUN: dlp-opt %s -t c | filecheck %s
// RUN: dlp-opt %s -t c --target=avx2 | filecheck %s
// RUN: not dlp-opt %s -t d 2>&1 | filecheck %s --check-prefix=WRONG

// CHECK:      void fill(float value, float *restrict m) {
// CHECK-NEXT:   for (long i = 0; i < 16; i++) {
// CHECK-NEXT:     m[i] = value;

// WRONG: dlp-opt: error: argument -t/--to: invalid choice: 'd' (choose from 'mlir', 'c')
func.func @fill(%value: f32, %m: memref<16xf32>) {
  %from = arith.constant 0 : index
  %to = arith.constant 16 : index
  %step = arith.constant 1 : index
  scf.for %i = %from to %to step %step {
    memref.store %value, %m[%i] : memref<16xf32>
    scf.yield
  }
  func.return
}
