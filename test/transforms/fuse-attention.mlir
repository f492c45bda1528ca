// RUN: dlp-opt %s -p 'fuse{target=avx2}' --split-input-file | filecheck %s
// RUN: dlp-opt %s -p 'fuse{target=avx2 without=attention}' --split-input-file | filecheck %s --check-prefix=WITHOUT

// Scores, mask, softmax and their product with the values are one kernel; so is what follows.

// CHECK-LABEL: func.func @attention
// CHECK:         dlp.fused "attention"
// CHECK:           dlp.matmul
// CHECK-NEXT:      dlp.add
// CHECK-NEXT:      dlp.max
// CHECK:           dlp.div
// CHECK-NEXT:      dlp.matmul
// CHECK-NEXT:      dlp.relu
// CHECK-NEXT:      dlp.yield
// CHECK-NOT:     dlp.fused

// WITHOUT-LABEL: func.func @attention
// WITHOUT:         dlp.fused "matmul"
// WITHOUT:         dlp.fused "rows"
// WITHOUT:         dlp.fused "matmul"
func.func @attention(%q: tensor<4x32x8xf32>, %k: tensor<4x8x32xf32>, %v: tensor<4x32x8xf32>, %m: tensor<32x32xf32>) -> tensor<4x32x8xf32> {
  %0 = dlp.matmul ins(%q, %k : tensor<4x32x8xf32>, tensor<4x8x32xf32>) -> tensor<4x32x32xf32>
  %1 = dlp.add ins(%0, %m : tensor<4x32x32xf32>, tensor<32x32xf32>) -> tensor<4x32x32xf32>
  %2 = dlp.max ins(%1 : tensor<4x32x32xf32>) -> tensor<4x32x1xf32> {dims = array<i64: 2>}
  %3 = dlp.sub ins(%1, %2 : tensor<4x32x32xf32>, tensor<4x32x1xf32>) -> tensor<4x32x32xf32>
  %4 = dlp.exp ins(%3 : tensor<4x32x32xf32>) -> tensor<4x32x32xf32>
  %5 = dlp.sum ins(%4 : tensor<4x32x32xf32>) -> tensor<4x32x1xf32> {dims = array<i64: 2>}
  %6 = dlp.div ins(%4, %5 : tensor<4x32x32xf32>, tensor<4x32x1xf32>) -> tensor<4x32x32xf32>
  %7 = dlp.matmul ins(%6, %v : tensor<4x32x32xf32>, tensor<4x32x8xf32>) -> tensor<4x32x8xf32>
  %8 = dlp.relu ins(%7 : tensor<4x32x8xf32>) -> tensor<4x32x8xf32>
  func.return %8 : tensor<4x32x8xf32>
}

// -----

// A row of scores that has nothing to see: what one element a row says may be used behind the values too.

// CHECK-LABEL: func.func @masked
// CHECK:         dlp.fused "attention"
// CHECK:           dlp.compare
// CHECK-NEXT:      dlp.select
// CHECK-NEXT:      dlp.yield
// CHECK-NOT:     dlp.fused
func.func @masked(%q: tensor<4x32x8xf32>, %k: tensor<4x8x32xf32>, %v: tensor<4x32x8xf32>, %z: tensor<f32>) -> tensor<4x32x8xf32> {
  %0 = dlp.matmul ins(%q, %k : tensor<4x32x8xf32>, tensor<4x8x32xf32>) -> tensor<4x32x32xf32>
  %1 = dlp.max ins(%0 : tensor<4x32x32xf32>) -> tensor<4x32x1xf32> {dims = array<i64: 2>}
  %2 = dlp.sub ins(%0, %1 : tensor<4x32x32xf32>, tensor<4x32x1xf32>) -> tensor<4x32x32xf32>
  %3 = dlp.matmul ins(%2, %v : tensor<4x32x32xf32>, tensor<4x32x8xf32>) -> tensor<4x32x8xf32>
  %4 = dlp.compare ins(%1, %z : tensor<4x32x1xf32>, tensor<f32>) -> tensor<4x32x1xi1> {predicate = "lt"}
  %5 = dlp.select ins(%4, %z, %3 : tensor<4x32x1xi1>, tensor<f32>, tensor<4x32x8xf32>) -> tensor<4x32x8xf32>
  func.return %5 : tensor<4x32x8xf32>
}

// -----

// Not fused: the probabilities are returned.

// CHECK-LABEL: func.func @returned
// CHECK-NOT:     "attention"
func.func @returned(%q: tensor<4x32x8xf32>, %k: tensor<4x8x32xf32>, %v: tensor<4x32x8xf32>) -> (tensor<4x32x32xf32>, tensor<4x32x8xf32>) {
  %0 = dlp.matmul ins(%q, %k : tensor<4x32x8xf32>, tensor<4x8x32xf32>) -> tensor<4x32x32xf32>
  %1 = dlp.max ins(%0 : tensor<4x32x32xf32>) -> tensor<4x32x1xf32> {dims = array<i64: 2>}
  %2 = dlp.sub ins(%0, %1 : tensor<4x32x32xf32>, tensor<4x32x1xf32>) -> tensor<4x32x32xf32>
  %3 = dlp.matmul ins(%2, %v : tensor<4x32x32xf32>, tensor<4x32x8xf32>) -> tensor<4x32x8xf32>
  func.return %2, %3 : tensor<4x32x32xf32>, tensor<4x32x8xf32>
}

// -----

// Not fused: 16 rows of 16384 scores do not fit the cache, nor do the keys.

// CHECK-LABEL: func.func @long
// CHECK-NOT:     "attention"
func.func @long(%q: tensor<4x64x8xf32>, %k: tensor<4x8x16384xf32>, %v: tensor<4x16384x8xf32>) -> tensor<4x64x8xf32> {
  %0 = dlp.matmul ins(%q, %k : tensor<4x64x8xf32>, tensor<4x8x16384xf32>) -> tensor<4x64x16384xf32>
  %1 = dlp.max ins(%0 : tensor<4x64x16384xf32>) -> tensor<4x64x1xf32> {dims = array<i64: 2>}
  %2 = dlp.sub ins(%0, %1 : tensor<4x64x16384xf32>, tensor<4x64x1xf32>) -> tensor<4x64x16384xf32>
  %3 = dlp.matmul ins(%2, %v : tensor<4x64x16384xf32>, tensor<4x16384x8xf32>) -> tensor<4x64x8xf32>
  func.return %3 : tensor<4x64x8xf32>
}

// -----

// Not fused: two layers of a network whose features are normalised in between; the rows are few.

// CHECK-LABEL: func.func @layers
// CHECK-NOT:     "attention"
func.func @layers(%x: tensor<4x512xf32>, %w: tensor<512x16384xf32>, %v: tensor<16384x512xf32>) -> tensor<4x512xf32> {
  %0 = dlp.matmul ins(%x, %w : tensor<4x512xf32>, tensor<512x16384xf32>) -> tensor<4x16384xf32>
  %1 = dlp.max ins(%0 : tensor<4x16384xf32>) -> tensor<4x1xf32> {dims = array<i64: 1>}
  %2 = dlp.sub ins(%0, %1 : tensor<4x16384xf32>, tensor<4x1xf32>) -> tensor<4x16384xf32>
  %3 = dlp.matmul ins(%2, %v : tensor<4x16384xf32>, tensor<16384x512xf32>) -> tensor<4x512xf32>
  func.return %3 : tensor<4x512xf32>
}
