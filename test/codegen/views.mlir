// RUN: dlp-opt %s --target=avx2 -t c | filecheck %s

// Views move a pointer, indices fold into sums, and what does not change the address has no text.

// CHECK:      static void views(const float *restrict x, float *restrict y) {
// CHECK-NEXT:   for (long h = 0; h < 4; h++) {
// CHECK-NEXT:     const float *tile = x + 128 * h + 8;
// CHECK-NEXT:     for (long w = 0; w < 4; w++) {
// CHECK-NEXT:       f32x8 v = load_f32x8(&tile[16 * w]);
// CHECK-NEXT:       store_f32x8(&y[8 * ((h + w) / 2) + 8], v);
// CHECK-NEXT:     }
// CHECK-NEXT:   }
// CHECK-NEXT: }
func.func @views(%x: memref<8x8x8xf32>, %y: memref<8x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %h = %c0 to %c4 step %c1 {
    %h2 = arith.addi %h, %h : index
    %tile = memref.subview %x[%h2, 1, 0] [1, 4, 8] [1, 2, 1]
      : memref<8x8x8xf32> to memref<4x8xf32, strided<[16, 1], offset: ?>>
    scf.for %w = %c0 to %c4 step %c1 {
      %row = affine.apply affine_map<(d0, d1) -> ((d0 + d1 + 2) floordiv 2)>(%h, %w)
      %v = vector.load %tile[%w, %c0] : memref<4x8xf32, strided<[16, 1], offset: ?>>, vector<8xf32>
      vector.store %v, %y[%row, %c0] : memref<8x8xf32>, vector<8xf32>
      scf.yield
    }
    scf.yield
  }
  func.return
}

// What is asked for is an address; there is no spelling for the instruction cache.
// CHECK-LABEL: void prefetches(
// CHECK-NEXT:   for (long i = 0; i < 4; i++) {
// CHECK-NEXT:     __builtin_prefetch(&w[16 * i + 16], 0, 2);
// CHECK-NEXT:   }
// CHECK-NEXT: }
func.func @prefetches(%w: memref<8x16xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 {
    %next = affine.apply affine_map<(d0) -> (d0 + 1)>(%i)
    memref.prefetch %w[%next, %c0], read, locality<2>, data : memref<8x16xf32>
    memref.prefetch %w[%next, %c0], read, locality<2>, instr : memref<8x16xf32>
    scf.yield
  }
  func.return
}
