// RUN: dlp-opt %s -p decompose --split-input-file | filecheck %s

// A window as large as the stride: one product a pixel, whose columns are the four places that it adds to.

// CHECK-LABEL: func.func @every_pixel_alone
// CHECK-NOT:     dlp.pad
// CHECK:         %[[W:.*]] = dlp.transpose ins(%{{.*}} : tensor<1x4x3x1x2x1x2xf32>) -> tensor<1x2x2x3x4x1x1xf32> {permutation = array<i64: 0, 4, 6, 2, 1, 3, 5>}
// CHECK-NEXT:    %[[V:.*]] = dlp.reshape ins(%[[W]] : {{.*}}) -> tensor<12x4x1x1xf32>
// CHECK-NEXT:    %[[Y:.*]] = dlp.conv ins(%{{.*}}, %[[V]] : {{.*}}) -> tensor<1x12x5x5xf32>
// CHECK-NEXT:    %[[S:.*]] = dlp.reshape ins(%[[Y]] : {{.*}}) -> tensor<1x1x2x2x3x5x5xf32>
// CHECK-NEXT:    %[[T:.*]] = dlp.transpose ins(%[[S]] : {{.*}}) -> tensor<1x1x3x5x2x5x2xf32>
// CHECK-NEXT:    %[[R:.*]] = dlp.reshape ins(%[[T]] : {{.*}}) -> tensor<1x3x10x10xf32>
// CHECK-NEXT:    func.return %[[R]]
func.func @every_pixel_alone(%x: tensor<1x4x5x5xf32>, %w: tensor<4x3x2x2xf32>) -> tensor<1x3x10x10xf32> {
  %0 = dlp.conv_transpose ins(%x, %w : tensor<1x4x5x5xf32>, tensor<4x3x2x2xf32>) -> tensor<1x3x10x10xf32> {strides = array<i64: 2, 2>, padding = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64}
  func.return %0 : tensor<1x3x10x10xf32>
}

// -----

// Three taps at stride two: two of them on even places, one on odd ones. No tap is multiplied by what is not there.

// CHECK-LABEL: func.func @uneven
// CHECK-DAG:     %[[EVEN:.*]] = dlp.conv ins(%{{.*}}, %{{.*}} : tensor<1x4x6xf32>, tensor<3x4x2xf32>) -> tensor<1x3x5xf32>
// CHECK-DAG:     %[[ODD:.*]] = dlp.conv ins(%{{.*}}, %{{.*}} : tensor<1x4x5xf32>, tensor<3x4x1xf32>) -> tensor<1x3x5xf32>
// CHECK:         dlp.concat ins(%{{.*}}, %{{.*}} : tensor<1x1x1x3x5xf32>, tensor<1x1x1x3x5xf32>) -> tensor<1x1x2x3x5xf32> {dimension = 2 : i64}
// CHECK:         dlp.slice ins(%{{.*}} : tensor<1x3x10xf32>) -> tensor<1x3x9xf32> {offsets = array<i64: 0, 0, 1>
func.func @uneven(%x: tensor<1x4x5xf32>, %w: tensor<4x3x3xf32>) -> tensor<1x3x9xf32> {
  %0 = dlp.conv_transpose ins(%x, %w : tensor<1x4x5xf32>, tensor<4x3x3xf32>) -> tensor<1x3x9xf32> {strides = array<i64: 2>, padding = array<i64: 1>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64}
  func.return %0 : tensor<1x3x9xf32>
}

// -----

// A single pixel is multiplied by the whole window, once.

// CHECK-LABEL: func.func @single_pixel
// CHECK-NOT:     dlp.pad
// CHECK:         dlp.conv ins(%{{.*}}, %{{.*}} : tensor<2x4x1xf32>, tensor<15x4x1xf32>) -> tensor<2x15x1xf32>
// CHECK-NOT:     dlp.slice
// CHECK:         func.return
func.func @single_pixel(%x: tensor<2x4x1xf32>, %w: tensor<4x3x5xf32>) -> tensor<2x3x5xf32> {
  %0 = dlp.conv_transpose ins(%x, %w : tensor<2x4x1xf32>, tensor<4x3x5xf32>) -> tensor<2x3x5xf32> {strides = array<i64: 1>, padding = array<i64: 0>, output_padding = array<i64: 0>, dilations = array<i64: 1>, groups = 1 : i64}
  func.return %0 : tensor<2x3x5xf32>
}
