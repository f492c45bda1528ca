// RUN: dlp-opt %s --target=avx512 -p 'fuse{depth-first=force},outline-kernels,bufferize,tile-tasks' | filecheck %s

// Depth-first execution over an image of open size: rows of the first convolution are computed in the task that reads
// them, at the border shifted inwards; how far follows from the size of the run.

// CHECK-LABEL: func.func private @conv_relu_conv
// CHECK:         %[[LAST:.*]] = affine.apply affine_map<(d0) -> ((d0 + -3))> (%s0)
// CHECK:         scf.parallel
// CHECK:           %[[FIRST:.*]] = arith.maxsi
// CHECK-NEXT:      arith.minsi %[[FIRST]], %[[LAST]]
// CHECK:           dlp.conv {{.*}} outs(%{{.*}} : memref<1x3x{{[0-9]+}}x32xf32>)
// CHECK:           dlp.conv {{.*}} outs(%{{.*}} : memref<1x1x{{[0-9]+}}x32xf32,
func.func @forward(%x: tensor<1x?x?x8xf32, #dlp.dims<[1, "s0", "s1", 8], [], {s0 = [112, 58], s1 = [112, 58]}>>, %w: tensor<1x1x8x32xf32>, %v: tensor<3x3x1x32xf32>)
    -> tensor<1x?x?x32xf32, #dlp.dims<[1, "(s0 + 1) // 2", "(s1 + 1) // 2", 32], [], {s0 = [112, 58], s1 = [112, 58]}>> {
  %0 = dlp.conv ins(%x, %w : tensor<1x?x?x8xf32, #dlp.dims<[1, "s0", "s1", 8], [], {s0 = [112, 58], s1 = [112, 58]}>>, tensor<1x1x8x32xf32>) -> tensor<1x?x?x32xf32, #dlp.dims<[1, "s0", "s1", 32], [], {s0 = [112, 58], s1 = [112, 58]}>> {layout = "channels_last", strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  %1 = dlp.relu ins(%0 : tensor<1x?x?x32xf32, #dlp.dims<[1, "s0", "s1", 32], [], {s0 = [112, 58], s1 = [112, 58]}>>) -> tensor<1x?x?x32xf32, #dlp.dims<[1, "s0", "s1", 32], [], {s0 = [112, 58], s1 = [112, 58]}>>
  %2 = dlp.pad ins(%1 : tensor<1x?x?x32xf32, #dlp.dims<[1, "s0", "s1", 32], [], {s0 = [112, 58], s1 = [112, 58]}>>) -> tensor<1x?x?x32xf32, #dlp.dims<[1, "s0 + 2", "s1 + 2", 32], [], {s0 = [112, 58], s1 = [112, 58]}>> {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f64}
  %3 = dlp.conv ins(%2, %v : tensor<1x?x?x32xf32, #dlp.dims<[1, "s0 + 2", "s1 + 2", 32], [], {s0 = [112, 58], s1 = [112, 58]}>>, tensor<3x3x1x32xf32>) -> tensor<1x?x?x32xf32, #dlp.dims<[1, "(s0 + 1) // 2", "(s1 + 1) // 2", 32], [], {s0 = [112, 58], s1 = [112, 58]}>> {layout = "channels_last", strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, groups = 32 : i64}
  func.return %3 : tensor<1x?x?x32xf32, #dlp.dims<[1, "(s0 + 1) // 2", "(s1 + 1) // 2", 32], [], {s0 = [112, 58], s1 = [112, 58]}>>
}
