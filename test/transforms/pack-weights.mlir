// RUN: dlp-opt %s -p 'pack-weights{target=avx2}' --split-input-file | filecheck %s
// RUN: dlp-opt %s -p 'pack-weights{target=avx512}' --split-input-file | filecheck %s --check-prefix=AVX512

// Panels of two vectors; the last is filled with zeros. Steps that share weights share their packed form.

// CHECK-LABEL: func.func @matmul
// CHECK:         %[[W:.*]] = dlp.weight "w"
// CHECK-NEXT:    %[[P:.*]] = dlp.pad ins(%[[W]] : tensor<5x30xf32>) -> tensor<5x32xf32> {low = array<i64: 0, 0>, high = array<i64: 0, 2>, value = 0.000000e+00
// CHECK-NEXT:    %[[R:.*]] = dlp.reshape ins(%[[P]] : tensor<5x32xf32>) -> tensor<5x2x16xf32>
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[R]] : tensor<5x2x16xf32>) -> tensor<2x5x16xf32> {permutation = array<i64: 1, 0, 2>}
// CHECK-NEXT:    dlp.matmul ins(%{{.*}}, %[[T]] : tensor<60x5xf32>, tensor<2x5x16xf32>) -> tensor<60x30xf32> {panel = 16 : i64}
// CHECK-NEXT:    dlp.matmul ins(%{{.*}}, %[[T]] : tensor<60x5xf32>, tensor<2x5x16xf32>) -> tensor<60x30xf32> {panel = 16 : i64}
//
// AVX512-LABEL: func.func @matmul
// AVX512:         panel = 32
func.func @matmul(%x: tensor<60x5xf32>, %y: tensor<60x5xf32>) -> (tensor<60x30xf32>, tensor<60x30xf32>) {
  %w = dlp.weight "w" : tensor<5x30xf32>
  %0 = dlp.matmul ins(%x, %w : tensor<60x5xf32>, tensor<5x30xf32>) -> tensor<60x30xf32>
  %1 = dlp.matmul ins(%y, %w : tensor<60x5xf32>, tensor<5x30xf32>) -> tensor<60x30xf32>
  func.return %0, %1 : tensor<60x30xf32>, tensor<60x30xf32>
}

// -----

// CHECK-LABEL: func.func @conv
// CHECK:         %[[R:.*]] = dlp.reshape ins(%{{.*}} : tensor<3x3x5x32xf32>) -> tensor<3x3x5x2x16xf32>
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[R]] : tensor<3x3x5x2x16xf32>) -> tensor<2x3x3x5x16xf32> {permutation = array<i64: 3, 0, 1, 2, 4>}
// CHECK-NEXT:    dlp.conv ins(%{{.*}}, %[[T]]
// CHECK-SAME:      panel = 16
func.func @conv(%x: tensor<1x14x14x5xf32>) -> tensor<1x12x12x32xf32> {
  %w = dlp.weight "w" : tensor<3x3x5x32xf32>
  %0 = dlp.conv ins(%x, %w : tensor<1x14x14x5xf32>, tensor<3x3x5x32xf32>) -> tensor<1x12x12x32xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0 : tensor<1x12x12x32xf32>
}

// -----

// A panel lies within one group of channels.

// CHECK-LABEL: func.func @groups
// CHECK:         dlp.reshape ins(%{{.*}} : tensor<1x1x4x208xf32>) -> tensor<1x1x4x26x8xf32>
// CHECK:         panel = 8
func.func @groups(%x: tensor<1x1x60x8xf32>) -> tensor<1x1x60x208xf32> {
  %w = dlp.weight "w" : tensor<1x1x4x208xf32>
  %0 = dlp.conv ins(%x, %w : tensor<1x1x60x8xf32>, tensor<1x1x4x208xf32>) -> tensor<1x1x60x208xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64}
  func.return %0 : tensor<1x1x60x208xf32>
}

// -----

// A batch of weights is a batch of panels.

// CHECK-LABEL: func.func @batch
// CHECK:         %[[R:.*]] = dlp.reshape ins(%{{.*}} : tensor<2x16x32xf32>) -> tensor<2x16x2x16xf32>
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[R]] : tensor<2x16x2x16xf32>) -> tensor<2x2x16x16xf32> {permutation = array<i64: 0, 2, 1, 3>}
// CHECK-NEXT:    dlp.matmul ins(%{{.*}}, %[[T]] : tensor<3x2x60x16xf32>, tensor<2x2x16x16xf32>) -> tensor<3x2x60x32xf32> {panel = 16 : i64}
func.func @batch(%x: tensor<3x2x60x16xf32>) -> tensor<3x2x60x32xf32> {
  %w = dlp.weight "w" : tensor<2x16x32xf32>
  %0 = dlp.matmul ins(%x, %w : tensor<3x2x60x16xf32>, tensor<2x16x32xf32>) -> tensor<3x2x60x32xf32>
  func.return %0 : tensor<3x2x60x32xf32>
}

// -----

// Not packed: weights that come with the call, depthwise and too narrow groups, channels first, a batch of
// weights for one matrix of data (data that is packed does not broadcast).

// CHECK-LABEL: func.func @plain
// CHECK-NOT:     panel
func.func @plain(%x: tensor<4x16xf32>, %v: tensor<16x16xf32>, %i: tensor<1x5x5x16xf32>, %f: tensor<1x16x5x5xf32>, %b: tensor<1x4x16xf32>) -> (tensor<4x16xf32>, tensor<1x5x5x16xf32>, tensor<1x5x5x16xf32>, tensor<1x16x5x5xf32>, tensor<2x4x16xf32>) {
  %depthwise = dlp.weight "depthwise" : tensor<1x1x1x16xf32>
  %narrow = dlp.weight "narrow" : tensor<1x1x4x16xf32>
  %first = dlp.weight "first" : tensor<16x16x1x1xf32>
  %batch = dlp.weight "batch" : tensor<2x16x16xf32>
  %0 = dlp.matmul ins(%x, %v : tensor<4x16xf32>, tensor<16x16xf32>) -> tensor<4x16xf32>
  %1 = dlp.conv ins(%i, %depthwise : tensor<1x5x5x16xf32>, tensor<1x1x1x16xf32>) -> tensor<1x5x5x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 16 : i64}
  %2 = dlp.conv ins(%i, %narrow : tensor<1x5x5x16xf32>, tensor<1x1x4x16xf32>) -> tensor<1x5x5x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 4 : i64}
  %3 = dlp.conv ins(%f, %first : tensor<1x16x5x5xf32>, tensor<16x16x1x1xf32>) -> tensor<1x16x5x5xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %4 = dlp.matmul ins(%b, %batch : tensor<1x4x16xf32>, tensor<2x16x16xf32>) -> tensor<2x4x16xf32>
  func.return %0, %1, %2, %3, %4 : tensor<4x16xf32>, tensor<1x5x5x16xf32>, tensor<1x5x5x16xf32>, tensor<1x16x5x5xf32>, tensor<2x4x16xf32>
}
