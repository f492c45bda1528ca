// RUN: dlp-opt %s -p 'fuse{target=avx2}' --split-input-file | filecheck %s
// RUN: dlp-opt %s -p 'fuse{target=avx2 without=rows}' --split-input-file | filecheck %s --check-prefix=WITHOUT

// A softmax is one kernel, with the element-wise ops before and behind it; the row sums may be a result.

// CHECK-LABEL: func.func @softmax
// CHECK:         dlp.fused "rows"
// CHECK:           dlp.mul
// CHECK-NEXT:      dlp.max
// CHECK-NEXT:      dlp.sub
// CHECK-NEXT:      dlp.exp
// CHECK-NEXT:      %[[S:.*]] = dlp.sum
// CHECK-NEXT:      dlp.div
// CHECK-NEXT:      %[[Y:.*]] = dlp.relu
// CHECK-NEXT:      dlp.yield %[[S]], %[[Y]]
// CHECK-NOT:     dlp.fused

// WITHOUT-LABEL: func.func @softmax
// WITHOUT:         dlp.fused "elementwise"
// WITHOUT:         dlp.fused "max"
// WITHOUT:         dlp.fused "elementwise"
// WITHOUT:         dlp.fused "sum"
func.func @softmax(%x: tensor<16x32xf32>, %m: tensor<16x32xf32>) -> (tensor<16x1xf32>, tensor<16x32xf32>) {
  %s = dlp.mul ins(%x, %m : tensor<16x32xf32>, tensor<16x32xf32>) -> tensor<16x32xf32>
  %0 = dlp.max ins(%s : tensor<16x32xf32>) -> tensor<16x1xf32> {dims = array<i64: 1>}
  %1 = dlp.sub ins(%s, %0 : tensor<16x32xf32>, tensor<16x1xf32>) -> tensor<16x32xf32>
  %2 = dlp.exp ins(%1 : tensor<16x32xf32>) -> tensor<16x32xf32>
  %3 = dlp.sum ins(%2 : tensor<16x32xf32>) -> tensor<16x1xf32> {dims = array<i64: 1>}
  %4 = dlp.div ins(%2, %3 : tensor<16x32xf32>, tensor<16x1xf32>) -> tensor<16x32xf32>
  %5 = dlp.relu ins(%4 : tensor<16x32xf32>) -> tensor<16x32xf32>
  func.return %3, %5 : tensor<16x1xf32>, tensor<16x32xf32>
}

// -----

// A layer norm takes the residual addition before it along, whose sum others need too.

// CHECK-LABEL: func.func @layer_norm
// CHECK:         dlp.fused "rows" ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<8x64xf32>, tensor<8x64xf32>, tensor<64xf32>)
// CHECK:           %[[R:.*]] = dlp.add
// CHECK:           dlp.rsqrt
// CHECK-NEXT:      dlp.mul
// CHECK-NEXT:      %[[Y:.*]] = dlp.mul
// CHECK-NEXT:      dlp.yield %[[R]], %[[Y]]
// CHECK-NOT:     dlp.fused
func.func @layer_norm(%x: tensor<8x64xf32>, %r: tensor<8x64xf32>, %g: tensor<64xf32>) -> (tensor<8x64xf32>, tensor<8x64xf32>) {
  %c = dlp.constant ins() -> tensor<f32> {value = 0.015625 : f64}
  %0 = dlp.add ins(%x, %r : tensor<8x64xf32>, tensor<8x64xf32>) -> tensor<8x64xf32>
  %1 = dlp.sum ins(%0 : tensor<8x64xf32>) -> tensor<8x1xf32> {dims = array<i64: 1>}
  %2 = dlp.mul ins(%1, %c : tensor<8x1xf32>, tensor<f32>) -> tensor<8x1xf32>
  %3 = dlp.sub ins(%0, %2 : tensor<8x64xf32>, tensor<8x1xf32>) -> tensor<8x64xf32>
  %4 = dlp.mul ins(%3, %3 : tensor<8x64xf32>, tensor<8x64xf32>) -> tensor<8x64xf32>
  %5 = dlp.sum ins(%4 : tensor<8x64xf32>) -> tensor<8x1xf32> {dims = array<i64: 1>}
  %6 = dlp.rsqrt ins(%5 : tensor<8x1xf32>) -> tensor<8x1xf32>
  %7 = dlp.mul ins(%3, %6 : tensor<8x64xf32>, tensor<8x1xf32>) -> tensor<8x64xf32>
  %8 = dlp.mul ins(%7, %g : tensor<8x64xf32>, tensor<64xf32>) -> tensor<8x64xf32>
  func.return %0, %8 : tensor<8x64xf32>, tensor<8x64xf32>
}

// -----

// The mean over an image, channels last: cut along the channels.

// CHECK-LABEL: func.func @mean
// CHECK:         dlp.fused "rows"
// CHECK:           dlp.relu
// CHECK-NEXT:      dlp.sum
// CHECK:           dlp.mul
// CHECK-NOT:     dlp.fused
func.func @mean(%x: tensor<1x7x7x512xf32>) -> tensor<1x1x1x512xf32> {
  %c = dlp.constant ins() -> tensor<f32> {value = 0.02 : f64}
  %0 = dlp.relu ins(%x : tensor<1x7x7x512xf32>) -> tensor<1x7x7x512xf32>
  %1 = dlp.sum ins(%0 : tensor<1x7x7x512xf32>) -> tensor<1x1x1x512xf32> {dims = array<i64: 1, 2>}
  %2 = dlp.mul ins(%1, %c : tensor<1x1x1x512xf32>, tensor<f32>) -> tensor<1x1x1x512xf32>
  func.return %2 : tensor<1x1x1x512xf32>
}

// -----

// Not fused: a row behind a product, whose columns could then not be cut any more; a row that does not fit the cache;
// the sum of everything, which leaves nothing to cut.

// CHECK-LABEL: func.func @not
// CHECK:         dlp.fused "matmul"
// CHECK:         dlp.fused "sum"
// CHECK:         dlp.fused "elementwise"
// CHECK:         dlp.fused "sum"
// CHECK:         dlp.fused "elementwise"
// CHECK:         dlp.fused "sum"
func.func @not(%x: tensor<16x8xf32>, %w: tensor<8x8xf32>, %l: tensor<64x131072xf32>, %b: tensor<512x512xf32>) -> (tensor<16x1xf32>, tensor<64x1xf32>, tensor<1x1xf32>) {
  %0 = dlp.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x8xf32>) -> tensor<16x8xf32>
  %1 = dlp.sum ins(%0 : tensor<16x8xf32>) -> tensor<16x1xf32> {dims = array<i64: 1>}
  %2 = dlp.exp ins(%l : tensor<64x131072xf32>) -> tensor<64x131072xf32>
  %3 = dlp.sum ins(%2 : tensor<64x131072xf32>) -> tensor<64x1xf32> {dims = array<i64: 1>}
  %4 = dlp.exp ins(%b : tensor<512x512xf32>) -> tensor<512x512xf32>
  %5 = dlp.sum ins(%4 : tensor<512x512xf32>) -> tensor<1x1xf32> {dims = array<i64: 0, 1>}
  func.return %1, %3, %5 : tensor<16x1xf32>, tensor<64x1xf32>, tensor<1x1xf32>
}
