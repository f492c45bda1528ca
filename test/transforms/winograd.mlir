// RUN: dlp-opt %s -p 'winograd{target=avx2}' --split-input-file | filecheck %s
// RUN: dlp-opt %s -p 'winograd{tile=2}' --split-input-file | filecheck %s --check-prefix=TWO
// RUN: dlp-opt %s -p 'winograd{tile=0}' --split-input-file | filecheck %s --check-prefix=OFF

// The frame of the image grows, so that it consists of whole tiles.

// CHECK-LABEL: func.func @conv
// CHECK:         %[[W:.*]] = dlp.weight "w"
// CHECK:         %[[P:.*]] = dlp.pad ins(%{{.*}} : tensor<1x14x14x64xf32>) -> tensor<1x18x18x64xf32> {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 3, 3, 0>, value = 0.000000e+00
// CHECK-NEXT:    %[[V:.*]] = dlp.winograd_input_transform ins(%[[P]] : tensor<1x18x18x64xf32>) -> tensor<6x6x1x4x4x64xf32> {tile = 4 : i64, window = 3 : i64}
// CHECK-NEXT:    %[[U:.*]] = dlp.winograd_filter_transform ins(%[[W]] : tensor<3x3x64x64xf32>) -> tensor<6x6x64x64xf32> {tile = 4 : i64, window = 3 : i64}
// CHECK-NEXT:    %[[VR:.*]] = dlp.reshape ins(%[[V]] : tensor<6x6x1x4x4x64xf32>) -> tensor<36x16x64xf32>
// CHECK-NEXT:    %[[UR:.*]] = dlp.reshape ins(%[[U]] : tensor<6x6x64x64xf32>) -> tensor<36x64x64xf32>
// CHECK-NEXT:    %[[M:.*]] = dlp.matmul ins(%[[VR]], %[[UR]] : tensor<36x16x64xf32>, tensor<36x64x64xf32>) -> tensor<36x16x64xf32>
// CHECK-NEXT:    %[[MR:.*]] = dlp.reshape ins(%[[M]] : tensor<36x16x64xf32>) -> tensor<6x6x1x4x4x64xf32>
// CHECK-NEXT:    dlp.winograd_output_transform ins(%[[MR]] : tensor<6x6x1x4x4x64xf32>) -> tensor<1x14x14x64xf32> {tile = 4 : i64, window = 3 : i64}
// CHECK-NEXT:    func.return

// TWO-LABEL: func.func @conv
// TWO:         dlp.winograd_input_transform ins(%{{.*}} : tensor<1x16x16x64xf32>) -> tensor<4x4x1x7x7x64xf32> {tile = 2
// TWO:         dlp.matmul ins(%{{.*}} : tensor<16x49x64xf32>, tensor<16x64x64xf32>)

// OFF-LABEL: func.func @conv
// OFF-NOT:     winograd
func.func @conv(%x: tensor<1x14x14x64xf32>) -> tensor<1x14x14x64xf32> {
  %w = dlp.weight "w" : tensor<3x3x64x64xf32>
  %p = dlp.pad ins(%x : tensor<1x14x14x64xf32>) -> tensor<1x16x16x64xf32> {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f32}
  %0 = dlp.conv ins(%p, %w : tensor<1x16x16x64xf32>, tensor<3x3x64x64xf32>) -> tensor<1x14x14x64xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0 : tensor<1x14x14x64xf32>
}

// -----

// Lines enough, and weights that leave room in the cache: products of one line's tiles each, for kernels of strips.

// CHECK-LABEL: func.func @strips
// CHECK:         %[[V:.*]] = dlp.winograd_input_transform {{.*}} -> tensor<6x6x1x8x8x48xf32>
// CHECK:         %[[U:.*]] = dlp.reshape ins(%{{.*}} : tensor<6x6x48x48xf32>) -> tensor<6x6x1x1x48x48xf32>
// CHECK-NEXT:    %[[M:.*]] = dlp.matmul ins(%[[V]], %[[U]] : tensor<6x6x1x8x8x48xf32>, tensor<6x6x1x1x48x48xf32>) -> tensor<6x6x1x8x8x48xf32>
// CHECK-NEXT:    dlp.winograd_output_transform ins(%[[M]]
func.func @strips(%x: tensor<1x34x34x48xf32>) -> tensor<1x32x32x48xf32> {
  %w = dlp.weight "w" : tensor<3x3x48x48xf32>
  %0 = dlp.conv ins(%x, %w : tensor<1x34x34x48xf32>, tensor<3x3x48x48xf32>) -> tensor<1x32x32x48xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0 : tensor<1x32x32x48xf32>
}

// -----

// An image without a frame, or with one that is not zero, gets a frame of its own where it needs one.

// TWO-LABEL: func.func @frame
// TWO:         %[[ONES:.*]] = dlp.pad ins(%{{.*}} : tensor<1x4x7x8xf32>) -> tensor<1x6x7x8xf32>
// TWO:         %[[P:.*]] = dlp.pad ins(%[[ONES]] : tensor<1x6x7x8xf32>) -> tensor<1x6x8x8xf32> {low = array<i64: 0, 0, 0, 0>, high = array<i64: 0, 0, 1, 0>
// TWO:         dlp.winograd_input_transform ins(%[[P]]
// TWO:         dlp.winograd_output_transform ins(%{{.*}} : tensor<4x4x1x2x3x8xf32>) -> tensor<1x4x5x8xf32>
func.func @frame(%x: tensor<1x4x7x8xf32>) -> tensor<1x4x5x8xf32> {
  %w = dlp.weight "w" : tensor<3x3x8x8xf32>
  %p = dlp.pad ins(%x : tensor<1x4x7x8xf32>) -> tensor<1x6x7x8xf32> {low = array<i64: 0, 1, 0, 0>, high = array<i64: 0, 1, 0, 0>, value = 1.0 : f32}
  %0 = dlp.conv ins(%p, %w : tensor<1x6x7x8xf32>, tensor<3x3x8x8xf32>) -> tensor<1x4x5x8xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0 : tensor<1x4x5x8xf32>
}

// -----

// Lines are transformed along their one dimension.

// TWO-LABEL: func.func @line
// TWO:         dlp.winograd_input_transform ins(%{{.*}} : tensor<2x12x8xf32>) -> tensor<4x2x5x8xf32>
// TWO:         dlp.matmul ins(%{{.*}} : tensor<4x10x8xf32>, tensor<4x8x16xf32>)
// TWO:         dlp.winograd_output_transform ins(%{{.*}} : tensor<4x2x5x16xf32>) -> tensor<2x10x16xf32>
func.func @line(%x: tensor<2x12x8xf32>) -> tensor<2x10x16xf32> {
  %w = dlp.weight "w" : tensor<3x8x16xf32>
  %0 = dlp.conv ins(%x, %w : tensor<2x12x8xf32>, tensor<3x8x16xf32>) -> tensor<2x10x16xf32> {layout = "channels_last", strides = array<i64: 1>, dilations = array<i64: 1>, groups = 1 : i64}
  func.return %0 : tensor<2x10x16xf32>
}

// -----

// Few channels: the transforms would cost more than they save.

// CHECK-LABEL: func.func @few_channels
// CHECK-NOT:     winograd
func.func @few_channels(%x: tensor<1x30x30x4xf32>) -> tensor<1x28x28x8xf32> {
  %w = dlp.weight "w" : tensor<3x3x4x8xf32>
  %0 = dlp.conv ins(%x, %w : tensor<1x30x30x4xf32>, tensor<3x3x4x8xf32>) -> tensor<1x28x28x8xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0 : tensor<1x28x28x8xf32>
}

// -----

// Weights that are computed for each call would be transformed in each call.

// TWO-LABEL: func.func @computed_weights
// TWO-NOT:     winograd
func.func @computed_weights(%x: tensor<1x16x16x64xf32>, %w: tensor<3x3x64x64xf32>) -> tensor<1x14x14x64xf32> {
  %0 = dlp.conv ins(%x, %w : tensor<1x16x16x64xf32>, tensor<3x3x64x64xf32>) -> tensor<1x14x14x64xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0 : tensor<1x14x14x64xf32>
}

// -----

// Steps, distances within the window, groups, windows of one pixel or with unequal sides.

// TWO-LABEL: func.func @others
// TWO-NOT:     winograd
func.func @others(%x: tensor<1x16x16x16xf32>) -> (tensor<1x7x7x16xf32>, tensor<1x12x12x16xf32>, tensor<1x14x14x16xf32>, tensor<1x16x16x16xf32>, tensor<1x14x16x16xf32>) {
  %w = dlp.weight "w" : tensor<3x3x16x16xf32>
  %g = dlp.weight "g" : tensor<3x3x8x16xf32>
  %o = dlp.weight "o" : tensor<1x1x16x16xf32>
  %u = dlp.weight "u" : tensor<3x1x16x16xf32>
  %0 = dlp.conv ins(%x, %w : tensor<1x16x16x16xf32>, tensor<3x3x16x16xf32>) -> tensor<1x7x7x16xf32> {layout = "channels_last", strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %1 = dlp.conv ins(%x, %w : tensor<1x16x16x16xf32>, tensor<3x3x16x16xf32>) -> tensor<1x12x12x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 2, 2>, groups = 1 : i64}
  %2 = dlp.conv ins(%x, %g : tensor<1x16x16x16xf32>, tensor<3x3x8x16xf32>) -> tensor<1x14x14x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 2 : i64}
  %3 = dlp.conv ins(%x, %o : tensor<1x16x16x16xf32>, tensor<1x1x16x16xf32>) -> tensor<1x16x16x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %4 = dlp.conv ins(%x, %u : tensor<1x16x16x16xf32>, tensor<3x1x16x16xf32>) -> tensor<1x14x16x16xf32> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0, %1, %2, %3, %4 : tensor<1x7x7x16xf32>, tensor<1x12x12x16xf32>, tensor<1x14x14x16xf32>, tensor<1x16x16x16xf32>, tensor<1x14x16x16xf32>
}

// -----

// Of an image whose size only a run knows as much frame is added as may be missing, and tiles may be parts of one.

// TWO-LABEL: func.func @open_image
// TWO:         dlp.winograd_input_transform {{.*}} -> tensor<4x4x1x?x?x32xf32
// CHECK-LABEL: func.func @open_image
// CHECK:         dlp.pad {{.*}} {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 4, 4, 0>
// CHECK:         dlp.winograd_input_transform {{.*}} -> tensor<6x6x1x?x?x32xf32, #dlp.dims<[6 : i64, 6 : i64, 1 : i64, "((s0 + 3) // 4)", "((s1 + 3) // 4)", 32 : i64]
// CHECK:         dlp.matmul {{.*}} -> tensor<36x?x32xf32, #dlp.dims<[36 : i64, "((s0 + 3) // 4) * ((s1 + 3) // 4)", 32 : i64], [], {s0 = [30 : i64, 4 : i64], s1 = 22 : i64}>>
// CHECK:         dlp.winograd_output_transform {{.*}} -> tensor<1x?x?x32xf32, #dlp.dims<[1 : i64, "s0", "s1", 32 : i64]
func.func @open_image(%x: tensor<1x?x?x32xf32, #dlp.dims<[1, "s0", "s1", 32], [], {s0 = [30, 4], s1 = 22}>>) -> tensor<1x?x?x32xf32, #dlp.dims<[1, "s0", "s1", 32], [], {s0 = [30, 4], s1 = 22}>> {
  %w = dlp.weight "w" : tensor<3x3x32x32xf32>
  %p = dlp.pad ins(%x : tensor<1x?x?x32xf32, #dlp.dims<[1, "s0", "s1", 32], [], {s0 = [30, 4], s1 = 22}>>) -> tensor<1x?x?x32xf32, #dlp.dims<[1, "s0 + 2", "s1 + 2", 32], [], {s0 = [30, 4], s1 = 22}>> {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f32}
  %0 = dlp.conv ins(%p, %w : tensor<1x?x?x32xf32, #dlp.dims<[1, "s0 + 2", "s1 + 2", 32], [], {s0 = [30, 4], s1 = 22}>>, tensor<3x3x32x32xf32>) -> tensor<1x?x?x32xf32, #dlp.dims<[1, "s0", "s1", 32], [], {s0 = [30, 4], s1 = 22}>> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0 : tensor<1x?x?x32xf32, #dlp.dims<[1, "s0", "s1", 32], [], {s0 = [30, 4], s1 = 22}>>
}
