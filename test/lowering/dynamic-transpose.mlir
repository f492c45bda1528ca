// RUN: dlp-opt %s --target=avx2 -p fuse,outline-kernels,bufferize --split-input-file | filecheck %s

// The columns of a product of open size lie apart: they are brought together once, before all its tiles.

// CHECK-LABEL: func.func @forward
// CHECK:         func.call @transpose(%y, %[[T:.*]], %{{.*}})
// CHECK:         func.call @matmul(%x, %[[T]], %{{.*}})
// CHECK:       func.func private @transpose
// CHECK:         dlp.transpose
func.func @forward(%x: tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64}>>, %y: tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64}>>) -> tensor<?x?xf32, #dlp.dims<["s0", "s0"], [], {s0 = 64}>> {
  %0 = dlp.transpose ins(%y : tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64}>>) -> tensor<8x?xf32, #dlp.dims<[8, "s0"], [], {s0 = 64}>> {permutation = array<i64: 1, 0>}
  %1 = dlp.matmul ins(%x, %0 : tensor<?x8xf32, #dlp.dims<["s0", 8], [], {s0 = 64}>>, tensor<8x?xf32, #dlp.dims<[8, "s0"], [], {s0 = 64}>>) -> tensor<?x?xf32, #dlp.dims<["s0", "s0"], [], {s0 = 64}>>
  func.return %1 : tensor<?x?xf32, #dlp.dims<["s0", "s0"], [], {s0 = 64}>>
}

// -----

// Of known size each tile brings its own in order; and columns that lie together, batches in another order, stay.

// CHECK-LABEL: func.func @forward
// CHECK-NOT:     func.call @transpose
// CHECK:         func.return
func.func @forward(%x: tensor<64x8xf32>, %y: tensor<64x8xf32>, %u: tensor<4x?x8xf32, #dlp.dims<[4, "s0", 8], [], {s0 = 64}>>, %v: tensor<8x4x16xf32>) -> (tensor<64x64xf32>, tensor<4x?x16xf32, #dlp.dims<[4, "s0", 16], [], {s0 = 64}>>) {
  %0 = dlp.transpose ins(%y : tensor<64x8xf32>) -> tensor<8x64xf32> {permutation = array<i64: 1, 0>}
  %1 = dlp.matmul ins(%x, %0 : tensor<64x8xf32>, tensor<8x64xf32>) -> tensor<64x64xf32>
  %2 = dlp.transpose ins(%v : tensor<8x4x16xf32>) -> tensor<4x8x16xf32> {permutation = array<i64: 1, 0, 2>}
  %3 = dlp.matmul ins(%u, %2 : tensor<4x?x8xf32, #dlp.dims<[4, "s0", 8], [], {s0 = 64}>>, tensor<4x8x16xf32>) -> tensor<4x?x16xf32, #dlp.dims<[4, "s0", 16], [], {s0 = 64}>>
  func.return %1, %3 : tensor<64x64xf32>, tensor<4x?x16xf32, #dlp.dims<[4, "s0", 16], [], {s0 = 64}>>
}
