// RUN: dlp-opt %s -p fold-batch-norm --split-input-file | filecheck %s

// The norm becomes scaled weights and one bias.

// CHECK-LABEL: func.func @conv
// CHECK-SAME:    (%[[X:.*]]: tensor<2x3x5x5xf32>)
// CHECK:         %[[W:.*]] = dlp.weight "w"
// CHECK:         %[[SCALE:.*]] = dlp.mul
// CHECK:         %[[SHIFT:.*]] = dlp.sub
// CHECK-NEXT:    %[[PER_FILTER:.*]] = dlp.reshape ins(%[[SCALE]] : tensor<4xf32>) -> tensor<4x1x1x1xf32>
// CHECK-NEXT:    %[[SCALED:.*]] = dlp.mul ins(%[[W]], %[[PER_FILTER]]
// CHECK-NEXT:    %[[CONV:.*]] = dlp.conv ins(%[[X]], %[[SCALED]]
// CHECK-SAME:      dlp.source = "net.py:3"
// CHECK-NEXT:    %[[BIAS:.*]] = dlp.reshape ins(%{{.*}} : tensor<4x1x1xf32>) -> tensor<4xf32>
// CHECK-NEXT:    %[[SCALED_BIAS:.*]] = dlp.mul ins(%[[BIAS]], %[[SCALE]]
// CHECK-NEXT:    %[[SUM:.*]] = dlp.add ins(%[[SHIFT]], %[[SCALED_BIAS]]
// CHECK-NEXT:    %[[WHOLE:.*]] = dlp.reshape ins(%[[SUM]] : tensor<4xf32>) -> tensor<4x1x1xf32>
// CHECK-NEXT:    %[[Y:.*]] = dlp.add ins(%[[CONV]], %[[WHOLE]]
// CHECK-SAME:      dlp.source = "net.py:4"
// CHECK-NEXT:    func.return %[[Y]]
func.func @conv(%x: tensor<2x3x5x5xf32>) -> tensor<2x4x3x3xf32> {
  %w = dlp.weight "w" : tensor<4x3x3x3xf32>
  %b = dlp.weight "b" : tensor<4xf32>
  %mean = dlp.weight "mean" : tensor<4xf32>
  %variance = dlp.weight "variance" : tensor<4xf32>
  %gamma = dlp.weight "gamma" : tensor<4xf32>
  %beta = dlp.weight "beta" : tensor<4xf32>
  %0 = dlp.conv ins(%x, %w : tensor<2x3x5x5xf32>, tensor<4x3x3x3xf32>) -> tensor<2x4x3x3xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, dlp.source = "net.py:3"}
  %1 = dlp.reshape ins(%b : tensor<4xf32>) -> tensor<4x1x1xf32>
  %2 = dlp.add ins(%0, %1 : tensor<2x4x3x3xf32>, tensor<4x1x1xf32>) -> tensor<2x4x3x3xf32>
  %3 = dlp.batch_norm ins(%2, %mean, %variance, %gamma, %beta : tensor<2x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x3x3xf32> {eps = 1.0e-5 : f64, dlp.source = "net.py:4"}
  func.return %3 : tensor<2x4x3x3xf32>
}

// -----

// CHECK-LABEL: func.func @matmul
// CHECK:         %[[SCALED:.*]] = dlp.mul ins(%{{.*}}, %{{.*}} : tensor<5x4xf32>, tensor<4xf32>) -> tensor<5x4xf32>
// CHECK-NEXT:    %[[Y:.*]] = dlp.matmul ins(%{{.*}}, %[[SCALED]]
// CHECK-NEXT:    dlp.add ins(%[[Y]], %{{.*}} : tensor<3x4xf32>, tensor<4xf32>)
// CHECK-NOT:     dlp.batch_norm
func.func @matmul(%x: tensor<3x5xf32>) -> tensor<3x4xf32> {
  %w = dlp.weight "w" : tensor<5x4xf32>
  %s = dlp.weight "s" : tensor<4xf32>
  %0 = dlp.matmul ins(%x, %w : tensor<3x5xf32>, tensor<5x4xf32>) -> tensor<3x4xf32>
  %1 = dlp.batch_norm ins(%0, %s, %s, %s, %s : tensor<3x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<3x4xf32> {eps = 1.0e-5 : f64}
  func.return %1 : tensor<3x4xf32>
}

// -----

// Somebody else needs the values before the norm.

// CHECK-LABEL: func.func @second_user
// CHECK:         dlp.conv
// CHECK-NEXT:    dlp.batch_norm
func.func @second_user(%x: tensor<1x1x3x3xf32>) -> (tensor<1x4x3x3xf32>, tensor<1x4x3x3xf32>) {
  %w = dlp.weight "w" : tensor<4x1x1x1xf32>
  %s = dlp.weight "s" : tensor<4xf32>
  %0 = dlp.conv ins(%x, %w : tensor<1x1x3x3xf32>, tensor<4x1x1x1xf32>) -> tensor<1x4x3x3xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %1 = dlp.batch_norm ins(%0, %s, %s, %s, %s : tensor<1x4x3x3xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x3x3xf32> {eps = 1.0e-5 : f64}
  func.return %0, %1 : tensor<1x4x3x3xf32>, tensor<1x4x3x3xf32>
}

// -----

// The bias is not one number a channel: it is added to the pixels of a line.

// CHECK-LABEL: func.func @other_bias
// CHECK:         dlp.conv
// CHECK-NEXT:    dlp.add
// CHECK-NEXT:    dlp.batch_norm
func.func @other_bias(%x: tensor<1x1x3x4xf32>) -> tensor<1x4x3x4xf32> {
  %w = dlp.weight "w" : tensor<4x1x1x1xf32>
  %s = dlp.weight "s" : tensor<4xf32>
  %0 = dlp.conv ins(%x, %w : tensor<1x1x3x4xf32>, tensor<4x1x1x1xf32>) -> tensor<1x4x3x4xf32> {layout = "channels_first", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %1 = dlp.add ins(%0, %s : tensor<1x4x3x4xf32>, tensor<4xf32>) -> tensor<1x4x3x4xf32>
  %2 = dlp.batch_norm ins(%1, %s, %s, %s, %s : tensor<1x4x3x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<1x4x3x4xf32> {eps = 1.0e-5 : f64}
  func.return %2 : tensor<1x4x3x4xf32>
}

// -----

// Statistics that come with the call cannot go into the weights.

// CHECK-LABEL: func.func @given_statistics
// CHECK:         dlp.matmul
// CHECK-NEXT:    dlp.batch_norm
func.func @given_statistics(%x: tensor<3x5xf32>, %mean: tensor<4xf32>) -> tensor<3x4xf32> {
  %w = dlp.weight "w" : tensor<5x4xf32>
  %s = dlp.weight "s" : tensor<4xf32>
  %0 = dlp.matmul ins(%x, %w : tensor<3x5xf32>, tensor<5x4xf32>) -> tensor<3x4xf32>
  %1 = dlp.batch_norm ins(%0, %mean, %s, %s, %s : tensor<3x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<3x4xf32> {eps = 1.0e-5 : f64}
  func.return %1 : tensor<3x4xf32>
}

// -----

// The columns of a transposed convolution are the second dimension of its weights.

// CHECK-LABEL: func.func @conv_transpose
// CHECK:         %[[COLUMNS:.*]] = dlp.reshape ins(%{{.*}} : tensor<4xf32>) -> tensor<4x1xf32>
// CHECK-NEXT:    %[[SCALED:.*]] = dlp.mul ins(%{{.*}}, %[[COLUMNS]] : tensor<3x4x2xf32>, tensor<4x1xf32>)
// CHECK-NEXT:    dlp.conv_transpose ins(%{{.*}}, %[[SCALED]]
// CHECK-NOT:     dlp.batch_norm
func.func @conv_transpose(%x: tensor<2x3x5xf32>) -> tensor<2x4x10xf32> {
  %w = dlp.weight "w" : tensor<3x4x2xf32>
  %s = dlp.weight "s" : tensor<4xf32>
  %0 = dlp.conv_transpose ins(%x, %w : tensor<2x3x5xf32>, tensor<3x4x2xf32>) -> tensor<2x4x10xf32> {strides = array<i64: 2>, padding = array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64}
  %1 = dlp.batch_norm ins(%0, %s, %s, %s, %s : tensor<2x4x10xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x10xf32> {eps = 1.0e-5 : f64}
  func.return %1 : tensor<2x4x10xf32>
}

// -----

// Those of several groups are in two dimensions.

// CHECK-LABEL: func.func @conv_transpose_groups
// CHECK:         dlp.batch_norm
func.func @conv_transpose_groups(%x: tensor<2x4x5xf32>) -> tensor<2x4x10xf32> {
  %w = dlp.weight "w" : tensor<4x2x2xf32>
  %s = dlp.weight "s" : tensor<4xf32>
  %0 = dlp.conv_transpose ins(%x, %w : tensor<2x4x5xf32>, tensor<4x2x2xf32>) -> tensor<2x4x10xf32> {strides = array<i64: 2>, padding = array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 2 : i64}
  %1 = dlp.batch_norm ins(%0, %s, %s, %s, %s : tensor<2x4x10xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x4x10xf32> {eps = 1.0e-5 : f64}
  func.return %1 : tensor<2x4x10xf32>
}
