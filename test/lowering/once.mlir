// RUN: dlp-opt -p 'fuse,outline-kernels,bufferize' %s | filecheck %s
// RUN: dlp-opt -p 'fuse,outline-kernels,bufferize,tile-tasks{target=avx2},tile-registers{target=avx2},vectorize{target=avx2}' %s | filecheck %s --check-prefix LEFT

// What @forward calls is worth to be made fast; so are, of what only @prepare calls, contractions and large kernels.

// CHECK-LABEL: func.func private @relu
// CHECK-NOT: dlp.once
// CHECK: func.func private @mul(
// CHECK-NOT: dlp.once
// CHECK: func.func private @matmul
// CHECK-NOT: dlp.once
// CHECK: func.func private @mul_2
// CHECK-SAME: dlp.once
// CHECK: func.func private @copy_alone
// CHECK-SAME: dlp.once

// LEFT-LABEL: func.func private @relu
// LEFT: vector.store
// LEFT-LABEL: func.func private @mul(
// LEFT: vector.store
// LEFT-LABEL: func.func private @mul_2
// LEFT-NEXT: dlp.mul ins
// LEFT-NEXT: func.return
// LEFT-LABEL: func.func private @copy_alone
// LEFT-NEXT: dlp.copy ins
// LEFT-NEXT: func.return

func.func @forward(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %0 = dlp.relu ins(%x : tensor<64x64xf32>) -> tensor<64x64xf32>
  func.return %0 : tensor<64x64xf32>
}
func.func @prepare() -> (tensor<1024x1025xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<32x64xf32>) {
  %l = dlp.weight "l" : tensor<1024x1025xf32>
  %v = dlp.weight "v" : tensor<64x64xf32>
  %w = dlp.weight "w" : tensor<64x32xf32>
  %0 = dlp.mul ins(%l, %l : tensor<1024x1025xf32>, tensor<1024x1025xf32>) -> tensor<1024x1025xf32>
  %1 = dlp.matmul ins(%v, %v : tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %2 = dlp.mul ins(%v, %v : tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %3 = dlp.transpose ins(%w : tensor<64x32xf32>) -> tensor<32x64xf32> {permutation = array<i64: 1, 0>}
  func.return %0, %1, %2, %3 : tensor<1024x1025xf32>, tensor<64x64xf32>, tensor<64x64xf32>, tensor<32x64xf32>
}
