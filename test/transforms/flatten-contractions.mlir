// RUN: dlp-opt %s -p flatten-contractions --split-input-file | filecheck %s

// CHECK-LABEL: func.func @conv
// CHECK-NEXT:    %[[R:.*]] = dlp.reshape ins(%{{.*}} : tensor<2x7x7x6xf32>) -> tensor<98x6xf32>
// CHECK-NEXT:    %[[V:.*]] = dlp.reshape ins(%{{.*}} : tensor<1x1x6x4xf32>) -> tensor<6x4xf32>
// CHECK-NEXT:    %[[M:.*]] = dlp.matmul ins(%[[R]], %[[V]]
// CHECK-NEXT:    %[[Y:.*]] = dlp.reshape ins(%[[M]] : tensor<98x4xf32>) -> tensor<2x7x7x4xf32>
// CHECK-NEXT:    dlp.relu ins(%[[Y]]
func.func @conv(%x: tensor<2x7x7x6xf32>, %w: tensor<1x1x6x4xf32>) -> tensor<2x7x7x4xf32> {
  %0 = dlp.conv ins(%x, %w : tensor<2x7x7x6xf32>, tensor<1x1x6x4xf32>) -> tensor<2x7x7x4xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %1 = dlp.relu ins(%0 : tensor<2x7x7x4xf32>) -> tensor<2x7x7x4xf32>
  func.return %1 : tensor<2x7x7x4xf32>
}

// -----

// The result goes into a frame: the convolution can write its lines there, a matrix product could not.

// CHECK-LABEL: func.func @padded
// CHECK-NEXT:    dlp.conv
func.func @padded(%x: tensor<1x7x7x6xf32>, %w: tensor<1x1x6x4xf32>) -> tensor<1x9x9x4xf32> {
  %0 = dlp.conv ins(%x, %w : tensor<1x7x7x6xf32>, tensor<1x1x6x4xf32>) -> tensor<1x7x7x4xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %1 = dlp.relu ins(%0 : tensor<1x7x7x4xf32>) -> tensor<1x7x7x4xf32>
  %2 = dlp.pad ins(%1 : tensor<1x7x7x4xf32>) -> tensor<1x9x9x4xf32> {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f32}
  func.return %2 : tensor<1x9x9x4xf32>
}

// -----

// Strides, a window, groups, an input with gaps: no product of two matrices without a copy.

// CHECK-LABEL: func.func @others
// CHECK:         dlp.slice
// CHECK-COUNT-4: dlp.conv
// CHECK-NOT:     dlp.matmul
func.func @others(%x: tensor<1x7x7x6xf32>, %one: tensor<1x1x6x4xf32>, %three: tensor<3x3x6x4xf32>, %group: tensor<1x1x3x4xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x5x5x4xf32>, tensor<1x7x7x4xf32>, tensor<1x5x5x4xf32>) {
  %s = dlp.slice ins(%x : tensor<1x7x7x6xf32>) -> tensor<1x5x5x6xf32> {offsets = array<i64: 0, 1, 1, 0>, steps = array<i64: 1, 1, 1, 1>}
  %0 = dlp.conv ins(%x, %one : tensor<1x7x7x6xf32>, tensor<1x1x6x4xf32>) -> tensor<1x4x4x4xf32> {layout = "channels_last", strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %1 = dlp.conv ins(%x, %three : tensor<1x7x7x6xf32>, tensor<3x3x6x4xf32>) -> tensor<1x5x5x4xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %2 = dlp.conv ins(%x, %group : tensor<1x7x7x6xf32>, tensor<1x1x3x4xf32>) -> tensor<1x7x7x4xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64}
  %3 = dlp.conv ins(%s, %one : tensor<1x5x5x6xf32>, tensor<1x1x6x4xf32>) -> tensor<1x5x5x4xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0, %1, %2, %3 : tensor<1x4x4x4xf32>, tensor<1x5x5x4xf32>, tensor<1x7x7x4xf32>, tensor<1x5x5x4xf32>
}

// -----

// CHECK-LABEL: func.func @batch
// CHECK-NEXT:    dlp.reshape ins(%{{.*}} : tensor<2x3x5x6xf32>) -> tensor<30x6xf32>
// CHECK-NEXT:    %[[M:.*]] = dlp.matmul
// CHECK-NEXT:    dlp.reshape ins(%[[M]] : tensor<30x4xf32>) -> tensor<2x3x5x4xf32>
func.func @batch(%x: tensor<2x3x5x6xf32>, %w: tensor<6x4xf32>) -> tensor<2x3x5x4xf32> {
  %0 = dlp.matmul ins(%x, %w : tensor<2x3x5x6xf32>, tensor<6x4xf32>) -> tensor<2x3x5x4xf32>
  func.return %0 : tensor<2x3x5x4xf32>
}

// -----

// Each part of the batch has a matrix of its own.

// CHECK-LABEL: func.func @two_batches
// CHECK-NEXT:    dlp.matmul
// CHECK-NEXT:    func.return
func.func @two_batches(%x: tensor<2x5x6xf32>, %w: tensor<2x6x4xf32>) -> tensor<2x5x4xf32> {
  %0 = dlp.matmul ins(%x, %w : tensor<2x5x6xf32>, tensor<2x6x4xf32>) -> tensor<2x5x4xf32>
  func.return %0 : tensor<2x5x4xf32>
}
