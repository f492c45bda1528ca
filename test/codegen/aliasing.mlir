// RUN: dlp-opt %s --target=avx2 -t c | filecheck %s

// `restrict` where no call lets two arguments share bytes of which one is written; `const` where nothing is written.

// CHECK: static void scale(const float *x, float *y) {
func.func private @scale(%x: memref<16xf32>, %y: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<16xf32>, vector<8xf32>
  %w = arith.addf %v, %v : vector<8xf32>
  vector.store %w, %y[%c0] : memref<16xf32>, vector<8xf32>
  func.return
}

// CHECK: static void double_it(const float *restrict x, float *restrict y) {
func.func private @double_it(%x: memref<16xf32>, %y: memref<16xf32>) {
  %c0 = arith.constant 0 : index
  %v = vector.load %x[%c0] : memref<16xf32>, vector<8xf32>
  %w = arith.addf %v, %v : vector<8xf32>
  vector.store %w, %y[%c0] : memref<16xf32>, vector<8xf32>
  func.return
}

// CHECK: static void forward(const float *restrict x, int8_t *restrict arena) {
func.func @forward(%x: memref<16xf32>, %arena: memref<?xi8>) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  // CHECK: float *a = (float *)arena;
  %a = memref.view %arena[%c0][] : memref<?xi8> to memref<16xf32>
  // CHECK: float *b = (float *)(arena + 64);
  %b = memref.view %arena[%c64][] : memref<?xi8> to memref<16xf32>
  %half = memref.view %arena[%c32][] : memref<?xi8> to memref<16xf32>
  func.call @double_it(%x, %a) : (memref<16xf32>, memref<16xf32>) -> ()
  func.call @double_it(%a, %b) : (memref<16xf32>, memref<16xf32>) -> ()
  func.call @scale(%a, %half) : (memref<16xf32>, memref<16xf32>) -> ()
  func.return
}
