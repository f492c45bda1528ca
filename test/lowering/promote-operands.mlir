// RUN: dlp-opt -p promote-operands %s | filecheck %s

// The columns of a transposed operand lie 64 elements apart: it is copied once.
// CHECK-LABEL: func.func private @transposed
// CHECK: %[[S:.*]] = memref.alloca() {{.*}} : memref<64x32xf32>
// CHECK-NEXT: dlp.copy ins(%[[K:.*]] : memref<64x32xf32, strided<[1, 64]>>) outs(%[[S]] : memref<64x32xf32>)
// CHECK-NEXT: dlp.matmul ins(%{{.*}}, %[[S]] : memref<16x64xf32>, memref<64x32xf32>)
func.func private @transposed(%q: memref<16x64xf32>, %k: memref<64x32xf32, strided<[1, 64]>>, %s: memref<16x32xf32>) {
  dlp.matmul ins(%q, %k : memref<16x64xf32>, memref<64x32xf32, strided<[1, 64]>>) outs(%s : memref<16x32xf32>)
  func.return
}

// Contiguous columns stay where they are.
// CHECK-LABEL: func.func private @contiguous
// CHECK-NOT: dlp.copy
func.func private @contiguous(%q: memref<16x64xf32>, %k: memref<64x32xf32>, %s: memref<16x32xf32>) {
  dlp.matmul ins(%q, %k : memref<16x64xf32>, memref<64x32xf32>) outs(%s : memref<16x32xf32>)
  func.return
}

// One row reads every element once: a copy would cost as much as the product.
// CHECK-LABEL: func.func private @one_row
// CHECK-NOT: dlp.copy
func.func private @one_row(%q: memref<1x64xf32>, %k: memref<64x32xf32, strided<[1, 64]>>, %s: memref<1x32xf32>) {
  dlp.matmul ins(%q, %k : memref<1x64xf32>, memref<64x32xf32, strided<[1, 64]>>) outs(%s : memref<1x32xf32>)
  func.return
}
