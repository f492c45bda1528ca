// RUN: dlp-opt %s -p 'channels-last,dce' --split-input-file | filecheck %s
// RUN: dlp-opt %s -p 'channels-last{layout=channels_first}' --split-input-file | filecheck %s --check-prefix=FIRST

// One transpose at the input; everything behind it has the channels last, up to a flattening whose weights are
// permuted instead.

// CHECK-LABEL: func.func @network
// CHECK-SAME:    (%[[X:.*]]: tensor<2x3x8x8xf32>)
// CHECK:         %[[T:.*]] = dlp.transpose ins(%[[X]] : tensor<2x3x8x8xf32>) -> tensor<2x8x8x3xf32> {permutation = array<i64: 0, 2, 3, 1>}
// CHECK:         %[[P:.*]] = dlp.pad ins(%[[T]] : tensor<2x8x8x3xf32>) -> tensor<2x10x10x3xf32> {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>
// CHECK:         dlp.transpose ins(%{{.*}} : tensor<6x3x3x3xf32>) -> tensor<3x3x3x6xf32> {permutation = array<i64: 2, 3, 1, 0>}
// CHECK:         %[[C:.*]] = dlp.conv ins(%[[P]]
// CHECK-SAME:      layout = "channels_last"
// CHECK-NEXT:    %[[A:.*]] = dlp.add ins(%[[C]], %{{.*}} : tensor<2x8x8x6xf32>, tensor<6xf32>)
// CHECK-NEXT:    %[[S:.*]] = dlp.sum ins(%[[A]] : tensor<2x8x8x6xf32>) -> tensor<2x1x1x6xf32> {dims = array<i64: 1, 2>}
// CHECK-NEXT:    %[[M:.*]] = dlp.mul ins(%[[A]], %[[S]]
// CHECK-NEXT:    %[[K:.*]] = dlp.concat ins(%[[M]], %[[A]] : tensor<2x8x8x6xf32>, tensor<2x8x8x6xf32>) -> tensor<2x8x8x12xf32> {dimension = 3 : i64}
// CHECK-NEXT:    %[[Q:.*]] = dlp.max_pool ins(%[[K]] : tensor<2x8x8x12xf32>) -> tensor<2x4x4x12xf32> {layout = "channels_last"
// CHECK:         %[[L:.*]] = dlp.transpose ins(%{{.*}} : tensor<12x4x4x10xf32>) -> tensor<4x4x12x10xf32> {permutation = array<i64: 1, 2, 0, 3>}
// CHECK:         %[[W:.*]] = dlp.reshape ins(%[[L]] : tensor<4x4x12x10xf32>) -> tensor<192x10xf32>
// CHECK:         %[[F:.*]] = dlp.reshape ins(%[[Q]] : tensor<2x4x4x12xf32>) -> tensor<2x192xf32>
// CHECK:         dlp.matmul ins(%[[F]], %[[W]]
//
// FIRST-LABEL: func.func @network
// FIRST-NOT:     dlp.transpose
// FIRST:         dlp.conv
// FIRST-SAME:      layout = "channels_first"
func.func @network(%x: tensor<2x3x8x8xf32>) -> tensor<2x10xf32> {
  %w = dlp.weight "w" : tensor<6x3x3x3xf32>
  %b = dlp.weight "b" : tensor<6xf32>
  %l = dlp.weight "l" : tensor<192x10xf32>
  %0 = dlp.pad ins(%x : tensor<2x3x8x8xf32>) -> tensor<2x3x10x10xf32> {low = array<i64: 0, 0, 1, 1>, high = array<i64: 0, 0, 1, 1>, value = 0.0 : f32}
  %1 = dlp.conv ins(%0, %w : tensor<2x3x10x10xf32>, tensor<6x3x3x3xf32>) -> tensor<2x6x8x8xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %2 = dlp.reshape ins(%b : tensor<6xf32>) -> tensor<6x1x1xf32>
  %3 = dlp.add ins(%1, %2 : tensor<2x6x8x8xf32>, tensor<6x1x1xf32>) -> tensor<2x6x8x8xf32>
  %4 = dlp.sum ins(%3 : tensor<2x6x8x8xf32>) -> tensor<2x6x1x1xf32> {dims = array<i64: 2, 3>}
  %5 = dlp.mul ins(%3, %4 : tensor<2x6x8x8xf32>, tensor<2x6x1x1xf32>) -> tensor<2x6x8x8xf32>
  %6 = dlp.concat ins(%5, %3 : tensor<2x6x8x8xf32>, tensor<2x6x8x8xf32>) -> tensor<2x12x8x8xf32> {dimension = 1 : i64}
  %7 = dlp.max_pool ins(%6 : tensor<2x12x8x8xf32>) -> tensor<2x12x4x4xf32> {layout = "channels_first", kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>}
  %8 = dlp.reshape ins(%7 : tensor<2x12x4x4xf32>) -> tensor<2x192xf32>
  %9 = dlp.matmul ins(%8, %l : tensor<2x192xf32>, tensor<192x10xf32>) -> tensor<2x10xf32>
  func.return %9 : tensor<2x10xf32>
}

// -----

// What leaves the function has the order that the program says; so has what is flattened for something else.

// CHECK-LABEL: func.func @edges
// CHECK:         %[[C:.*]] = dlp.conv
// CHECK-NEXT:    %[[Y:.*]] = dlp.transpose ins(%[[C]] : tensor<1x4x4x8xf32>) -> tensor<1x8x4x4xf32> {permutation = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT:    %[[F:.*]] = dlp.reshape ins(%[[Y]] : tensor<1x8x4x4xf32>) -> tensor<128xf32>
// CHECK-NEXT:    func.return %[[Y]], %[[F]]
func.func @edges(%x: tensor<1x8x4x4xf32>) -> (tensor<1x8x4x4xf32>, tensor<128xf32>) {
  %w = dlp.weight "w" : tensor<8x1x1x1xf32>
  %0 = dlp.conv ins(%x, %w : tensor<1x8x4x4xf32>, tensor<8x1x1x1xf32>) -> tensor<1x8x4x4xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 8 : i64}
  %1 = dlp.reshape ins(%0 : tensor<1x8x4x4xf32>) -> tensor<128xf32>
  func.return %0, %1 : tensor<1x8x4x4xf32>, tensor<128xf32>
}

// -----

// A shuffle of channels copies, but the copy has the channels last as well.

// CHECK-LABEL: func.func @shuffle
// CHECK:         %[[C:.*]] = dlp.conv
// CHECK-NEXT:    %[[G:.*]] = dlp.reshape ins(%[[C]] : tensor<1x4x4x8xf32>) -> tensor<1x4x4x2x4xf32>
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[G]] : tensor<1x4x4x2x4xf32>) -> tensor<1x4x4x4x2xf32> {permutation = array<i64: 0, 1, 2, 4, 3>}
// CHECK-NEXT:    %[[S:.*]] = dlp.reshape ins(%[[T]] : tensor<1x4x4x4x2xf32>) -> tensor<1x4x4x8xf32>
// CHECK-NEXT:    dlp.max_pool ins(%[[S]]
func.func @shuffle(%x: tensor<1x8x4x4xf32>) -> tensor<1x8x2x2xf32> {
  %w = dlp.weight "w" : tensor<8x1x1x1xf32>
  %0 = dlp.conv ins(%x, %w : tensor<1x8x4x4xf32>, tensor<8x1x1x1xf32>) -> tensor<1x8x4x4xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 8 : i64}
  %1 = dlp.reshape ins(%0 : tensor<1x8x4x4xf32>) -> tensor<1x2x4x4x4xf32>
  %2 = dlp.transpose ins(%1 : tensor<1x2x4x4x4xf32>) -> tensor<1x4x2x4x4xf32> {permutation = array<i64: 0, 2, 1, 3, 4>}
  %3 = dlp.reshape ins(%2 : tensor<1x4x2x4x4xf32>) -> tensor<1x8x4x4xf32>
  %4 = dlp.max_pool ins(%3 : tensor<1x8x4x4xf32>) -> tensor<1x8x2x2xf32> {layout = "channels_first", kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>}
  func.return %4 : tensor<1x8x2x2xf32>
}

// -----

// Without a convolution or a pool no order is better than the program's.

// CHECK-LABEL: func.func @no_image
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose
// CHECK-NEXT:    dlp.relu ins(%[[T]]
func.func @no_image(%x: tensor<1x8x4x4xf32>) -> tensor<1x4x4x8xf32> {
  %0 = dlp.transpose ins(%x : tensor<1x8x4x4xf32>) -> tensor<1x4x4x8xf32> {permutation = array<i64: 0, 2, 3, 1>}
  %1 = dlp.relu ins(%0 : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  func.return %1 : tensor<1x4x4x8xf32>
}
