// RUN: dlp-opt %s -p 'fuse{target=avx512}' --split-input-file | filecheck %s
// RUN: dlp-opt %s -p 'fuse{target=avx512 depth-first=force}' --split-input-file | filecheck %s --check-prefix=FORCE
// RUN: dlp-opt %s -p 'fuse{target=avx512 depth-first=false}' --split-input-file | filecheck %s --check-prefix=NEVER
// RUN: dlp-opt %s -p 'fuse{target=avx512 without=depth-first}' --split-input-file | filecheck %s --check-prefix=NEVER

// The expansion of an inverted residual at full size: 4.8 MB between the two convolutions stay out of memory.

// CHECK-LABEL: func.func @expansion
// CHECK:         dlp.fused "depth_first"
// CHECK:           dlp.conv
// CHECK-NEXT:      dlp.add
// CHECK-NEXT:      dlp.clamp
// CHECK-NEXT:      dlp.pad
// CHECK-NEXT:      dlp.conv
// CHECK-NEXT:      dlp.clamp
// CHECK-NEXT:      dlp.yield
// CHECK-NOT:     dlp.fused

// FORCE-LABEL: func.func @expansion
// FORCE:         dlp.fused "depth_first"

// NEVER-LABEL: func.func @expansion
// NEVER:         dlp.fused "conv"
// NEVER:           dlp.pad
// NEVER-NEXT:      dlp.yield
// NEVER:         dlp.fused "conv"
func.func @expansion(%x: tensor<1x112x112x16xf32>, %w: tensor<3x1x1x16x32xf32>, %b: tensor<96xf32>, %d: tensor<3x3x1x96xf32>) -> tensor<1x56x56x96xf32> {
  %0 = dlp.conv ins(%x, %w : tensor<1x112x112x16xf32>, tensor<3x1x1x16x32xf32>) -> tensor<1x112x112x96xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64, panel = 32 : i64}
  %1 = dlp.add ins(%0, %b : tensor<1x112x112x96xf32>, tensor<96xf32>) -> tensor<1x112x112x96xf32>
  %2 = dlp.clamp ins(%1 : tensor<1x112x112x96xf32>) -> tensor<1x112x112x96xf32> {low = 0.0 : f64, high = 6.0 : f64}
  %3 = dlp.pad ins(%2 : tensor<1x112x112x96xf32>) -> tensor<1x114x114x96xf32> {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f32}
  %4 = dlp.conv ins(%3, %d : tensor<1x114x114x96xf32>, tensor<3x3x1x96xf32>) -> tensor<1x56x56x96xf32> {layout = "channels_last", strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, groups = 96 : i64}
  %5 = dlp.clamp ins(%4 : tensor<1x56x56x96xf32>) -> tensor<1x56x56x96xf32> {low = 0.0 : f64, high = 6.0 : f64}
  func.return %5 : tensor<1x56x56x96xf32>
}

// -----

// A small image fits the cache: nothing to win, unless it is asked for.

// CHECK-LABEL: func.func @small
// CHECK:         dlp.fused "conv"
// CHECK:         dlp.fused "max_pool"

// FORCE-LABEL: func.func @small
// FORCE:         dlp.fused "depth_first"
// FORCE:           dlp.conv
// FORCE-NEXT:      dlp.relu
// FORCE-NEXT:      dlp.max_pool
// FORCE-NEXT:      dlp.yield
// FORCE-NOT:     dlp.fused

// NEVER-LABEL: func.func @small
// NEVER:         dlp.fused "conv"
// NEVER:         dlp.fused "max_pool"
func.func @small(%x: tensor<2x16x16x3xf32>, %w: tensor<3x3x3x16xf32>) -> tensor<2x7x7x16xf32> {
  %0 = dlp.conv ins(%x, %w : tensor<2x16x16x3xf32>, tensor<3x3x3x16xf32>) -> tensor<2x14x14x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %1 = dlp.relu ins(%0 : tensor<2x14x14x16xf32>) -> tensor<2x14x14x16xf32>
  %2 = dlp.max_pool ins(%1 : tensor<2x14x14x16xf32>) -> tensor<2x7x7x16xf32> {layout = "channels_last", kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>}
  func.return %2 : tensor<2x7x7x16xf32>
}

// -----

// Never: the operand is returned too; the second convolution mixes channels, so that it is no window op.

// FORCE-LABEL: func.func @never
// FORCE-NOT:     "depth_first"
func.func @never(%x: tensor<2x16x16x16xf32>, %w: tensor<3x3x16x16xf32>) -> (tensor<2x14x14x16xf32>, tensor<2x7x7x16xf32>, tensor<2x12x12x16xf32>) {
  %0 = dlp.conv ins(%x, %w : tensor<2x16x16x16xf32>, tensor<3x3x16x16xf32>) -> tensor<2x14x14x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %1 = dlp.max_pool ins(%0 : tensor<2x14x14x16xf32>) -> tensor<2x7x7x16xf32> {layout = "channels_last", kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>}
  %2 = dlp.relu ins(%x : tensor<2x16x16x16xf32>) -> tensor<2x16x16x16xf32>
  %3 = dlp.conv ins(%2, %w : tensor<2x16x16x16xf32>, tensor<3x3x16x16xf32>) -> tensor<2x14x14x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %4 = dlp.conv ins(%3, %w : tensor<2x14x14x16xf32>, tensor<3x3x16x16xf32>) -> tensor<2x12x12x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0, %1, %4 : tensor<2x14x14x16xf32>, tensor<2x7x7x16xf32>, tensor<2x12x12x16xf32>
}
