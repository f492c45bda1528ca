// RUN: dlp-opt -p 'tile-registers{target=avx2},vectorize{target=avx2},prefetch-tasks{target=avx2}' --split-input-file %s | filecheck %s
// RUN: dlp-opt -p 'tile-registers{target=scalar},vectorize{target=scalar},prefetch-tasks{target=scalar}' --split-input-file %s | filecheck %s --check-prefix NONE

// NONE-NOT: memref.prefetch

// The exponentials of 4 rows ask for the 4 rows of the next task, 4 lines a step; the last task for the end again.
// Neither the loop that reads the rows first does, nor the one that writes the result.
// CHECK-LABEL: func.func private @softmax
// CHECK: "scf.parallel"
// CHECK: ^{{.*}}(%[[TASK:.*]]: index)
// CHECK: scf.for
// CHECK-NOT: memref.prefetch
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %x
// CHECK-NEXT: %[[START:.*]] = affine.min affine_map<(d0) -> (((d0 * 2048) + 2048), 2095104)> (%[[TASK]])
// CHECK-NEXT: %[[NEXT:.*]] = memref.subview %[[FLAT]][%[[START]]] [2048] [1]
// CHECK: scf.for %[[ROW:.*]] =
// CHECK-NEXT: scf.for %[[N:.*]] =
// CHECK-NEXT: %[[AT:.*]] = affine.apply {{.*}}(%[[N]], %[[ROW]])
// CHECK-NEXT: memref.prefetch %[[NEXT]][%[[AT]]], read, locality<3>, data
// CHECK: math.exp
// CHECK-NOT: memref.prefetch
func.func private @softmax(%x: memref<4096x512xf32>, %out: memref<4096x512xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c1024 = arith.constant 1024 : index
  "scf.parallel"(%c0, %c1024, %c1) <{operandSegmentSizes = array<i32: 1, 1, 1, 0>}> ({
  ^bb0(%i: index):
    %row = affine.apply affine_map<(d0) -> (d0 * 4)> (%i)
    %y = memref.subview %out[%row, 0] [4, 512] [1, 1] : memref<4096x512xf32> to memref<4x512xf32, strided<[512, 1], offset: ?>>
    %rows = memref.subview %x[%row, 0] [4, 512] [1, 1] : memref<4096x512xf32> to memref<4x512xf32, strided<[512, 1], offset: ?>>
    %m = memref.alloca() {alignment = 64 : i64} : memref<4x1xf32>
    %e = memref.alloca() {alignment = 64 : i64} : memref<4x512xf32>
    %t = memref.alloca() {alignment = 64 : i64} : memref<4x1xf32>
    dlp.max ins(%rows : memref<4x512xf32, strided<[512, 1], offset: ?>>) outs(%m : memref<4x1xf32>) {dims = array<i64: 1>}
    dlp.exp ins(%rows : memref<4x512xf32, strided<[512, 1], offset: ?>>) outs(%e : memref<4x512xf32>)
    dlp.sum ins(%e : memref<4x512xf32>) outs(%t : memref<4x1xf32>) {dims = array<i64: 1>}
    dlp.mul ins(%e, %t : memref<4x512xf32>, memref<4x1xf32>) outs(%y : memref<4x512xf32, strided<[512, 1], offset: ?>>)
    scf.reduce
  }) : (index, index, index) -> ()
  func.return
}

// -----

// What the second-level cache holds may still be there.
// CHECK-LABEL: func.func private @small
// CHECK-NOT: memref.prefetch
func.func private @small(%x: memref<64x512xf32>, %out: memref<64x512xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  "scf.parallel"(%c0, %c16, %c1) <{operandSegmentSizes = array<i32: 1, 1, 1, 0>}> ({
  ^bb0(%i: index):
    %row = affine.apply affine_map<(d0) -> (d0 * 4)> (%i)
    %y = memref.subview %out[%row, 0] [4, 512] [1, 1] : memref<64x512xf32> to memref<4x512xf32, strided<[512, 1], offset: ?>>
    %rows = memref.subview %x[%row, 0] [4, 512] [1, 1] : memref<64x512xf32> to memref<4x512xf32, strided<[512, 1], offset: ?>>
    %m = memref.alloca() {alignment = 64 : i64} : memref<4x1xf32>
    dlp.max ins(%rows : memref<4x512xf32, strided<[512, 1], offset: ?>>) outs(%m : memref<4x1xf32>) {dims = array<i64: 1>}
    dlp.sub ins(%rows, %m : memref<4x512xf32, strided<[512, 1], offset: ?>>, memref<4x1xf32>) outs(%y : memref<4x512xf32, strided<[512, 1], offset: ?>>)
    scf.reduce
  }) : (index, index, index) -> ()
  func.return
}

// -----

// Tasks of one loop read in a row, which hardware foresees.
// CHECK-LABEL: func.func private @one_loop
// CHECK-NOT: memref.prefetch
func.func private @one_loop(%x: memref<4096x512xf32>, %out: memref<4096x1xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c1024 = arith.constant 1024 : index
  "scf.parallel"(%c0, %c1024, %c1) <{operandSegmentSizes = array<i32: 1, 1, 1, 0>}> ({
  ^bb0(%i: index):
    %row = affine.apply affine_map<(d0) -> (d0 * 4)> (%i)
    %y = memref.subview %out[%row, 0] [4, 1] [1, 1] : memref<4096x1xf32> to memref<4x1xf32, strided<[1, 1], offset: ?>>
    %rows = memref.subview %x[%row, 0] [4, 512] [1, 1] : memref<4096x512xf32> to memref<4x512xf32, strided<[512, 1], offset: ?>>
    dlp.max ins(%rows : memref<4x512xf32, strided<[512, 1], offset: ?>>) outs(%y : memref<4x1xf32, strided<[1, 1], offset: ?>>) {dims = array<i64: 1>}
    scf.reduce
  }) : (index, index, index) -> ()
  func.return
}

// -----

// Columns of the next task lie beside those of the present one, not behind them.
// CHECK-LABEL: func.func private @columns
// CHECK-NOT: memref.prefetch
func.func private @columns(%x: memref<512x4096xf32>, %out: memref<512x4096xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c512 = arith.constant 512 : index
  "scf.parallel"(%c0, %c512, %c1) <{operandSegmentSizes = array<i32: 1, 1, 1, 0>}> ({
  ^bb0(%i: index):
    %at = affine.apply affine_map<(d0) -> (d0 * 8)> (%i)
    %y = memref.subview %out[0, %at] [512, 8] [1, 1] : memref<512x4096xf32> to memref<512x8xf32, strided<[4096, 1], offset: ?>>
    %columns = memref.subview %x[0, %at] [512, 8] [1, 1] : memref<512x4096xf32> to memref<512x8xf32, strided<[4096, 1], offset: ?>>
    %m = memref.alloca() {alignment = 64 : i64} : memref<1x8xf32>
    dlp.max ins(%columns : memref<512x8xf32, strided<[4096, 1], offset: ?>>) outs(%m : memref<1x8xf32>) {dims = array<i64: 0>}
    dlp.sub ins(%columns, %m : memref<512x8xf32, strided<[4096, 1], offset: ?>>, memref<1x8xf32>) outs(%y : memref<512x8xf32, strided<[4096, 1], offset: ?>>)
    scf.reduce
  }) : (index, index, index) -> ()
  func.return
}
